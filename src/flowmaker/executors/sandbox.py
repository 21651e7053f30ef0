"""How well this machine can confine a process, and the confinement of one process.

What is possible depends on the kernel, the distribution, and the container that we may be in, so it
is tried, not guessed: each level runs something once when the server starts.
"""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from flowmaker.errors import Unsupported
from flowmaker.executors import view
from flowmaker.executors.executor import ProcessSpec

BUBBLEWRAP = "bubblewrap"
NAMESPACE = "namespace"
PLAIN = "plain"

#: Seconds that a probe may take; a machine where it takes longer cannot do it well.
_PATIENCE = 10.0
#: Where SageMaker's containers find everything; its toolkit takes another place from the variable.
_OPT_ML = "/opt/ml"
_BASE_DIR = "SAGEMAKER_BASE_DIR"
#: Of root's powers, those that could undo the confinement (as `namespace.KEPT_CAPABILITIES`).
_ROOT_KEEPS = (
    "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
    "NET_BIND_SERVICE", "NET_RAW", "SYS_CHROOT", "MKNOD", "AUDIT_WRITE", "SETFCAP",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Levels:
    """What the probes found: for each level, whether it works and can take the network away."""

    #: The program, or empty.
    bubblewrap: str = ""
    bubblewrap_network: bool = False
    namespace: bool = False
    namespace_network: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Confinement:
    """How one process is confined: what its supervisor needs to know of it."""

    level: str
    #: The sandbox program and its arguments, up to the command.
    wrapper: list[str] = field(default_factory=list[str])
    #: For `namespace.enter`, or None.
    view: dict[str, object] | None = None
    #: Environment variables that stand in for what could not be done.
    env: dict[str, str] = field(default_factory=dict[str, str])
    #: A command that asks it to end, instead of signals; empty: signals do.
    terminate: list[str] = field(default_factory=list[str])
    #: A command that ends and removes all of it that its process leaves; empty: there is none.
    remove: list[str] = field(default_factory=list[str])


async def probe() -> Levels:
    """Try each level once."""
    program = shutil.which("bwrap") or ""
    whole: list[view.Step] = [("read", "/", "/"), ("device", "/dev", "/dev"), ("proc", "", "/proc")]
    true = shutil.which("true") or "/bin/true"
    mine = [sys.executable, "-I", "-S", str(Path(__file__).with_name("namespace.py"))]
    wrap = [[program, *_bubblewrap_options(whole, network=net), true] for net in (True, False)]
    bubblewrap, bubblewrap_off, namespace, namespace_off = await asyncio.gather(
        *(
            asyncio.to_thread(_works, command)
            for command in (*wrap, [*mine, "network"], [*mine, "no-network"])
        )
    )
    return Levels(
        bubblewrap=program if bubblewrap else "",
        bubblewrap_network=bubblewrap_off,
        namespace=namespace,
        namespace_network=namespace_off,
    )


def _works(command: Sequence[str]) -> bool:
    if not command[0]:
        return False
    try:
        tried = subprocess.run(  # noqa: S603 - our own arguments
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=_PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return tried.returncode == 0


def confine(
    spec: ProcessSpec, folder: Path, levels: Levels, *, visible: Sequence[Path] = ()
) -> Confinement:
    """The best that this machine can do for the process.

    Raises:
        Unsupported: it asks for something that cannot be done here.
    """
    if levels.bubblewrap and not spec.call and (spec.network or levels.bubblewrap_network):
        steps = view.plan(spec, folder, visible)
        chdir = ["--chdir", spec.cwd or str(folder / "work")]
        options = _bubblewrap_options(steps, network=_keeps_network(spec))
        wrapper = [levels.bubblewrap, *options, *chdir, "--"]
        return Confinement(level=BUBBLEWRAP, wrapper=wrapper)
    if levels.namespace and (spec.network or levels.namespace_network):
        steps = view.plan(spec, folder, visible)
        mine: dict[str, object] = {
            "network": _keeps_network(spec),
            "root": str(folder / "root"),
            "steps": steps,
        }
        return Confinement(level=NAMESPACE, view=mine)
    return _plain(spec)


def _keeps_network(spec: ProcessSpec) -> bool:
    """Whether it stays in the network that it is in, which may be another's (`peers.py`)."""
    return spec.network or bool(spec.network_of)


def _plain(spec: ProcessSpec) -> Confinement:
    if not spec.network:
        raise Unsupported(
            "no network isolation: it needs bubblewrap (install the package `bubblewrap`) or user "
            "namespaces, and this machine allows neither"
        )
    env: dict[str, str] = {}
    for mount in spec.mounts:
        if mount.target == _OPT_ML:
            env[_BASE_DIR] = str(mount.source)
        elif str(mount.source) != mount.target:
            raise Unsupported(
                f"cannot mount {mount.source} onto {mount.target}: it needs bubblewrap (install "
                "the package `bubblewrap`) or user namespaces, and this machine allows neither"
            )
    return Confinement(level=PLAIN, env=env)


def _bubblewrap_options(steps: Sequence[view.Step], *, network: bool) -> list[str]:
    options = ["--die-with-parent", "--unshare-pid"]
    if not network:
        options.append("--unshare-net")
    if os.geteuid() == 0:
        options += ["--cap-drop", "ALL"]
        for name in _ROOT_KEEPS:
            options += ["--cap-add", f"CAP_{name}"]
    for kind, source, target in steps:
        options += _option(kind, source, target)
    return options


def _option(kind: str, source: str, target: str) -> list[str]:
    if kind == "empty":
        return [] if target == "/" else ["--tmpfs", target]  # bubblewrap's own root is empty
    if kind == "proc":
        return ["--proc", target]
    if kind == "link":
        return ["--symlink", source, target]
    flag = {"read": "--ro-bind", "bind": "--bind", "device": "--dev-bind"}[kind]
    return [flag, source, target]
