"""dsl.PipelineConfig, decided without running anything."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flowmaker.errors import InvalidInput
from flowmaker.pipelines.driver.job import Job
from flowmaker.pipelines.driver.workspace import claim_name, path_inside, run_of, uses_workspace
from flowmaker.pipelines.ir.graph import Container, graph_of
from flowmaker.pipelines.ir.pipeline_config import check_workspace_mount, pipeline_config_of
from flowmaker.pipelines.lifecycle.progress import Progress
from flowmaker.pipelines.lifecycle.run import End, decide, start
from flowmaker.pipelines.records.run import Run, RuntimeState

S = RuntimeState
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CONTAINER = {"image": "python:3.11", "command": ["true"]}
SPEC: dict[str, Any] = {
    "pipelineInfo": {"name": "p"},
    "root": {
        "dag": {
            "tasks": {
                "a": {"componentRef": {"name": "comp"}},
                "b": {"componentRef": {"name": "comp"}, "dependentTasks": ["a"]},
            }
        }
    },
    "components": {"comp": {"executorLabel": "e"}},
    "deploymentSpec": {"executors": {"e": {"container": CONTAINER}}},
}


def platform(**config: Any) -> dict[str, Any]:
    return {"platforms": {"kubernetes": {"pipelineConfig": config}}}


def seconds(count: float) -> datetime:
    return NOW + timedelta(seconds=count)


def running(**config: Any) -> Progress:
    """A run whose first task has its process."""
    run = Run(run_id="r", display_name="r", experiment_id="e", created_at=NOW, pipeline_spec={})
    job = Job(run_id="r", name="r", pipeline="p", root="s3://b", created_at="", scheduled_at="")
    progress = Progress(graph_of(SPEC, platform(**config)), job, run, [])
    decide(progress, (), NOW)
    for task_id in list(progress.pending):
        start(progress, task_id, NOW)
    progress.written()
    return progress


def read_again(progress: Progress) -> Progress:
    return Progress(progress.graph, progress.job, progress.run, progress.tasks.values())


def stopped(progress: Progress, at: datetime) -> dict[str, RuntimeState]:
    """The states when what ran has been stopped."""
    ends = [End(task_id=each, error="stopped") for each in progress.running]
    decide(progress, ends, at)
    return {task.name: task.state for task in progress.tasks.values()}


def test_a_run_is_stopped_at_its_deadline_and_fails_whatever_becomes_of_the_server():
    run = running(activeDeadlineSeconds=5)
    decide(run, (), seconds(4.9))
    assert run.run.state is S.RUNNING
    decide(run, (), seconds(5))
    assert run.run.state is S.CANCELING
    run = read_again(run)
    assert stopped(run, seconds(6)) == {"root": S.FAILED, "a": S.FAILED}
    assert run.run.state is S.FAILED
    assert run.run.error == (
        "Deadline exceeded: the run was active for longer than its pipeline's 5 seconds "
        "(active_deadline_seconds)"
    )


def test_a_run_that_was_terminated_before_its_deadline_is_canceled():
    run = running(activeDeadlineSeconds=5)
    run.run = replace(run.run, terminate_requested=True)
    decide(run, (), seconds(4))
    assert stopped(read_again(run), seconds(6))["root"] is S.CANCELED


def test_what_ends_in_time_succeeds():
    run = running(activeDeadlineSeconds=5)
    for at in (1, 2):
        decide(run, [End(task_id=each) for each in run.running], seconds(at))
        for task_id in list(run.pending):
            start(run, task_id, seconds(at))
    assert run.run.state is S.SUCCEEDED


@pytest.mark.parametrize(
    ("config", "after_success", "after_failure"),
    [
        ({}, 0, 0),
        ({"resourceTtlOnCompletion": 7}, 7, 7),
        ({"resourceTtlOnCompletion": 7, "resourceTtlOnSuccess": 9}, 9, 7),
        ({"resourceTtlOnFailure": 3}, 0, 3),
        ({"resourceTtlOnCompletion": -1, "resourceTtlOnFailure": -3}, 0, 0),
    ],
)
def test_how_long_things_live(config: Any, after_success: int, after_failure: int):
    found = pipeline_config_of(platform(**config))
    assert (found.ttl_after_success, found.ttl_after_failure) == (after_success, after_failure)


def test_a_run_says_when_what_is_left_of_it_goes():
    run = running(resourceTtlOnFailure=60)
    decide(run, [End(task_id=each, error="broke") for each in run.running], seconds(1))
    assert (run.run.state, run.run.expires_at) == (S.FAILED, seconds(61))


@pytest.mark.parametrize(
    ("workspace", "says"),
    [
        ({}, "size is ''"),
        ({"size": "10GB"}, "size is '10GB'"),
        ({"size": "-1Gi"}, "size is '-1Gi'"),
        ({"size": "1Gi", "other": 1}, "other"),
        ({"size": "1Gi", "kubernetes": {"pvcSpecPatch": {"resources": {}}}}, "has 'resources'"),
        ({"size": "1Gi", "kubernetes": {"pvcSpecPatch": {"accessModes": []}}}, "is a list of"),
    ],
)
def test_a_workspace_that_cannot_be(workspace: Any, says: str):
    with pytest.raises(InvalidInput, match=says):
        pipeline_config_of(platform(workspace=workspace))


def test_a_workspace_is_a_claim():
    workspace = pipeline_config_of(platform(workspace={"size": "1.5Gi"})).workspace
    assert workspace is not None
    assert workspace.manifest(claim_name("r")) == {
        "metadata": {"name": "r-kfp-workspace"},
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "resources": {"requests": {"storage": "1.5Gi"}},
        },
    }
    assert (run_of("r-kfp-workspace"), run_of("another")) == ("r", "")


def test_nothing_else_is_mounted_where_the_workspace_is():
    check_workspace_mount("Task 'a'", {"pvcMount": [{"mountPath": "/kfp-workspaces"}]})
    for path in ("/kfp-workspace/", "/kfp-workspace/data"):
        with pytest.raises(InvalidInput, match="workspace is mounted there"):
            check_workspace_mount("Task 'a'", {"pvcMount": [{"mountPath": path}]})


@pytest.mark.parametrize(
    ("inputs", "arguments", "uses"),
    [
        ({}, (), False),
        ({"parameters": {"a": "/kfp-workspace/data"}}, (), True),
        ({"parameters": {"a": [{"b": "in /kfp-workspace"}]}}, (), True),
        ({"artifacts": {"a": [{"metadata": {"_kfp_workspace": True}}]}}, (), True),
        ({"artifacts": {"a": [{"metadata": {"_kfp_workspace": "yes"}}]}}, (), False),
        ({}, ("{{$.workspace_path}}/data",), True),
    ],
)
def test_who_is_shown_the_workspace(inputs: Any, arguments: tuple[str, ...], *, uses: bool):
    container = Container(
        label="e", image="i", command=("a",), args=arguments, env=(), resources={}
    )
    assert uses_workspace(inputs, container) is uses


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("s3://b/k", "s3/b/k"),
        ("gs://b/k", "gcs/b/k"),
        ("https://h/k", "https/h/k"),
        ("/data/x", "data/x"),
    ],
)
def test_where_what_was_imported_is(uri: str, path: str):
    assert path_inside(uri) == f"/kfp-workspace/.artifacts/{path}"
