"""An Executor in memory: nothing runs; the test says when and how a process ends."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from flowmaker.clock import Clock, SystemClock
from flowmaker.executors.executor import Observation, Outcome, ProcessSpec, ProcessState
from flowmaker.executors.usage import Usage


@dataclass(slots=True)
class FakeExecutor:
    """Keeps what it was asked. `finish` and `lose` end a process, as the outside world would.

    `program`, when given, is asked at each start: an exit code ends the process at once, None
    leaves it running. It may write to the process's folder, as the process itself would.
    """

    root: Path
    clock: Clock = field(default_factory=SystemClock)
    program: Callable[[ProcessSpec], int | None] = lambda _spec: None
    started: dict[str, ProcessSpec] = field(default_factory=dict[str, ProcessSpec])
    observations: dict[str, Observation] = field(default_factory=dict[str, Observation])
    #: What processes are said to use.
    usages: dict[str, Usage] = field(default_factory=dict[str, Usage])
    #: Every `stop` with its grace, in order.
    stops: list[tuple[str, float | None]] = field(default_factory=list[tuple[str, float | None]])
    #: False: a stopped process runs on until the test ends it.
    obeys_stop: bool = True
    _listeners: list[Callable[[str], None]] = field(default_factory=list[Callable[[str], None]])

    async def stage(self, spec: ProcessSpec, also: Callable[[], None] = lambda: None) -> None:
        (self.folder(spec.id) / "work").mkdir(parents=True, exist_ok=True)
        also()

    async def ensure_started(self, spec: ProcessSpec) -> None:
        if spec.id in self.started:
            return
        self.started[spec.id] = spec
        (self.folder(spec.id) / "work").mkdir(parents=True, exist_ok=True)
        self.log(spec.id).touch()
        self.observations[spec.id] = Observation(state=ProcessState.RUNNING, sandbox="plain")
        exit_code = self.program(spec)
        if exit_code is not None:
            self.finish(spec.id, exit_code)

    async def observe(self, process_id: str) -> Observation:
        return self.observations.get(process_id, Observation(state=ProcessState.ABSENT))

    async def usage(self, process_id: str) -> Usage | None:
        return self.usages.get(process_id)

    async def stop(self, process_id: str, *, grace: float | None = None) -> None:
        self.stops.append((process_id, grace))
        seen = await self.observe(process_id)
        if self.obeys_stop and seen.state is ProcessState.RUNNING:
            self.finish(process_id, -15, reason="stopped")

    def on_exit(self, listener: Callable[[str], None]) -> None:
        self._listeners.append(listener)

    def folder(self, process_id: str) -> Path:
        return self.root / process_id

    def log(self, process_id: str) -> Path:
        return self.folder(process_id) / "log"

    async def forget(self, process_id: str) -> None:
        self.started.pop(process_id, None)
        self.observations.pop(process_id, None)

    def finish(self, process_id: str, exit_code: int = 0, *, reason: str = "") -> None:
        """End a running process."""
        now = self.clock.now()
        outcome = Outcome(exit_code=exit_code, started_at=now, ended_at=now, reason=reason)
        self._end(process_id, Observation(state=ProcessState.EXITED, outcome=outcome))

    def lose(self, process_id: str) -> None:
        """The process and its supervisor were killed: no outcome will ever come."""
        self._end(process_id, Observation(state=ProcessState.LOST))

    def _end(self, process_id: str, observation: Observation) -> None:
        assert self.observations[process_id].state is ProcessState.RUNNING
        self.observations[process_id] = observation
        for listener in self._listeners:
            listener(process_id)
