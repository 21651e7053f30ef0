"""What every Executor does: the fake that others are tested with, and the one that runs things."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flowmaker.clock import SystemClock
from flowmaker.errors import InvalidInput
from flowmaker.executors.executor import Executor, Outcome, ProcessSpec, ProcessState
from flowmaker.executors.local import LocalExecutor
from tests.fakes.executor import FakeExecutor

EXITS_3 = ("sh", "-c", "exit 3")
SLEEPS = ("sleep", "60")


@pytest.fixture(params=["fake", "local"])
async def executor(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Executor]:
    if request.param == "fake":
        yield FakeExecutor(tmp_path, program=lambda spec: 3 if spec.argv == EXITS_3 else None)
        return
    local = LocalExecutor(tmp_path / "jobs", tmp_path / "run", SystemClock())
    await local.start()
    yield local
    await local.close()


async def end_of(executor: Executor, process_id: str) -> Outcome:
    """Wait for the word that it ended."""
    ended = asyncio.Event()
    executor.on_exit(lambda name: ended.set() if name == process_id else None)
    if (await executor.observe(process_id)).state is ProcessState.RUNNING:
        await asyncio.wait_for(ended.wait(), 20)
    outcome = (await executor.observe(process_id)).outcome
    assert outcome is not None
    return outcome


async def test_what_was_never_started_is_absent(executor: Executor) -> None:
    assert (await executor.observe("never")).state is ProcessState.ABSENT
    await executor.stop("never")
    await executor.forget("never")


async def test_an_exit_code_is_kept(executor: Executor) -> None:
    await executor.ensure_started(ProcessSpec(id="a", argv=EXITS_3))
    outcome = await end_of(executor, "a")
    assert (outcome.exit_code, outcome.reason, outcome.succeeded) == (3, "", False)
    assert outcome.started_at <= outcome.ended_at


async def test_it_runs_from_the_moment_it_is_started(executor: Executor) -> None:
    await executor.ensure_started(ProcessSpec(id="a", argv=SLEEPS))
    assert (await executor.observe("a")).state is ProcessState.RUNNING
    await executor.stop("a")
    outcome = await end_of(executor, "a")
    assert (outcome.exit_code, outcome.reason) == (-15, "stopped")


async def test_what_is_staged_is_not_started(executor: Executor) -> None:
    await executor.stage(ProcessSpec(id="a", argv=SLEEPS))
    assert (await executor.observe("a")).state is ProcessState.ABSENT
    # Staged anew, as after a restart that decided otherwise, it is another.
    again = ProcessSpec(id="a", argv=EXITS_3)
    await executor.stage(again)
    await executor.ensure_started(again)
    await executor.ensure_started(again)
    assert (await end_of(executor, "a")).exit_code == 3


async def test_what_has_ended_is_not_staged_again(executor: Executor) -> None:
    first = ProcessSpec(id="a", argv=EXITS_3)
    await executor.ensure_started(first)
    ended = await end_of(executor, "a")
    await executor.stage(first)
    await executor.ensure_started(first)
    assert (await executor.observe("a")).outcome == ended


async def test_what_has_ended_is_never_started_again(executor: Executor) -> None:
    await executor.ensure_started(ProcessSpec(id="a", argv=EXITS_3))
    first = await end_of(executor, "a")
    await executor.ensure_started(ProcessSpec(id="a", argv=EXITS_3))
    assert (await executor.observe("a")).outcome == first


async def test_the_folder_has_work_and_log(executor: Executor) -> None:
    await executor.ensure_started(ProcessSpec(id="a", argv=EXITS_3))
    await end_of(executor, "a")
    assert (executor.folder("a") / "work").is_dir()
    assert executor.log("a").read_text() == ""


async def test_what_is_forgotten_is_absent(executor: Executor) -> None:
    await executor.ensure_started(ProcessSpec(id="a", argv=EXITS_3))
    await end_of(executor, "a")
    await executor.forget("a")
    assert (await executor.observe("a")).state is ProcessState.ABSENT


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        (ProcessSpec(id="../x", argv=SLEEPS), "../x"),
        (ProcessSpec(id="a"), "neither a command nor a call"),
        (ProcessSpec(id="a", call="not a call"), "module:function"),
        (ProcessSpec(id="a", argv=SLEEPS, env={"A=B": ""}), "A=B"),
    ],
)
async def test_nonsense_is_refused(tmp_path: Path, spec: ProcessSpec, names: str) -> None:
    local = LocalExecutor(tmp_path / "jobs", tmp_path / "run", SystemClock())
    with pytest.raises(InvalidInput, match=names):
        await local.ensure_started(spec)
