"""A container image's name, as a name for an environment.

Nothing is pulled: an image is known when a rule knows what it is made of. Domains bring the rules
for their own images; the official ones of Python and of plain systems are known here.
"""

import platform
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from flowmaker.errors import Unsupported
from flowmaker.executors.executor import EnvironmentSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolvedImage:
    """What an image comes to on this machine."""

    environment: EnvironmentSpec
    #: The image's own entrypoint, for whoever gives arguments alone.
    entrypoint: tuple[str, ...] = ()
    #: Where its commands start, e.g. the folder that the image's programs are in; empty: at work.
    workdir: str = ""
    #: What runs the words of its shell, which know more than those of this machine's `sh`; empty:
    #: that does.
    shell: tuple[str, ...] = ()
    #: The engine that runs it as a real container, `podman` or `docker`; empty: it is none.
    engine: str = ""
    #: Which rule knew it, e.g. `python`.
    kind: str
    #: What whoever runs it is told, in the log; empty: nothing.
    note: str = ""


#: Knows an image by its name, or does not. The first line of its docstring says which ones it
#: knows, for the person who used another.
ImageRule = Callable[[str], ResolvedImage | None]

_OFFICIAL = re.compile(
    r"(?:(?:[\w.:-]+/)*library/|docker\.io/)?python"
    r"(?::(?:(?P<major>\d+)(?:\.(?P<minor>\d+))?(?:\.\d+)?(?:(?:a|b|rc)\d+)?)?(?:-?[a-z][\w.-]*)?)?"
    r"(?:@sha256:[0-9a-f]{64})?"
)
_SYSTEM = re.compile(
    r"(?:(?:[\w.:-]+/)*library/|docker\.io/|ghcr\.io/containerd/)?(?:alpine|bash|busybox|debian|ubuntu)"
    r"(?::[\w.-]+)?(?:@sha256:[0-9a-f]{64})?"
)
#: Those whose `sh` is BusyBox's, or bash.
_ASH = re.compile(r"(?:^|/)(?:alpine|bash|busybox)(?:[:@]|$)")
_UBI = re.compile(
    r"registry(?:\.access)?\.redhat\.(?:com|io)/ubi\d+/python-(?P<major>\d)(?P<minor>\d+)"
    r"(?:-minimal)?(?::[\w.-]+)?(?:@sha256:[0-9a-f]{64})?"
)
_PYTHON_3 = "3"


def python_image(name: str) -> ResolvedImage | None:
    """`python:3.X` in any flavour (slim, alpine, …) and Red Hat's `ubi9/python-3X`."""
    match = _OFFICIAL.fullmatch(name) or _UBI.fullmatch(name)
    if match is None:
        return None
    major, minor = match["major"] or _PYTHON_3, match["minor"]
    if major != _PYTHON_3:
        raise Unsupported(f"image {name}: Python {major} is not run here, use a python:3 image")
    python = f"{major}.{minor}" if minor else ""
    return ResolvedImage(environment=EnvironmentSpec(python=python), kind="python")


def system_image(name: str) -> ResolvedImage | None:
    """`alpine`, `bash`, `busybox`, `debian`, `ubuntu`: this machine's own shell and programs."""
    if _SYSTEM.fullmatch(name) is None:
        return None
    note = f"image {name} stands for this machine's own shell and programs: {_system()}"
    shell = _bash() if _ASH.search(name) else ()
    return ResolvedImage(environment=EnvironmentSpec(), kind="system", note=note, shell=shell)


@cache
def _bash() -> tuple[str, ...]:
    """Bash as a POSIX shell: it knows what BusyBox's does, as `[ a == b ]`, `[[` and `${a/b/c}`."""
    return ("bash", "--posix") if shutil.which("bash") else ()


@cache
def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


class Images:
    """The images that this server knows."""

    def __init__(self, builtins: Sequence[ImageRule] = ()) -> None:
        """Know the images of `builtins`, asked in their order, and the official ones."""
        self._rules = (*builtins, python_image, system_image)

    def resolve(self, name: str) -> ResolvedImage:
        """What the image comes to.

        Raises:
            Unsupported: no rule knows it.
        """
        for rule in self._rules:
            resolved = rule(name)
            if resolved is not None and resolved.engine:
                raise Unsupported(
                    f"image {name!r} is a real container here (flowmaker image add --container): "
                    "SageMaker's jobs and models run in it, tasks of pipelines do not"
                )
            if resolved is not None:
                return resolved
        known = "; ".join((rule.__doc__ or "").strip().partition("\n")[0] for rule in self._rules)
        raise Unsupported(
            f"image {name!r} is not known here: no images are pulled and no containers run. An "
            f"image is a name for an environment, and these are known: {known} "
            "Use one of them, with what else is needed in the component's packages_to_install; "
            f"or say what it stands for: flowmaker image add {name} --requirements FILE."
        )
