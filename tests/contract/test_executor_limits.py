"""Limits of memory and CPU hold for a process and all that it started, at every confinement."""

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flowmaker.executors.executor import Outcome, ProcessSpec
from tests.contract.executing import Runner, running
from tests.contract.test_executor_local import LEVELS, levels_of

MEGABYTE = 1 << 20
LIMIT = 100 * MEGABYTE

#: Takes 300 MB and waits to be killed.
HOG = "kept = b'x' * (300 << 20); print('took it', flush=True); import time; time.sleep(60)"
WHERE = {
    "the process itself": HOG,
    "a child": f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOG!r}])",
    "a session of its own": (
        "import subprocess, sys;"
        f"subprocess.run([sys.executable, '-c', {HOG!r}], start_new_session=True)"
    ),
    "an orphan": (
        "import subprocess, sys, time;"
        f"subprocess.run(['setsid', 'sh', '-c', '\"$0\" -c \"$1\" &', sys.executable, {HOG!r}]);"
        "time.sleep(60)"
    ),
    "four children together": (
        "import subprocess, sys, time;"
        "few = 'kept = b\"x\" * (40 << 20); import time; time.sleep(60)';"
        "[subprocess.Popen([sys.executable, '-c', few]) for _ in range(4)]; time.sleep(60)"
    ),
}
#: Four children that have the same 60 MB as their parent, which is 60 MB and not 300.
FORKS = """
import os, time
kept = b'x' * (60 << 20)
children = []
for _ in range(4):
    child = os.fork()
    if child == 0:
        sum(kept[::4096]); time.sleep(.5); os._exit(0)
    children.append(child)
for child in children: os.waitpid(child, 0)
"""
#: Uses as much CPU as it is given, until it had 0.12 s of it; prints the seconds that it took.
#: The limits on it are far below its share of a busy machine.
BURNS = """
import time
begun = time.monotonic()
while time.process_time() < .12: pass
print(time.monotonic() - begun)
"""


@pytest.fixture(params=LEVELS)
async def runner(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Runner]:
    async with running(tmp_path, await levels_of(request.param)) as runner:
        yield runner


async def ran(runner: Runner, program: str, **fields: object) -> Outcome:
    argv = (sys.executable, "-c", program)
    return await runner.run(ProcessSpec(id="p", argv=argv, **fields))  # type: ignore[arg-type]


@pytest.mark.parametrize("where", WHERE)
async def test_who_has_more_memory_than_its_limit_is_killed(runner: Runner, where: str) -> None:
    outcome = await ran(runner, WHERE[where], memory_limit=LIMIT)
    assert (outcome.exit_code, outcome.reason) == (-9, "memory")
    assert "[flowmaker] OOMKilled: used " in runner.log("p")
    assert "and its limit is 100 MiB\n" in runner.log("p")
    assert (outcome.ended_at - outcome.started_at).total_seconds() < 20


async def test_memory_that_is_shared_counts_once(runner: Runner) -> None:
    outcome = await ran(runner, FORKS, memory_limit=LIMIT)
    assert outcome.succeeded, runner.log("p")
    assert runner.log("p") == ""


async def test_a_process_is_held_to_its_cpu_limit(runner: Runner) -> None:
    outcome = await ran(runner, BURNS, cpu_limit=0.05)
    took, said = runner.log("p").splitlines()
    assert outcome.succeeded
    assert float(took) > 0.8 * 0.12 / 0.05 - 0.2, "what is saved up is a tenth of a second's"
    assert said.startswith("[flowmaker] its CPU limit of 0.05 cores held it for ")


async def test_all_that_a_process_starts_is_held_together(runner: Runner) -> None:
    children = f"[subprocess.Popen([sys.executable, '-c', {BURNS!r}]) for _ in range(2)]"
    program = f"import subprocess, sys; [each.wait() for each in {children}]"
    outcome = await ran(runner, program, cpu_limit=0.1)
    assert outcome.succeeded
    assert (outcome.ended_at - outcome.started_at).total_seconds() > 0.8 * 0.24 / 0.1 - 0.2


async def test_one_that_is_held_hears_of_its_stop(runner: Runner) -> None:
    program = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: (print("told", flush=True), sys.exit(0)))
print("ready", flush=True)
while True: pass
"""
    argv = (sys.executable, "-c", program)
    await runner.executor.ensure_started(ProcessSpec(id="p", argv=argv, cpu_limit=0.01))
    await runner.until_logged("p", "ready")
    await runner.executor.stop("p", grace=20)
    outcome = await runner.end("p")
    assert (outcome.exit_code, outcome.reason) == (0, "stopped")
    assert "told\n" in runner.log("p")


async def test_a_limit_of_all_cores_or_more_is_none(runner: Runner) -> None:
    outcome = await ran(runner, BURNS, cpu_limit=float(len(os.sched_getaffinity(0))))
    assert outcome.succeeded
    assert len(runner.log("p").splitlines()) == 1, "nothing is said of having been held"
