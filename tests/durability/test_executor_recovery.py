"""kill -9 of server, zygote, supervisor: what runs is found, what is lost is told."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from flowmaker.clock import SystemClock
from flowmaker.executors import claims, sandbox
from flowmaker.executors.executor import ProcessSpec, ProcessState
from flowmaker.executors.local import LocalExecutor
from tests.contract.executing import Runner

HOST = Path(__file__).with_name("executor_host.py")


class Host:
    """A server in another process."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(HOST), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, process_id: str, script: str, **fields: object) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        asked = {"id": process_id, "argv": ["sh", "-c", script], **fields}
        self.process.stdin.write(json.dumps(asked))
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "started\n"

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path)
    yield host
    host.kill()


@pytest.fixture
async def next_server(tmp_path: Path) -> AsyncIterator[Runner]:
    """The server after; started by the test when the one before is dead."""
    executor = LocalExecutor(tmp_path / "jobs", tmp_path / "run2", SystemClock())
    yield Runner(executor)
    await executor.close()


async def test_processes_outlive_a_killed_server(
    host: Host, next_server: Runner, tmp_path: Path
) -> None:
    # It floods its log while the server dies, and goes on when the test says so.
    script = "seq 1 100000; while [ ! -e go ]; do sleep 0.01; done; seq 100001 200000; exit 6"
    await asyncio.to_thread(host.start, "p", script)
    await asyncio.to_thread(host.start, "quick", "exit 4")
    host.kill()
    await next_server.executor.start()
    # As a controller does that finds an open task; the claim of the server before holds.
    await next_server.executor.ensure_started(ProcessSpec(id="p", argv=("echo", "again")))
    assert (await next_server.executor.observe("p")).state is ProcessState.RUNNING
    (tmp_path / "jobs" / "p" / "work" / "go").touch()
    assert (await next_server.end("p")).exit_code == 6
    assert (await next_server.end("quick")).exit_code == 4
    await next_server.until_told("p")
    assert next_server.log("p").splitlines() == [str(n) for n in range(1, 200_001)]


async def test_a_memory_limit_holds_while_there_is_no_server(
    host: Host, next_server: Runner, tmp_path: Path
) -> None:
    hog = f"{sys.executable} -c \"kept = b'x' * (200 << 20); import time; time.sleep(60)\""
    script = f"while [ ! -e go ]; do sleep 0.01; done; {hog}"
    await asyncio.to_thread(host.start, "p", script, memory_limit=100 << 20)
    host.kill()
    (tmp_path / "jobs" / "p" / "work" / "go").touch()
    await next_server.until_there(tmp_path / "jobs" / "p" / "outcome.json")
    await next_server.executor.start()
    outcome = await next_server.end("p")
    assert (outcome.exit_code, outcome.reason) == (-9, "memory")


async def test_the_next_server_can_stop_what_an_earlier_one_started(
    host: Host, next_server: Runner
) -> None:
    await asyncio.to_thread(host.start, "p", "sleep 60")
    host.kill()
    await next_server.executor.start()
    await next_server.executor.stop("p")
    outcome = await next_server.end("p")
    assert outcome.reason == "stopped"


@pytest.fixture(params=["best", "plain"])
async def runner(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Runner]:
    levels = sandbox.Levels() if request.param == "plain" else None
    executor = LocalExecutor(
        tmp_path / "jobs", tmp_path / "run", SystemClock(), levels=levels, sweep=0.2
    )
    await executor.start()
    yield Runner(executor)
    await executor.close()


async def test_a_killed_supervisor_takes_its_process_with_it_and_is_told_as_lost(
    runner: Runner,
) -> None:
    beat = "sh -c 'while :; do echo beat >> pulse; sleep 0.01; done'"
    script = f"{beat} & while [ ! -s pulse ]; do sleep 0.01; done; echo ready; wait"
    spec = ProcessSpec(id="p", argv=("sh", "-c", script))
    await runner.executor.ensure_started(spec)
    await runner.until_logged("p", "ready")
    supervisor = claims.supervisor_pid(runner.executor.folder("p"))
    assert supervisor is not None
    os.kill(supervisor, signal.SIGKILL)
    await runner.until("p", ProcessState.LOST)
    await runner.until_told("p")
    pulse = runner.executor.folder("p") / "work" / "pulse"
    before = pulse.stat().st_size
    await asyncio.sleep(0.1)
    assert pulse.stat().st_size == before
    await runner.executor.ensure_started(spec)
    assert (await runner.executor.observe("p")).state is ProcessState.LOST


async def test_an_outcome_that_was_not_on_the_disk_when_the_machine_went_down_is_lost(
    runner: Runner,
) -> None:
    spec = ProcessSpec(id="p", argv=("true",))
    assert (await runner.run(spec)).succeeded
    folder = runner.executor.folder("p")
    async with asyncio.timeout(20):
        # Its supervisor tells the end before it lets go of the folder.
        while claims.supervisor_pid(folder) is not None:  # noqa: ASYNC110 - a lock tells
            await asyncio.sleep(0.005)
    (folder / "outcome.json").write_bytes(b"")
    assert (await runner.executor.observe("p")).state is ProcessState.LOST
    await runner.executor.ensure_started(spec)  # it was started: never again
    assert (await runner.executor.observe("p")).state is ProcessState.LOST


async def test_what_was_claimed_but_not_started_is_started(tmp_path: Path, runner: Runner) -> None:
    """The server died between the claim and the start."""
    folder = runner.executor.folder("p")
    spec = ProcessSpec(id="p", argv=("sh", "-c", "echo ran"))
    await runner.executor.ensure_started(spec)
    await runner.until_told("p")
    for name in ("pid.json", "outcome.json", "lock", "log"):
        (folder / name).unlink()
    assert (await runner.executor.observe("p")).state is ProcessState.ABSENT
    await runner.executor.ensure_started(spec)
    assert (await runner.end("p")).succeeded
    assert runner.log("p") == "ran\n"


async def test_processes_outlive_the_zygote(runner: Runner) -> None:
    script = "echo ready; while [ ! -e go ]; do sleep 0.01; done"
    await runner.executor.ensure_started(ProcessSpec(id="p", argv=("sh", "-c", script)))
    await runner.until_logged("p", "ready")
    runner.executor._zygotes.close()
    (runner.executor.folder("p") / "work" / "go").touch()
    assert (await runner.end("p")).succeeded
