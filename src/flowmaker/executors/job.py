"""From what was asked (`ProcessSpec`) to what a supervisor is given: `spec.json`, complete."""

import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import flowmaker
from flowmaker.errors import InvalidInput
from flowmaker.executors import containers
from flowmaker.executors.executor import Container, ProcessSpec
from flowmaker.executors.sandbox import PLAIN, Confinement
from flowmaker.executors.warm import BARE, Warmth

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_CALL = re.compile(r"[\w.]+:\w+")
_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ETC_HOSTS = Path("/etc/hosts")


def is_name(process_id: str) -> bool:
    """Whether it can be the id of a process, which is the name of its folder."""
    return _NAME.fullmatch(process_id) is not None


def check(spec: ProcessSpec) -> None:
    """Refuse what makes no sense.

    Raises:
        InvalidInput: naming the field.
    """
    if not is_name(spec.id):
        raise InvalidInput(f"{spec.id!r} cannot name a process: letters, digits, . _ - only")
    if not spec.call and not spec.argv and spec.container is None:
        raise InvalidInput(f"process {spec.id} has neither a command nor a call")
    if spec.call and not _CALL.fullmatch(spec.call):
        raise InvalidInput(f"call {spec.call!r} is not of the form module:function")
    for name, value in spec.env.items():
        if not name or "=" in name or "\0" in name + value:
            raise InvalidInput(f"environment variable {name!r} cannot be set")


def job(spec: ProcessSpec, folder: Path, confinement: Confinement) -> dict[str, Any]:
    """What `supervisor.supervise` reads."""
    own: dict[str, Any] = {
        "id": spec.id,
        "argv": list(spec.argv),
        "call": spec.call,
        "env": _environment(spec, folder, confinement),
        "cwd": _working_folder(spec, folder, confinement),
        "grace": spec.grace,
        "timeout": spec.timeout,
        "memory_limit": spec.memory_limit,
        "cpu_limit": spec.cpu_limit,
        "sandbox": confinement.level,
        "wrapper": confinement.wrapper,
        "view": confinement.view,
        "inlet": spec.inlet,
        "inlet_to": spec.inlet_to or spec.inlet,
        "joins": str(folder.parent / spec.network_of) if spec.network_of else "",
        "terminate": confinement.terminate,
        "remove": confinement.remove,
    }
    return own if spec.container is None else own | _contained(spec, spec.container, folder)


def _contained(spec: ProcessSpec, container: Container, folder: Path) -> dict[str, Any]:
    """What is other for a container: the engine sees to its environment, folder and network."""
    return {
        "argv": containers.argv(spec, container),
        "env": containers.environment(spec),
        "cwd": str(folder / "work"),
        "inlet": 0,
        "inlet_to": 0,
        "joins": "",
    }


def warmth(spec: ProcessSpec) -> Warmth:
    """Which interpreter forks its supervisor: one with the environment's modules for a call."""
    if not spec.call:
        return BARE
    python = spec.environment / "bin" / "python" if spec.environment else Path(sys.executable)
    return Warmth(python=python, preload=spec.preload)


def interpreters(spec: ProcessSpec) -> list[Path]:
    """Where Python and its modules are, so that they stay visible wherever they lie."""
    ours = [Path(sys.prefix), Path(sys.base_prefix), Path(flowmaker.__file__).parents[1]]
    return ours if spec.environment is None else [*ours, spec.environment]


def hosts_file(spec: ProcessSpec) -> str:
    """The process's own /etc/hosts, or nothing when the machine's does."""
    if not spec.hosts:
        return ""
    own = "".join(f"{address}\t{name}\n" for name, address in spec.hosts.items())
    try:
        return own + _ETC_HOSTS.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return own + "127.0.0.1\tlocalhost\n"


def inherited(first: Iterable[Path] = ()) -> dict[str, str]:
    """All that is taken from the server's environment: where programs are, language, time zone."""
    env = {"PATH": _path(first, os.environ.get("PATH", _DEFAULT_PATH))}
    env["LANG"] = os.environ.get("LANG", "C.UTF-8")
    if "TZ" in os.environ:
        env["TZ"] = os.environ["TZ"]
    return env


def _environment(spec: ProcessSpec, folder: Path, confinement: Confinement) -> dict[str, str]:
    bins = [spec.environment / "bin"] if spec.environment else []
    env = inherited(bins)
    env["HOME"] = str(folder / "work")
    env["TMPDIR"] = str(folder / "tmp") if confinement.level == PLAIN else "/tmp"  # noqa: S108
    if spec.environment:
        env["VIRTUAL_ENV"] = str(spec.environment)
    env |= spec.env
    env |= confinement.env
    if "PATH" in spec.env:
        env["PATH"] = _path(bins, spec.env["PATH"])
    return env


def _path(first: Iterable[Path], rest: str) -> str:
    """A PATH without the server's own environment, whose programs are nobody else's business."""
    own = str(Path(sys.prefix) / "bin") if sys.prefix != sys.base_prefix else ""
    return ":".join([*map(str, first), *(part for part in rest.split(":") if part and part != own)])


def _working_folder(spec: ProcessSpec, folder: Path, confinement: Confinement) -> str:
    # A sandbox program changes to it by itself, once it is inside.
    return str(folder) if confinement.wrapper else spec.cwd or str(folder / "work")
