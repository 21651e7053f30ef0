"""Which image is which framework, and what a job with it needs.

Pure, and of the standard library alone: the server imports it, and no framework with it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from flowmaker.sagemaker.algorithms.accounts import domain
from flowmaker.sagemaker.frameworks.accounts import DEEP_LEARNING, SCIKIT_LEARN

PACKAGE = "flowmaker.sagemaker.frameworks"

_URI = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.(?P<domain>[a-z0-9.]+)"
    r"/(?P<repository>[a-z0-9._/-]+?):(?P<tag>[\w.-]+)"
)
_DEEP_LEARNING_TAG = re.compile(
    r"(?P<version>\d+\.\d+(\.\d+)?)(-(cpu|gpu))?(-py\d+)?(-[a-z][\w.]*)*"
)
#: PyTorch for CPUs. On x86-64 Linux the build that PyPI has is for GPUs, with several GB of CUDA;
#: the one without has the version +cpu and comes from PyTorch's own index.
_TORCH = (
    'torch==2.13.0+cpu; sys_platform == "linux" and platform_machine == "x86_64"',
    'torch==2.13.0; sys_platform != "linux" or platform_machine != "x86_64"',
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Framework:
    """A framework in the version that an image names."""

    name: str
    #: As the image's tag has it, e.g. `1.2-1`. What runs here is in `lock`.
    version: str
    #: A requirements file with hashes, and what is installed after it.
    lock: str
    requirements: tuple[str, ...] = ()
    #: Which of `train` and `serve` the image has.
    commands: tuple[str, ...] = ("train", "serve")

    def argv(self, command: str) -> tuple[str, ...]:
        """What `docker run IMAGE train` or `… serve` is; empty: the image has it not."""
        if command not in self.commands:
            return ()
        return ("python", "-m", PACKAGE, f"{self.name}:{self.version}", command)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Repository:
    name: str
    accounts: Mapping[str, str]
    tags: re.Pattern[str]
    #: The file below `environments` for a version.
    lock: Callable[[str], str]
    requirements: tuple[str, ...] = ()
    commands: tuple[str, ...] = ("train", "serve")


def _scikit_learn_lock(version: str) -> str:
    major, minor = re.split(r"[.-]", version)[:2]
    return "sklearn-1.2" if (int(major), int(minor)) < (1, 4) else "sklearn-1.4"


def _pytorch(command: str) -> _Repository:
    return _Repository(
        name="pytorch",
        accounts=DEEP_LEARNING,
        tags=_DEEP_LEARNING_TAG,
        lock=lambda _: "pytorch",
        requirements=_TORCH,
        commands=(command,),
    )


_REPOSITORIES = {
    "sagemaker-scikit-learn": _Repository(
        name="scikit-learn",
        accounts=SCIKIT_LEARN,
        tags=re.compile(r"(?P<version>0\.20\.0|\d+\.\d+-\d+)(-cpu)?(-py3)?"),
        lock=_scikit_learn_lock,
    ),
    "sagemaker-xgboost": _Repository(
        name="xgboost",
        accounts=SCIKIT_LEARN,
        tags=re.compile(r"(?P<version>\d+\.\d+-\d+)(-(cpu|gpu|arm64))?(-py3)?"),
        lock=lambda _: "xgboost",
    ),
    "pytorch-training": _pytorch("train"),
    "pytorch-inference": _pytorch("serve"),
}


def find(image: str) -> Framework | None:
    """The framework that an image URI names; None if it is anything else.

    XGBoost's image is a framework and a built-in algorithm: which one, the job says.
    """
    uri = _URI.fullmatch(image)
    if uri is None or uri["domain"] != domain(uri["region"]):
        return None
    repository = _REPOSITORIES.get(uri["repository"])
    if repository is None or repository.accounts.get(uri["region"]) != uri["account"]:
        return None
    tag = repository.tags.fullmatch(uri["tag"])
    return _framework(uri["repository"], tag["version"]) if tag else None


@cache
def _framework(repository: str, version: str) -> Framework:
    found = _REPOSITORIES[repository]
    place = files(PACKAGE) / "environments" / f"{found.lock(version)}.txt"
    return Framework(
        name=found.name,
        version=version,
        lock=place.read_text(),
        requirements=found.requirements,
        commands=found.commands,
    )
