"""Stop reaches every process of a task, wherever it went, and whatever it makes of it."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flowmaker.executors.executor import ProcessSpec
from tests.contract.executing import Runner, running
from tests.contract.test_executor_local import LEVELS, levels_of

#: Says that SIGTERM came, in the folder of the task, and ends.
LISTENS = "trap 'echo told >> told; exit 0' TERM; echo ready >> ready; while :; do sleep 0.05; done"
DEAF = "trap '' TERM; echo ready >> ready; while :; do sleep 0.05; done"
PATIENT = "trap 'while [ ! -s told ]; do sleep 0.05; done; exit 0' TERM"

WHEREABOUTS = {
    "the process itself": "",
    "a child": 'sh -c "{}" & wait',
    "a grandchild": "sh -c 'sh -c \"{}\" & wait' & wait",
    "a session of its own": 'setsid sh -c "{}" & wait',
    "a daemon": "sh -c 'setsid sh -c \"{}\" &'; while :; do sleep 0.05; done",
}


@pytest.fixture(params=LEVELS)
async def runner(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Runner]:
    async with running(tmp_path, await levels_of(request.param)) as runner:
        yield runner


def work(runner: Runner) -> Path:
    return runner.executor.folder("p") / "work"


async def started(runner: Runner, where: str, script: str) -> None:
    """The script runs there, under a process that waits for what it has to say."""
    itself = where == "the process itself"
    main = script if itself else f"{PATIENT}; {WHEREABOUTS[where].format('exec sh ./script')}"
    argv = ("sh", "-c", f"printf '%s' \"$SCRIPT\" > script; {main}")
    await runner.executor.ensure_started(ProcessSpec(id="p", argv=argv, env={"SCRIPT": script}))
    await runner.until_there(work(runner) / "ready")


@pytest.mark.parametrize("where", WHEREABOUTS)
async def test_every_process_is_told(runner: Runner, where: str) -> None:
    await started(runner, where, LISTENS)
    await runner.executor.stop("p")
    outcome = await runner.end("p")
    assert outcome.reason == "stopped"
    assert (work(runner) / "told").read_text() == "told\n"


@pytest.mark.parametrize("where", WHEREABOUTS)
async def test_who_does_not_listen_is_killed(runner: Runner, where: str) -> None:
    await started(runner, where, DEAF)
    await runner.executor.stop("p", grace=0.1)
    await runner.end("p")
    assert str(work(runner)) not in _working_folders()


def _working_folders() -> set[str]:
    found: set[str] = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            found.add(str((process / "cwd").readlink()))
    return found
