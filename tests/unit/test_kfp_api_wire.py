"""Records as KFP writes them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from flowmaker.pipelines.api import wire
from flowmaker.pipelines.records.catalog import Experiment
from flowmaker.pipelines.records.run import Run, RuntimeState, StateChange, Task, TaskKind

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
RUN = Run(
    run_id="r",
    display_name="run",
    experiment_id="e",
    created_at=AT,
    pipeline_spec={"pipelineInfo": {"name": "p"}},
    parameters={"zero": 0, "none": None, "no": False, "empty": ""},
)


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (AT, "2026-01-31T12:00:00Z"),
        (AT + timedelta(milliseconds=120), "2026-01-31T12:00:00.120Z"),
        (AT + timedelta(microseconds=120), "2026-01-31T12:00:00.000120Z"),
        (AT.astimezone(timezone(timedelta(hours=1))), "2026-01-31T12:00:00Z"),
        (None, None),
    ],
)
def test_times_are_as_protobuf_writes_them(time: datetime | None, text: str | None) -> None:
    assert wire.time(time) == text


def test_what_is_not_set_is_left_out() -> None:
    experiment = Experiment(experiment_id="e", display_name="name", created_at=AT)
    assert wire.experiment(experiment) == {
        "experiment_id": "e",
        "display_name": "name",
        "created_at": "2026-01-31T12:00:00Z",
        "storage_state": "AVAILABLE",
    }
    assert wire.page("experiments", [], 0, "") == {}


def test_parameters_are_left_as_they_are() -> None:
    assert wire.run(RUN)["runtime_config"] == {"parameters": dict(RUN.parameters)}


def test_where_a_run_is_from_is_said_in_one_way() -> None:
    inline = wire.run(RUN)
    assert inline["pipeline_spec"] == {"pipelineInfo": {"name": "p"}}
    assert "pipeline_version_reference" not in inline
    platform = wire.run(replace(RUN, platform_spec={"platforms": {}}))
    assert platform["pipeline_spec"] == {
        "pipeline_spec": {"pipelineInfo": {"name": "p"}},
        "platform_spec": {"platforms": {}},
    }
    uploaded = wire.run(replace(RUN, pipeline_id="p", pipeline_version_id="v"))
    assert uploaded["pipeline_version_reference"] == {
        "pipeline_id": "p",
        "pipeline_version_id": "v",
    }
    assert "pipeline_spec" not in uploaded


@pytest.mark.parametrize(("state", "code"), [(RuntimeState.FAILED, 2), (RuntimeState.CANCELED, 1)])
def test_an_error_is_a_status(state: RuntimeState, code: int) -> None:
    failed = replace(
        RUN,
        state=state,
        error="why",
        state_history=(
            StateChange(at=AT, state=RuntimeState.RUNNING),
            StateChange(at=AT, state=state, error="why"),
        ),
    )
    status = {"code": code, "message": "why"}
    assert wire.run(failed)["error"] == status
    assert wire.run(failed)["state_history"] == [
        {"update_time": "2026-01-31T12:00:00Z", "state": "RUNNING"},
        {"update_time": "2026-01-31T12:00:00Z", "state": state.value, "error": status},
    ]


def test_tasks_carry_their_values_beside_what_kfp_knows() -> None:
    root = Task(
        task_id="t0",
        run_id="r",
        parent_task_id="",
        name="root",
        kind=TaskKind.DAG,
        component="",
        created_at=AT,
    )
    artifact = {"name": "model", "uri": "s3://bucket/model"}
    step = replace(
        root,
        task_id="t1",
        parent_task_id="t0",
        name="train",
        display_name="Train it",
        kind=TaskKind.CONTAINER,
        inputs={"parameters": {"rounds": 0}, "artifacts": {}},
        outputs={"parameters": {}, "artifacts": {"model": [artifact]}},
        process_id="t1-0",
    )
    first, second = wire.run(RUN, [root, step])["run_details"]["task_details"]
    assert first["child_tasks"] == [{"task_id": "t1"}]
    assert (first["name"], first["display_name"]) == ("root", "root")
    assert (second["name"], second["display_name"]) == ("train", "Train it")
    assert second["input_parameters"] == {"rounds": 0}
    assert second["output_artifacts"] == {"model": [artifact]}
    assert not second.keys() & {"inputs", "outputs", "output_parameters", "child_tasks"}
    assert second["executor_detail"] == {"main_job": "t1-0"}
