"""The seam between those who want something run and those who run it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from flowmaker.errors import FlowmakerError
from flowmaker.executors.usage import Usage


class EnvironmentFailed(FlowmakerError):  # noqa: N818 - it names what happened
    """An environment cannot be made; the message has the installer's last lines."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvironmentSpec:
    """A Python environment that can be made anywhere: the same spec is the same environment."""

    #: Made as a copy of this one, whose packages the requirements may replace. None: made anew.
    base: "EnvironmentSpec | None" = None
    #: Requirements as pip writes them; installed after `lock`.
    requirements: tuple[str, ...] = ()
    #: Requirements that are installed after those, without what they need (`pip --no-deps`).
    no_deps: tuple[str, ...] = ()
    #: A whole requirements file with hashes, as text; it is installed exactly so, and first.
    lock: str = ""
    #: `3.11`, or empty for the server's own version.
    python: str = ""
    #: Extra arguments of `pip install` that the author gave, e.g. `--index-url …`.
    install_options: tuple[str, ...] = ()
    #: Flowmaker's own programs (algorithms, components) can be imported in it.
    programs: bool = False
    #: A folder whose modules can be imported in it; empty: none.
    source: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mount:
    """A folder or file of this machine that a process sees under another name."""

    source: Path
    #: Where the process sees it, e.g. `/opt/ml`.
    target: str
    read_only: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    """A real container for a process, run by an engine of this machine."""

    #: `podman` or `docker`.
    engine: str
    #: An image that the engine has.
    image: str
    #: In place of the image's own; empty: the image's.
    entrypoint: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessSpec:
    """One process, completely: starting it needs nothing but this. JSON-serialisable."""

    #: Unique for ever; names the folder `jobs/<id>/`, which is the claim to run it.
    id: str
    #: The command; its first word is looked up on the environment's PATH.
    argv: tuple[str, ...] = ()
    #: Instead of a command: `module:function` to call, with no arguments, in a process forked
    #: from a warm interpreter of the environment (`sys.argv` is then `argv`). Its SystemExit is
    #: the exit code; an exception is a traceback in the log and exit code 1.
    call: str = ""
    #: Where it runs instead of in an environment. `argv` are then the arguments of the entrypoint,
    #: an `inlet` is a port that is published, and nothing else of the machine's network is there.
    container: Container | None = None
    #: The environment's folder (made by `Environments`), or None for the machine's own PATH.
    environment: Path | None = None
    #: Modules that the warm interpreter of `call` imports before it forks.
    preload: tuple[str, ...] = ()
    #: All the environment variables that it gets; nothing is inherited from the server but PATH,
    #: HOME, LANG and TZ where this does not name them.
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    #: Working directory; its own folder `jobs/<id>/work` when empty.
    cwd: str = ""
    mounts: tuple[Mount, ...] = ()
    #: Host names that resolve inside, e.g. `{"algo-1": "127.0.0.2"}`, where the sandbox allows.
    hosts: Mapping[str, str] = field(default_factory=dict[str, str])
    #: Folders and files that it must not see (the server's credentials), where the sandbox allows.
    hidden: tuple[Path, ...] = ()
    #: False: no network but its own loopback. Refused where that cannot be enforced.
    network: bool = True
    #: With `network=False`: the id of the process whose loopback it shares; its own when empty.
    network_of: str = ""
    #: With `network=False`: a port of this machine's loopback that leads to the same port inside.
    inlet: int = 0
    #: The port inside that the inlet leads to; the same when 0.
    inlet_to: int = 0
    #: Seconds from SIGTERM to SIGKILL.
    grace: float = 30.0
    #: Seconds after which it is stopped as by `stop`, with the reason `timeout`. 0: never.
    timeout: float = 0.0
    #: Bytes of memory that it and all that it started may have; with more they are killed, with
    #: the reason `memory`. 0: no limit.
    memory_limit: int = 0
    #: Cores' worth of CPU time that they may use in a tenth of a second; they are held when they
    #: used more. 0: no limit.
    cpu_limit: float = 0.0


class ProcessState(StrEnum):
    """What is known of a process."""

    ABSENT = "absent"  # never started here
    RUNNING = "running"
    EXITED = "exited"  # its outcome is known
    LOST = "lost"  # it was started, does not run, and left no outcome: killed with its supervisor


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a process ended."""

    #: The exit code; minus the signal's number when a signal ended it (as subprocess has it).
    exit_code: int
    started_at: datetime
    ended_at: datetime
    #: Why it was ended from outside: `stopped`, `timeout`, `memory`; empty when it ended by itself.
    reason: str = ""

    @property
    def succeeded(self) -> bool:
        return self.exit_code == 0 and not self.reason


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """A process as it is now."""

    state: ProcessState
    outcome: Outcome | None = None
    #: How it is confined: `bubblewrap`, `namespace` or `plain`. Empty before it runs.
    sandbox: str = ""


class Executor(Protocol):
    """Runs processes. Every method may be called again with the same effect as once."""

    async def stage(self, spec: ProcessSpec, also: Callable[[], None] = lambda: None) -> None:
        """Prepare its start, which is short then. It may never come: nobody observes anything yet.

        Staged again, it is what it was staged as last. A start need not be staged. `also` is called
        off the event loop, with the folder made: what the process finds in it is made there.

        Raises:
            Unsupported: as `ensure_started`.
        """
        ...

    async def ensure_started(self, spec: ProcessSpec) -> None:
        """Start it unless its id was ever started. Returns when the claim is on the disk.

        Raises:
            Unsupported: this machine cannot run it as asked (e.g. `network=False` unenforceable).
        """
        ...

    async def observe(self, process_id: str) -> Observation:
        """What is known of the process. Cheap: no process is started for it."""
        ...

    async def usage(self, process_id: str) -> Usage | None:
        """What it and all that it started use; None if it does not run, or it cannot be told."""
        ...

    async def stop(self, process_id: str, *, grace: float | None = None) -> None:
        """Ask it to end: SIGTERM to its group, SIGKILL after the grace. Returns at once."""
        ...

    def on_exit(self, listener: Callable[[str], None]) -> None:
        """Call `listener(process_id)` on the event loop whenever a process ends."""
        ...

    def folder(self, process_id: str) -> Path:
        """`jobs/<id>/`; it has `work/` for the process's files and `log` for what it prints."""
        ...

    def log(self, process_id: str) -> Path:
        """The file that the process's stdout and stderr are; may not exist yet."""
        ...

    async def forget(self, process_id: str) -> None:
        """Remove the folder of a process that does not run."""
        ...


class Environments(Protocol):
    """Makes Python environments, each once, and keeps them."""

    def ready(self, spec: EnvironmentSpec, then: Callable[[], None]) -> Path | None:
        """The environment's folder (with `bin/python`), or None while it is being made.

        `then()` is called on the event loop once, when it is worth asking again.

        Raises:
            EnvironmentFailed: it cannot be made; the message has the installer's last lines.
        """
        ...

    def note(self, spec: EnvironmentSpec) -> str:
        """One line for the log of whatever runs in it: which Python, and why that one."""
        ...
