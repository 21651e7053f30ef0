"""What a pipeline says of its whole run holds over the death of the server."""

import os
import signal
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kfp
from kfp import compiler, dsl

from tests.house import House, start, stop


@dsl.component(base_image="python:3.11")
def wait_for_ever(folder: str):
    import time
    from pathlib import Path

    Path(folder, "begun").touch()
    while True:
        time.sleep(0.1)


@dsl.component(base_image="python:3.11")
def fail(folder: str):
    from pathlib import Path

    Path(folder, "failed").touch()
    raise RuntimeError("broke")


@dsl.pipeline(
    name="overdue",
    pipeline_config=dsl.PipelineConfig(
        workspace=dsl.WorkspaceConfig(size="1Gi"), active_deadline_seconds=3
    ),
)
def overdue():
    wait_for_ever(folder=dsl.WORKSPACE_PATH_PLACEHOLDER)


@dsl.pipeline(
    name="short-lived",
    pipeline_config=dsl.PipelineConfig(
        workspace=dsl.WorkspaceConfig(size="1Gi"), ttl_seconds_after_failure=5
    ),
)
def short_lived():
    fail(folder=dsl.WORKSPACE_PATH_PLACEHOLDER)


def submitted(house: House, pipeline: Any, folder: Path) -> str:
    package = folder / "pipeline.yaml"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiler.Compiler().compile(pipeline, str(package))
        return kfp.Client(host=house.url).create_run_from_pipeline_package(str(package)).run_id


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_deadline_and_a_time_to_live_hold_when_the_server_is_killed(data: Path, tmp_path: Path):
    try:
        house = start(data)
        client = kfp.Client(host=house.url)
        failed = submitted(house, short_lived, tmp_path)
        until(lambda: client.get_run(failed).state == "FAILED")
        late = submitted(house, overdue, tmp_path)
        until(lambda: len([*data.glob("volumes/*/begun")]) == 1)
        os.kill(house.pid, signal.SIGKILL)
        house = start(data)
        client = kfp.Client(host=house.url)
        until(lambda: client.get_run(late).state == "FAILED")
        assert "Deadline exceeded" in client.get_run(late).error.message
        # The one is kept for a retry, the other has expired.
        until(lambda: [*data.glob("volumes/*/failed")] == [])
        assert len([*data.glob("volumes/*/begun")]) == 1
        until(lambda: len([*data.glob("jobs/*-*/")]) == 1)
        assert client.get_run(failed).state == "FAILED"
    finally:
        stop(data)
