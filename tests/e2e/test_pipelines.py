"""Pipelines by the real client on the whole server, from a function, a package and an upload."""

import time
from pathlib import Path
from typing import Any

import httpx
import kfp
import pytest
from kfp import compiler, dsl

from flowmaker.executors import claims
from tests.house import House


@dsl.component(base_image="python:3.11")
def add(a: int, b: int) -> int:
    return a + b


@dsl.component(base_image="python:3.11")
def write_down(number: int, note: dsl.Output[dsl.Artifact]) -> None:
    with open(note.path, "w") as file:
        file.write(f"the sum is {number}")


@dsl.container_component
def shout(note: dsl.Input[dsl.Artifact], said: dsl.OutputPath(str)):
    return dsl.ContainerSpec(
        image="python:3.11-slim",
        command=["sh", "-c", 'mkdir -p "$(dirname "$1")" && tr a-z A-Z < "$0" > "$1"'],
        args=[note.path, said],
    )


@dsl.pipeline(name="inner")
def inner(a: int, b: int) -> int:
    return add(a=a, b=b).output


@dsl.pipeline(name="sums")
def sums(a: int = 1) -> None:
    nested = inner(a=a, b=2)
    noted = write_down(number=nested.output)
    shout(note=noted.outputs["note"]).after(noted)


@dsl.component(base_image="python:3.11")
def sleep(seconds: int) -> None:
    import time

    time.sleep(seconds)


@pytest.fixture
def client(server: House) -> kfp.Client:
    return kfp.Client(host=server.url)


def outputs(run: kfp.client.client.kfp_server_api.V2beta1Run, server: House) -> dict[str, object]:
    """What the tasks gave out: the API's answer has it beside what KFP's client reads."""
    answer = httpx.get(f"{server.url}/apis/v2beta1/runs/{run.run_id}").json()
    tasks = answer["run_details"]["task_details"]
    return {t["display_name"]: t.get("output_parameters") for t in tasks}


def test_a_function_runs_with_arguments(client: kfp.Client, server: House) -> None:
    started = client.create_run_from_pipeline_func(sums, arguments={"a": 40})
    run = client.wait_for_run_completion(started.run_id, timeout=60, sleep_duration=1)
    assert run.state == "SUCCEEDED"
    assert outputs(run, server)["shout"] == {"said": "THE SUM IS 42"}


def test_an_upload_runs_by_its_id(client: kfp.Client, tmp_path: Path) -> None:
    package = str(tmp_path / "sums.yaml")
    compiler.Compiler().compile(sums, package)
    pipeline = client.upload_pipeline(package, pipeline_name="sums")
    version = client.upload_pipeline_version(package, "second", pipeline_id=pipeline.pipeline_id)
    experiment = client.create_experiment("arithmetic")
    started = client.run_pipeline(
        experiment.experiment_id,
        "by id",
        pipeline_id=pipeline.pipeline_id,
        version_id=version.pipeline_version_id,
    )
    run = client.wait_for_run_completion(started.run_id, timeout=60, sleep_duration=1)
    assert run.state == "SUCCEEDED"
    listed = client.list_runs(experiment_id=experiment.experiment_id).runs
    assert [each.display_name for each in listed] == ["by id"]


def test_terminating_ends_the_process(client: kfp.Client, server: House) -> None:
    @dsl.pipeline(name="sleeper")
    def sleeper() -> None:
        sleep(seconds=987)

    def supervisor() -> int | None:
        (task,) = _tasks(client, started.run_id)
        return claims.supervisor_pid(server.data / "jobs" / f"{task.task_id}-1")

    started = client.create_run_from_pipeline_func(sleeper)
    _wait_for(lambda: "RUNNING" in _task_states(client, started.run_id) and supervisor())
    client.terminate_run(started.run_id)
    _wait_for(lambda: client.get_run(started.run_id).state == "CANCELED")
    _wait_for(lambda: supervisor() is None)


def _task_states(client: kfp.Client, run_id: str) -> list[str]:
    return [task.state for task in _tasks(client, run_id)]


def _tasks(client: kfp.Client, run_id: str) -> list[Any]:
    """The run's tasks below its root; none while it has not been looked at yet."""
    details = client.get_run(run_id).run_details
    tasks = (details.task_details if details else None) or []
    return [task for task in tasks if task.parent_task_id]


def _wait_for(condition) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
