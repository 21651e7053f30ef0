"""Processes of this machine, each under a supervisor that outlives the server."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from flowmaker.clock import Clock
from flowmaker.errors import InvalidInput, Unavailable
from flowmaker.executors import claims, containers, job, sandbox
from flowmaker.executors.executor import Observation, ProcessSpec, ProcessState
from flowmaker.executors.spread import spread
from flowmaker.executors.usage import Usage, usage
from flowmaker.executors.warm import Zygotes

#: Seconds between looks for processes whose supervisor was killed or whose word got lost.
_SWEEP = 3.0


class LocalExecutor:
    """Implements `Executor`. Close it and the processes run on; the next one finds them."""

    def __init__(
        self,
        folder: Path,
        sockets: Path,
        clock: Clock,
        *,
        visible: Sequence[Path] | None = None,
        levels: sandbox.Levels | None = None,
        sweep: float = _SWEEP,
    ) -> None:
        """Run processes in `folder`.

        `visible` names folders that processes may read even where they lie below `/tmp`, of which
        each has its own; by default that is the data folder, which `folder` is in. `levels` says
        how well to confine, instead of trying what is possible. Every `sweep` seconds it is looked
        whether a supervisor was killed.
        """
        self._folder = folder.absolute()
        self._sockets = sockets.absolute()
        self._clock = clock
        self._visible = tuple(visible) if visible is not None else (self._folder.parent,)
        self._levels = levels
        self._sweep = sweep
        self._listeners: list[Callable[[str], None]] = []
        self._running: set[str] = set()
        self._staged: set[str] = set()
        self._starting: dict[str, asyncio.Task[None]] = {}
        self._zygotes = Zygotes(self._sockets, job.inherited())
        self._probe: asyncio.Task[sandbox.Levels] | None = None
        self._sweeper: asyncio.Task[None] | None = None
        self._exits: socket.socket | None = None

    async def start(self) -> None:
        """Find what runs already, and listen for what ends."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        spread(self._folder)
        self._sockets.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._listen()
        self._probe = asyncio.create_task(self._find_levels())
        self._running |= await asyncio.to_thread(self._unfinished)
        self._sweeper = asyncio.create_task(self._sweep_for_ever())

    async def close(self) -> None:
        """Stop listening. Processes are left as they are."""
        if self._probe is not None:
            await self._probe
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper
        self._zygotes.close()
        if self._exits is not None:
            asyncio.get_running_loop().remove_reader(self._exits)
            self._exits.close()

    async def stage(self, spec: ProcessSpec, also: Callable[[], None] = lambda: None) -> None:
        job.check(spec)
        levels = await self.sandbox_levels()
        if await asyncio.to_thread(self._stage, spec, levels, also):
            self._staged.add(spec.id)

    async def ensure_started(self, spec: ProcessSpec) -> None:
        job.check(spec)
        task = self._starting.get(spec.id)
        if task is None:
            task = asyncio.create_task(self._start(spec))
            self._starting[spec.id] = task
            task.add_done_callback(lambda _: self._starting.pop(spec.id, None))
        await asyncio.shield(task)

    async def reserve(self, spec: ProcessSpec) -> Path:
        """Prepare its folder as for a start, for who runs it himself (`foreground.py`).

        Raises:
            Unsupported: this machine cannot run it as asked.
        """
        await self.stage(spec)
        self._claim(spec.id)
        return self.folder(spec.id)

    async def observe(self, process_id: str) -> Observation:
        seen = claims.observe(self.folder(process_id))
        if seen.state is ProcessState.ABSENT and process_id in self._running:
            return Observation(state=ProcessState.RUNNING)  # its supervisor is about to take hold
        return seen

    async def usage(self, process_id: str) -> Usage | None:
        return await asyncio.to_thread(self._usage, process_id)

    async def stop(self, process_id: str, *, grace: float | None = None) -> None:
        await asyncio.to_thread(claims.stop, self.folder(process_id), grace)

    def on_exit(self, listener: Callable[[str], None]) -> None:
        self._listeners.append(listener)

    def folder(self, process_id: str) -> Path:
        if not job.is_name(process_id):
            raise InvalidInput(f"{process_id!r} cannot name a process: letters, digits, . _ - only")
        return self._folder / process_id

    def log(self, process_id: str) -> Path:
        return self.folder(process_id) / "log"

    async def forget(self, process_id: str) -> None:
        if (await self.observe(process_id)).state is not ProcessState.RUNNING:
            self._running.discard(process_id)
            self._staged.discard(process_id)
            await asyncio.to_thread(claims.remove, self.folder(process_id))

    async def given(self, names: Iterable[str]) -> dict[str, list[str]]:
        """Of the names of folders, those that processes have, or are about to have: whose."""
        staged = tuple(self._staged)
        return await asyncio.to_thread(claims.given, self._folder, tuple(names), staged)

    async def sandbox_levels(self) -> sandbox.Levels:
        """How well this machine can confine processes, for `flowmaker doctor`."""
        assert self._probe is not None, "start() first"
        return await asyncio.shield(self._probe)

    def _usage(self, process_id: str) -> Usage | None:
        pid = claims.supervisor_pid(self.folder(process_id))
        return usage(pid) if pid else None

    async def _start(self, spec: ProcessSpec) -> None:
        if spec.id not in self._staged:
            await self.stage(spec)
        if not self._claim(spec.id):
            return
        self._running.add(spec.id)
        try:
            await self._zygotes.launch(job.warmth(spec), self.folder(spec.id))
        except BaseException:
            self._running.discard(spec.id)
            raise

    def _stage(self, spec: ProcessSpec, levels: sandbox.Levels, also: Callable[[], None]) -> bool:
        """Write all that its start needs, unless it was started."""
        folder = self.folder(spec.id)
        if _is_started(folder):
            return False
        if not claims.is_claimed(folder):
            claims.prepare(folder, job.hosts_file(spec))
            also()
            confinement = self._confined(spec, folder, levels)
            claims.stage(folder, job.job(spec, folder, confinement))
        return True

    def _claim(self, process_id: str) -> bool:
        """Put the claim on the disk; whether there is something to start. Takes microseconds."""
        folder = self.folder(process_id)
        if process_id not in self._staged or _is_started(folder):
            return False
        self._staged.discard(process_id)
        if not claims.is_claimed(folder):
            claims.claim(folder)
        return True

    def _confined(
        self, spec: ProcessSpec, folder: Path, levels: sandbox.Levels
    ) -> sandbox.Confinement:
        if spec.container is not None:
            return containers.confine(spec, spec.container)
        visible = [*self._visible, *job.interpreters(spec)]
        return sandbox.confine(spec, folder, levels, visible=visible)

    async def _find_levels(self) -> sandbox.Levels:
        return self._levels or await sandbox.probe()

    def _listen(self) -> None:
        address = self._sockets / "exits.sock"
        address.unlink(missing_ok=True)
        self._exits = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._exits.bind(str(address))
        except OSError as error:
            self._exits.close()
            raise Unavailable(f"cannot listen on {address}: {error}") from error
        # Supervisors that an earlier server started find the present one through this link.
        link = self._folder / ".exits.new"
        link.unlink(missing_ok=True)
        link.symlink_to(address)
        link.replace(self._folder / ".exits")
        asyncio.get_running_loop().add_reader(self._exits, self._hear)

    def _hear(self) -> None:
        assert self._exits is not None
        with contextlib.suppress(BlockingIOError):
            while True:
                self._ended(self._exits.recv(256).decode(errors="replace"))

    def _ended(self, process_id: str) -> None:
        self._running.discard(process_id)
        for listener in self._listeners:
            listener(process_id)

    def _unfinished(self) -> set[str]:
        """All that was started and left no outcome: it runs, or the sweep will find it lost."""
        with os.scandir(self._folder) as entries:
            names = [entry.name for entry in entries if job.is_name(entry.name)]
        return {
            name
            for name in names
            if (self._folder / name / "pid.json").exists()
            and not (self._folder / name / "outcome.json").exists()
        }

    async def _sweep_for_ever(self) -> None:
        absent: set[str] = set()
        while True:
            before = self._running - self._starting.keys()
            seen = await asyncio.to_thread(self._not_running, before)
            # A supervisor that was just forked has taken hold of nothing yet: look once more.
            once = {each for each, state in seen.items() if state is ProcessState.ABSENT} - absent
            for process_id in seen.keys() - once:
                if process_id in self._running:
                    self._ended(process_id)
            absent = once
            self._zygotes.end_idle()
            await asyncio.sleep(self._sweep)

    def _not_running(self, process_ids: set[str]) -> dict[str, ProcessState]:
        gone: dict[str, ProcessState] = {}
        for process_id in process_ids:
            state = claims.observe(self.folder(process_id)).state
            if state is ProcessState.LOST:
                claims.end_orphans(self.folder(process_id))
                containers.remove_left(self.folder(process_id))
            if state is not ProcessState.RUNNING:
                gone[process_id] = state
        return gone


def _is_started(folder: Path) -> bool:
    return claims.was_started(folder) or claims.supervisor_pid(folder) is not None
