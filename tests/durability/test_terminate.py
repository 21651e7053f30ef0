"""A termination that was acknowledged holds, whatever happens to the server after it."""

import contextlib
import os
import signal
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import kfp
import pytest
from kfp import compiler, dsl

from tests.house import House, start, stop


@dsl.component(base_image="python:3.11")
def wait_for_ever():
    import os
    import subprocess
    import time

    subprocess.Popen(["sleep", "1000"], start_new_session=True)
    with open(os.environ["HOME"] + "/started", "w") as file:
        file.write("started")
    while True:
        time.sleep(0.1)


@dsl.pipeline(name="endless")
def endless():
    for _ in range(2):
        wait_for_ever().set_caching_options(enable_caching=False)


@dsl.component(base_image="python:3.11")
def of_three_generations():
    """It, its child and a daemon each say when they are told, and go when they may."""
    import os
    import signal
    import sys
    import time
    from pathlib import Path

    home = Path(os.environ["HOME"])
    name = "parent"
    if os.fork() == 0:
        name = "child"
        if os.fork() == 0:
            os.setsid()
            if os.fork():
                os._exit(0)
            name = "daemon"

    def told(*_):
        with open(home / f"{name}.told", "a") as file:
            file.write(f"{time.time()}\n")

    signal.signal(signal.SIGTERM, told)
    (home / f"{name}.ready").touch()
    while not (home / f"{name}.told").exists() or not (home / "go").exists():
        time.sleep(0.01)
    sys.exit(1)


@dsl.pipeline(name="three-generations")
def three_generations():
    of_three_generations().set_caching_options(enable_caching=False)


def test_every_process_is_told_within_a_second_and_once(data: Path, tmp_path: Path):
    package = tmp_path / "three.yaml"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiler.Compiler().compile(three_generations, str(package))
    before = start(data)
    try:
        client = kfp.Client(host=before.url)
        run_id = client.create_run_from_pipeline_package(str(package)).run_id
        _until(lambda: len(list(data.glob("jobs/*/work/*.ready"))) == 3)
        asked = time.time()
        client.terminate_run(run_id)
        assert client.get_run(run_id).state == "CANCELING"
        _until(lambda: len(list(data.glob("jobs/*/work/*.told"))) == 3)
        client.terminate_run(run_id)  # a second time changes nothing
        os.kill(before.pid, signal.SIGKILL)
        after = kfp.Client(host=start(data).url)
        assert after.get_run(run_id).state == "CANCELING"
        (home,) = data.glob("jobs/*/work")
        times = {path.stem: path.read_text().splitlines() for path in home.glob("*.told")}
        (home / "go").touch()
        _until(lambda: after.get_run(run_id).state == "CANCELED")
    finally:
        stop(data)
    assert sorted(times) == ["child", "daemon", "parent"]
    assert [len(each) for each in times.values()] == [1, 1, 1]
    assert max(float(each[0]) for each in times.values()) - asked < 1


@pytest.mark.slow
def test_killed_right_after_the_acknowledgement(data: Path, tmp_path: Path):
    package = tmp_path / "endless.yaml"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiler.Compiler().compile(endless, str(package))
    before = start(data)
    try:
        _terminate_and_kill(before, package)
    finally:
        stop(data)


def _terminate_and_kill(before: House, package: Path) -> None:
    client = kfp.Client(host=before.url)
    run_id = client.create_run_from_pipeline_package(str(package)).run_id
    _until(lambda: len(list(before.data.glob("jobs/*/work/started"))) == 2)
    client.terminate_run(run_id)
    os.kill(before.pid, signal.SIGKILL)
    after = kfp.Client(host=start(before.data).url)
    _until(lambda: after.get_run(run_id).state == "CANCELED")
    run = after.get_run(run_id)
    states = [task.state for task in run.run_details.task_details]
    assert states == ["CANCELED"] * 3
    assert not _at_work_in(before.data / "jobs")


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _at_work_in(folder: Path) -> list[str]:
    """The processes that work in it or below, whichever namespace they are in."""
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            where = str((process / "cwd").readlink())
            is_task = (process / "cmdline").read_bytes().startswith(b"sleep")
            if is_task and where.startswith(str(folder)):
                found.append(where)
    return found
