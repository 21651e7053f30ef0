"""Runs one process to its end, for the tests of the local executor."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from flowmaker.clock import SystemClock
from flowmaker.executors import sandbox
from flowmaker.executors.executor import Outcome, ProcessSpec, ProcessState
from flowmaker.executors.local import LocalExecutor


class Runner:
    """An executor, and the ends of its processes as they are told."""

    def __init__(self, executor: LocalExecutor) -> None:
        self.executor = executor
        self.told: list[str] = []
        executor.on_exit(self._on_exit)

    def _on_exit(self, process_id: str) -> None:
        self.told.append(process_id)

    async def until(self, process_id: str, state: ProcessState) -> None:
        """Wait for a state that comes of itself."""
        async with asyncio.timeout(20):
            while (await self.executor.observe(process_id)).state is not state:  # noqa: ASYNC110 - a file tells
                await asyncio.sleep(0.005)

    async def until_told(self, *process_ids: str) -> None:
        """Wait until the listener was told of their ends."""
        async with asyncio.timeout(20):
            while not set(process_ids) <= set(self.told):  # noqa: ASYNC110 - a listener tells
                await asyncio.sleep(0.005)

    async def until_logged(self, process_id: str, text: str) -> None:
        async with asyncio.timeout(20):
            while text not in self.log(process_id):  # noqa: ASYNC110 - a file tells
                await asyncio.sleep(0.005)

    async def until_there(self, file: Path) -> None:
        async with asyncio.timeout(20):
            while not file.exists():  # noqa: ASYNC110, ASYNC240 - a file tells
                await asyncio.sleep(0.005)

    async def run(self, spec: ProcessSpec) -> Outcome:
        """Start it and wait for its end."""
        await self.executor.ensure_started(spec)
        return await self.end(spec.id)

    async def end(self, process_id: str) -> Outcome:
        await self.until(process_id, ProcessState.EXITED)
        outcome = (await self.executor.observe(process_id)).outcome
        assert outcome is not None
        return outcome

    def log(self, process_id: str) -> str:
        path: Path = self.executor.log(process_id)
        return path.read_text() if path.exists() else ""

    async def shell(self, script: str, process_id: str = "p", **fields: object) -> str:
        """What a shell script prints; it must succeed."""
        argv = ("sh", "-c", script)
        outcome = await self.run(ProcessSpec(id=process_id, argv=argv, **fields))  # type: ignore[arg-type]
        assert outcome.succeeded, (outcome, self.log(process_id))
        return self.log(process_id)


@asynccontextmanager
async def running(folder: Path, levels: sandbox.Levels) -> AsyncIterator[Runner]:
    """An executor whose processes are confined as `levels` says."""
    executor = LocalExecutor(folder / "jobs", folder / "run", SystemClock(), levels=levels)
    await executor.start()
    yield Runner(executor)
    await executor.close()
