"""What an image is made of: a built-in algorithm, a framework, or an image of one's own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from flowmaker.executors.executor import Container, EnvironmentSpec
from flowmaker.executors.images import ResolvedImage, python_image
from flowmaker.sagemaker.algorithms import registry as algorithms
from flowmaker.sagemaker.algorithms.registry import BuiltIn
from flowmaker.sagemaker.frameworks import registry as frameworks
from flowmaker.sagemaker.frameworks.registry import Framework

#: Where a container's model server listens, and the variable that names another port.
SERVING_PORT = 8080
BIND_TO_PORT = "SAGEMAKER_BIND_TO_PORT"
#: A program is not longer.
_SOURCE_BYTES = 1 << 20
#: Knows an image of one's own by its name, or does not.
OwnImages = Callable[[str], ResolvedImage | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """An image that jobs and models may name."""

    environment: EnvironmentSpec
    #: What `docker run IMAGE train` and `… serve` are; empty: the image has no such command.
    train: tuple[str, ...] = ()
    serve: tuple[str, ...] = ()
    #: The folder that its programs are in, and start in. Empty: none.
    workdir: str = ""
    #: The port that its model server listens on; 0: the one that SAGEMAKER_BIND_TO_PORT names.
    port: int = 0
    algorithm: BuiltIn | None = None
    #: Its programs are scripts of the user's.
    framework: Framework | None = None
    #: It is a real container, which this engine has under this name.
    container: Container | None = None

    @property
    def has_pip(self) -> bool:
        """Programs in it may install packages: each process has them to itself."""
        return self.algorithm is None and self.container is None

    def with_requirements(self, requirements: Sequence[str]) -> "Image":
        """The image with further packages; the same contents are the same environment."""
        if not requirements or self.container is not None:
            return self
        base = self.environment
        more = EnvironmentSpec(base=base, requirements=tuple(requirements), python=base.python)
        return replace(self, environment=more)


class JobImages:
    """The images that this server knows."""

    def __init__(self, own: Sequence[OwnImages] = ()) -> None:
        """Know AWS's images, those of `own` and the official Python images."""
        self._own = (*own, python_image)

    def find(self, name: str, *, script: bool = False) -> Image | None:
        """What the image is made of; None if it is not known here.

        XGBoost's image is the framework if a `script` is to run in it, else the algorithm.
        """
        framework = frameworks.find(name)
        algorithm = algorithms.find(name)
        if framework is not None and (script or algorithm is None):
            return _of_framework(framework)
        if algorithm is not None:
            return _of_algorithm(algorithm)
        found = next(filter(None, (rule(name) for rule in self._own)), None)
        if found is not None and found.engine:
            return _contained(name, found.engine)
        return None if found is None else _own(found)


def _of_algorithm(algorithm: BuiltIn) -> Image:
    module = ("python", "-m", algorithm.module)
    return Image(
        environment=EnvironmentSpec(lock=algorithm.lock, programs=True),
        train=(*module, "train"),
        serve=(*module, "serve"),
        algorithm=algorithm,
    )


def _of_framework(framework: Framework) -> Image:
    return Image(
        environment=EnvironmentSpec(
            lock=framework.lock, requirements=framework.requirements, programs=True
        ),
        train=framework.argv("train"),
        serve=framework.argv("serve"),
        framework=framework,
    )


def _contained(name: str, engine: str) -> Image:
    """A real container: its entrypoint is told `train` or `serve`, and it listens on 8080."""
    return Image(
        environment=EnvironmentSpec(),
        train=("train",),
        serve=("serve",),
        port=SERVING_PORT,
        container=Container(engine=engine, image=name),
    )


def _own(found: ResolvedImage) -> Image:
    # Every Python image has pip.
    listed = (*found.environment.requirements, "pip")
    return Image(
        environment=replace(found.environment, requirements=listed),
        train=_program(found, "train"),
        serve=_program(found, "serve"),
        workdir=found.workdir,
        port=0 if _heeds_port(found.workdir) else SERVING_PORT,
    )


@cache
def _heeds_port(workdir: str) -> bool:
    """Whether a program of the image's folder reads which port it is to listen on.

    One that does not listens on 8080, as SageMaker's contract says. The folder never changes.
    """
    if not workdir:
        return False
    files = (path for path in Path(workdir).rglob("*") if path.is_file())
    return any(BIND_TO_PORT.encode() in path.read_bytes()[:_SOURCE_BYTES] for path in files)


def _program(found: ResolvedImage, name: str) -> tuple[str, ...]:
    """The program of the image's folder, as where that is on PATH; else one of a package."""
    beside = Path(found.workdir) / name
    return (*found.entrypoint, str(beside) if found.workdir and beside.is_file() else name)
