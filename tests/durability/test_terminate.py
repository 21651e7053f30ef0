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
