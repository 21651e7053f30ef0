"""Real processes, at every level of confinement that this machine is capable of."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flowmaker.clock import SystemClock
from flowmaker.executors import sandbox
from flowmaker.executors.executor import ProcessSpec, ProcessState
from flowmaker.executors.local import LocalExecutor
from tests.contract.executing import Runner

LEVELS = ["bubblewrap", "namespace", "plain"]


async def levels_of(level: str) -> sandbox.Levels:
    """The level alone, or the test is skipped."""
    if level == "plain":
        return sandbox.Levels()
    found = await sandbox.probe()
    able = found.bubblewrap if level == "bubblewrap" else found.namespace
    if not able:
        pytest.skip(f"this machine has no {level}")
    if level == "bubblewrap":
        return found
    return sandbox.Levels(namespace=True, namespace_network=found.namespace_network)


@pytest.fixture(params=LEVELS)
async def level(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def runner(level: str, tmp_path: Path) -> AsyncIterator[Runner]:
    levels = await levels_of(level)
    executor = LocalExecutor(tmp_path / "jobs", tmp_path / "run", SystemClock(), levels=levels)
    await executor.start()
    yield Runner(executor)
    await executor.close()


async def test_exit_codes_and_signals(runner: Runner, level: str) -> None:
    for script, code in (("exit 0", 0), ("exit 7", 7), ("kill -9 $$", -9), ("kill -15 $$", -15)):
        name = f"p{code}"
        outcome = await runner.run(ProcessSpec(id=name, argv=("sh", "-c", script)))
        assert (outcome.exit_code, outcome.reason) == (code, ""), script
        assert (await runner.executor.observe(name)).sandbox == level
    await runner.until_told("p0", "p7", "p-9", "p-15")
    assert len(runner.told) == 4


async def test_a_command_that_does_not_exist_says_so(runner: Runner) -> None:
    outcome = await runner.run(ProcessSpec(id="p", argv=("no-such-command", "x")))
    assert outcome.exit_code == 127
    assert "no-such-command" in runner.log("p")


async def test_it_gets_its_environment_and_nothing_of_the_servers(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-servers")
    monkeypatch.setenv("TZ", "Europe/Zurich")
    printed = await runner.shell("env", env={"MINE": "1", "LANG": "de_DE.UTF-8"})
    env = dict(line.split("=", 1) for line in printed.splitlines())
    env.pop("PWD")
    assert "the-servers" not in printed
    assert str(Path(sys.prefix) / "bin") not in env.pop("PATH").split(":")
    work = str(runner.executor.folder("p") / "work")
    tmp = env.pop("TMPDIR")
    assert tmp in {"/tmp", str(runner.executor.folder("p") / "tmp")}
    env.pop("SHLVL", None)
    env.pop("_", None)
    assert env == {"MINE": "1", "LANG": "de_DE.UTF-8", "TZ": "Europe/Zurich", "HOME": work}


async def test_an_environments_programs_come_first(runner: Runner, tmp_path: Path) -> None:
    program = tmp_path / "env" / "bin" / "ls"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho mine $VIRTUAL_ENV\n")
    program.chmod(0o755)
    spec = ProcessSpec(id="p", argv=("ls",), environment=tmp_path / "env")
    assert (await runner.run(spec)).succeeded
    assert runner.log("p") == f"mine {tmp_path / 'env'}\n"


async def test_it_works_in_its_own_folder_and_has_its_own_tmp(runner: Runner) -> None:
    printed = await runner.shell('pwd; echo x > here; echo y > "$TMPDIR/there"; umask; ulimit -c')
    folder = runner.executor.folder("p")
    assert printed.splitlines() == [str(folder / "work"), "0022", "0"]
    assert (folder / "work" / "here").read_text() == "x\n"
    assert (folder / "tmp" / "there").read_text() == "y\n"


async def test_stop_kills_what_ignores_sigterm_and_all_its_descendants(runner: Runner) -> None:
    script = """
    trap '' TERM
    setsid sh -c 'trap "" TERM; while :; do echo beat >> pulse; sleep 0.02; done' &
    echo ready
    while :; do sleep 0.1; done
    """
    await runner.executor.ensure_started(ProcessSpec(id="p", argv=("sh", "-c", script), grace=60))
    await runner.until_logged("p", "ready")
    await runner.executor.stop("p")
    await runner.executor.stop("p", grace=0.1)  # a later stop may shorten the grace
    outcome = await runner.end("p")
    assert (outcome.exit_code, outcome.reason) == (-9, "stopped")
    pulse = runner.executor.folder("p") / "work" / "pulse"
    before = pulse.stat().st_size if pulse.exists() else 0
    await asyncio.sleep(0.1)
    assert (pulse.stat().st_size if pulse.exists() else 0) == before


async def test_stop_lets_it_finish_its_work(runner: Runner) -> None:
    script = "trap 'echo saved; exit 5' TERM; echo ready; while :; do sleep 0.02; done"
    await runner.executor.ensure_started(ProcessSpec(id="p", argv=("sh", "-c", script), grace=60))
    await runner.until_logged("p", "ready")
    await runner.executor.stop("p")
    outcome = await runner.end("p")
    assert (outcome.exit_code, outcome.reason) == (5, "stopped")
    assert runner.log("p").endswith("saved\n")


async def test_a_stop_at_once_after_the_start_is_not_lost(runner: Runner) -> None:
    await runner.executor.ensure_started(ProcessSpec(id="p", argv=("sleep", "60"), grace=5))
    await runner.executor.stop("p")
    outcome = await runner.end("p")
    assert outcome.reason == "stopped"
    assert outcome.exit_code in {-15, -9}


async def test_what_takes_too_long_is_stopped(runner: Runner) -> None:
    outcome = await runner.run(ProcessSpec(id="p", argv=("sleep", "60"), timeout=0.1, grace=5))
    assert (outcome.exit_code, outcome.reason) == (-15, "timeout")


async def test_strays_end_with_the_process(runner: Runner) -> None:
    script = "setsid sh -c 'echo $$ > stray; sleep 60' & while [ ! -s stray ]; do :; done"
    await runner.shell(script)
    # Whichever namespace it was in: nothing on this machine works in that folder any more.
    work = str(runner.executor.folder("p") / "work")
    assert work not in _working_folders()


def _working_folders() -> set[str]:
    found: set[str] = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            found.add(str((process / "cwd").readlink()))
    return found


async def test_every_line_of_a_flood_is_there(runner: Runner) -> None:
    lines = (await runner.shell("seq 1 200000")).splitlines()
    assert lines == [str(number) for number in range(1, 200_001)]


async def test_started_many_times_it_runs_once(runner: Runner) -> None:
    spec = ProcessSpec(id="p", argv=("sh", "-c", "echo once"))
    await asyncio.gather(*(runner.executor.ensure_started(spec) for _ in range(20)))
    await runner.end("p")
    await runner.executor.ensure_started(spec)
    assert runner.log("p") == "once\n"


async def test_two_servers_that_start_it_start_it_once(runner: Runner, tmp_path: Path) -> None:
    levels = await runner.executor.sandbox_levels()
    other = LocalExecutor(tmp_path / "jobs", tmp_path / "run2", SystemClock(), levels=levels)
    await other.start()
    spec = ProcessSpec(id="p", argv=("sh", "-c", "echo once; sleep 0.2"))
    await asyncio.gather(other.ensure_started(spec), runner.executor.ensure_started(spec))
    await runner.end("p")
    await other.close()
    assert runner.log("p") == "once\n"


async def test_many_at_once(runner: Runner) -> None:
    specs = [ProcessSpec(id=f"p{n}", argv=("sh", "-c", f"exit {n}")) for n in range(40)]
    outcomes = await asyncio.gather(*(runner.run(spec) for spec in specs))
    assert [outcome.exit_code for outcome in outcomes] == list(range(40))


async def test_a_killed_zygote_is_replaced(runner: Runner) -> None:
    await runner.shell("true", "first")
    (zygote,) = runner.executor._zygotes._warm.values()
    assert zygote._process is not None
    zygote._process.kill()
    zygote._process.wait()
    await runner.shell("true", "second")


async def test_a_running_process_is_not_forgotten(runner: Runner) -> None:
    await runner.executor.ensure_started(ProcessSpec(id="p", argv=("sleep", "60")))
    await runner.executor.forget("p")
    assert (await runner.executor.observe("p")).state is ProcessState.RUNNING
    await runner.executor.stop("p")
    await runner.end("p")


async def _supervisor(runner: Runner, process_id: str) -> int:
    """Which supervisor it has, once that is on record."""
    record = runner.executor.folder(process_id) / "pid.json"
    await runner.until_there(record)
    return json.loads(record.read_text())["supervisor"]


async def test_a_supervisor_is_used_again_and_a_late_signal_stops_nothing_of_its_next(
    runner: Runner,
) -> None:
    used: set[int] = set()
    for number in range(20):  # there may be as many as wait for work; then they are used again
        spec = ProcessSpec(id=f"p{number}", argv=("sh", "-c", "while [ ! -e go ]; do :; done"))
        await runner.executor.ensure_started(spec)
        supervisor = await _supervisor(runner, spec.id)
        os.kill(supervisor, signal.SIGTERM)  # meant for what it supervised before
        (runner.executor.folder(spec.id) / "work" / "go").touch()
        assert (await runner.end(spec.id)).succeeded
        if supervisor in used:
            return
        used.add(supervisor)
    pytest.fail("each process had a supervisor of its own")
