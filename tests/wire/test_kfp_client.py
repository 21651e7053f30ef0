"""The real kfp.Client against the API, on a database without controllers."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import httpx
import kfp
import pytest
from kfp_server_api import ApiException

from flowmaker.pipelines.records.run import Run, RuntimeState, StateChange, Task, TaskKind
from flowmaker.pipelines.repository import runs
from tests.fakes.kfp_api import KfpApi, serving
from tests.fakes.kfp_pipelines import compiled, greeting, greeting_with_secret, stranger

LATER = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KfpApi]:
    with pytest.MonkeyPatch.context() as patch, serving(tmp_path_factory.mktemp("kfp")) as api:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield api


@pytest.fixture(scope="module")
def client(api: KfpApi) -> kfp.Client:
    return kfp.Client(host=api.url)


def end(api: KfpApi, run_id: str, state: RuntimeState, *tasks: Task, error: str = "") -> None:
    """What a controller would do in the end."""
    run = api.database.read_now(runs.get_run, run_id)
    assert run is not None
    change = StateChange(at=LATER, state=state, error=error)
    ended = replace(
        run,
        state=state,
        error=error,
        finished_at=LATER,
        revision=run.revision + 1,
        state_history=(*run.state_history, change),
    )
    assert api.database.write_now(runs.apply, ended, inserted=tasks, changed=())


def recorded(api: KfpApi, run_id: str) -> Run:
    run = api.database.read_now(runs.get_run, run_id)
    assert run is not None
    return run


def refusal(error: pytest.ExceptionInfo[ApiException]) -> tuple[int, int, str]:
    body = json.loads(error.value.body)
    assert body["details"][0]["@type"] == "type.googleapis.com/google.rpc.Status"
    return error.value.status, body["code"], body["message"]


def where(key: str, value: str, operation: int | str = 1) -> str:
    return json.dumps({"predicates": [{"operation": operation, "key": key, "stringValue": value}]})


def test_health_says_that_there_is_one_user(client: kfp.Client) -> None:
    assert client.get_kfp_healthz().multi_user is False


def test_a_run_of_a_function_is_recorded_and_hinted(api: KfpApi, client: kfp.Client) -> None:
    made = client.create_run_from_pipeline_func(greeting, arguments={"name": "Ada", "times": 3})

    run = client.get_run(made.run_id)
    assert run.state == "PENDING"
    assert [change.state for change in run.state_history] == ["PENDING"]
    assert run.runtime_config.parameters == {"name": "Ada", "times": 3}
    assert run.pipeline_spec["pipelineInfo"]["name"] == "greeting"
    assert run.storage_state == "AVAILABLE"
    assert run.finished_at is None
    assert run.error is None
    experiment = client.get_experiment(experiment_name="Default")
    assert run.experiment_id == experiment.experiment_id
    assert experiment.last_run_created_at == run.created_at
    assert made.run_id in api.hinted


def test_a_package_with_a_platform_spec_comes_back_with_it(
    api: KfpApi, client: kfp.Client, tmp_path: Path
) -> None:
    package = tmp_path / "pipeline.yaml"
    _, platform_spec = compiled(greeting_with_secret, package)

    made = client.create_run_from_pipeline_package(
        str(package), experiment_name="secrets", enable_caching=False
    )

    run = client.get_run(made.run_id)
    assert run.pipeline_spec["platform_spec"] == platform_spec
    assert run.pipeline_spec["pipeline_spec"]["pipelineInfo"]["name"] == "greeting-with-secret"
    assert recorded(api, made.run_id).platform_spec == platform_spec
    assert recorded(api, made.run_id).parameters == {"name": "you"}


def test_pipelines_and_versions(client: kfp.Client, tmp_path: Path) -> None:
    package = tmp_path / "pipeline.yaml"
    compiled(greeting, package)

    pipeline = client.upload_pipeline(str(package), "50% of greetings", description="first")
    assert client.get_pipeline_id("50% of greetings") == pipeline.pipeline_id
    assert client.get_pipeline(pipeline.pipeline_id).description == "first"
    second = client.upload_pipeline_version_from_pipeline_func(
        greeting_with_secret, "second", pipeline_name="50% of greetings", description="more"
    )

    versions = client.list_pipeline_versions(pipeline.pipeline_id, sort_by="created_at desc")
    assert [version.name for version in versions.pipeline_versions] == [
        "second",
        "50% of greetings",
    ]
    assert versions.total_size == 2
    got = client.get_pipeline_version(pipeline.pipeline_id, second.pipeline_version_id)
    assert set(got.pipeline_spec) == {"pipeline_spec", "platform_spec"}
    assert got.description == "more"

    with pytest.raises(ApiException) as refused:
        client.delete_pipeline(pipeline.pipeline_id)
    assert refusal(refused)[:2] == (400, 9)
    for version in versions.pipeline_versions:
        client.delete_pipeline_version(pipeline.pipeline_id, version.pipeline_version_id)
    client.delete_pipeline(pipeline.pipeline_id)
    assert client.get_pipeline_id("50% of greetings") is None


def test_a_pipeline_is_deleted_with_its_versions_when_that_is_asked(client: kfp.Client) -> None:
    pipeline = client.upload_pipeline_from_pipeline_func(greeting, "cascading")
    generated: Any = client.pipelines
    generated.pipeline_service_delete_pipeline(pipeline.pipeline_id, cascade=True)
    with pytest.raises(ApiException) as missing:
        client.get_pipeline(pipeline.pipeline_id)
    assert refusal(missing)[:2] == (404, 5)


def test_a_taken_pipeline_name_is_a_conflict(client: kfp.Client) -> None:
    client.upload_pipeline_from_pipeline_func(greeting, "taken")
    with pytest.raises(ApiException) as refused:
        client.upload_pipeline_from_pipeline_func(greeting, "taken")
    assert refused.value.status == 409
    body = json.loads(refused.value.body)
    assert "'taken' already" in body["error_message"]
    assert body["error_details"].startswith("ALREADY_EXISTS")


def test_a_run_of_a_version_and_of_the_latest_version(api: KfpApi, client: kfp.Client) -> None:
    pipeline = client.upload_pipeline_from_pipeline_func(greeting, "by reference")
    first = client.list_pipeline_versions(pipeline.pipeline_id).pipeline_versions[0]
    experiment = client.create_experiment("references", description="by id")

    run = client.run_pipeline(
        experiment.experiment_id,
        "of a version",
        params={"name": "Bo"},
        pipeline_id=pipeline.pipeline_id,
        version_id=first.pipeline_version_id,
    )
    got = client.get_run(run.run_id)
    assert got.pipeline_version_reference.pipeline_version_id == first.pipeline_version_id
    assert got.pipeline_spec is None
    assert got.runtime_config.parameters == {"name": "Bo", "times": 2}

    second = client.upload_pipeline_version_from_pipeline_func(
        greeting_with_secret, "later", pipeline_id=pipeline.pipeline_id
    )
    generated: Any = client.runs
    latest = generated.run_service_create_run(
        {
            "displayName": "of the latest",
            "pipelineVersionReference": {"pipelineId": pipeline.pipeline_id},
        }
    )
    assert latest.pipeline_version_reference.pipeline_version_id == second.pipeline_version_id
    assert recorded(api, latest.run_id).platform_spec

    client.delete_pipeline_version(pipeline.pipeline_id, second.pipeline_version_id)
    assert recorded(api, latest.run_id).pipeline_spec["pipelineInfo"]["name"] == (
        "greeting-with-secret"
    )


@pytest.mark.parametrize(
    ("pipeline", "arguments", "names"),
    [
        (greeting, {}, "'name'"),
        (greeting, {"name": 7}, "'name'"),
        (greeting, {"name": "Ada", "nmae": "Bo"}, "'nmae'"),
        (stranger, {}, "nobody/knows:1"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_is_written(
    api: KfpApi, client: kfp.Client, pipeline: Any, arguments: dict[str, Any], names: str
) -> None:
    experiment = client.create_experiment("refusals")
    before = len(api.hinted)
    with pytest.raises(ApiException) as refused:
        client.create_run_from_pipeline_func(
            pipeline, arguments=arguments, experiment_id=experiment.experiment_id
        )
    http, code, message = refusal(refused)
    assert (http, code) == (400, 3)
    assert names in message
    assert client.list_runs(experiment_id=experiment.experiment_id).runs is None
    assert client.get_experiment(experiment.experiment_id).last_run_created_at is None
    assert len(api.hinted) == before


def test_waiting_ends_when_the_run_has(api: KfpApi, client: kfp.Client) -> None:
    made = client.create_run_from_pipeline_func(greeting, arguments={"name": "Ada"})
    root = Task(
        task_id=f"{made.run_id}-root",
        run_id=made.run_id,
        parent_task_id="",
        name="root",
        kind=TaskKind.DAG,
        component="",
        created_at=LATER,
        state=RuntimeState.FAILED,
    )
    greet = replace(
        root,
        task_id=f"{made.run_id}-greet",
        parent_task_id=root.task_id,
        name="greet",
        kind=TaskKind.CONTAINER,
        component="comp-greet",
        started_at=LATER,
        ended_at=LATER,
        error="It exited with 1.",
        state_history=(
            StateChange(at=LATER, state=RuntimeState.FAILED, error="It exited with 1."),
        ),
        inputs={"parameters": {"name": "Ada"}},
        outputs={"artifacts": {"model": [{"name": "model", "uri": "s3://b/model"}]}},
        process_id=f"{made.run_id}-greet-0",
    )
    end(api, made.run_id, RuntimeState.FAILED, root, greet, error="Task 'greet' failed.")

    run = made.wait_for_run_completion(timeout=10)

    assert run.state == "FAILED"
    assert run.finished_at == LATER
    assert (run.error.code, run.error.message) == (2, "Task 'greet' failed.")
    by_name = {task.display_name: task for task in run.run_details.task_details}
    assert by_name["root"].child_tasks[0].task_id == greet.task_id
    assert by_name["greet"].parent_task_id == root.task_id
    assert by_name["greet"].error.message == "It exited with 1."
    assert by_name["greet"].state_history[0].update_time == LATER
    assert by_name["greet"].executor_detail.main_job == greet.process_id


def test_terminating(api: KfpApi, client: kfp.Client) -> None:
    made = client.create_run_from_pipeline_func(greeting, arguments={"name": "Ada"})
    hints = api.hinted.count(made.run_id)

    client.terminate_run(made.run_id)
    client.terminate_run(made.run_id)

    assert recorded(api, made.run_id).terminate_requested
    assert api.hinted.count(made.run_id) == hints + 2
    end(api, made.run_id, RuntimeState.CANCELED)
    with pytest.raises(ApiException) as refused:
        client.terminate_run(made.run_id)
    http, code, message = refusal(refused)
    assert (http, code) == (400, 9)
    assert "CANCELED" in message


def test_archiving_and_deleting_runs(api: KfpApi, client: kfp.Client) -> None:
    made = client.create_run_from_pipeline_func(greeting, arguments={"name": "Ada"})
    client.archive_run(made.run_id)
    assert client.get_run(made.run_id).storage_state == "ARCHIVED"
    client.unarchive_run(made.run_id)
    assert client.get_run(made.run_id).storage_state == "AVAILABLE"
    end(api, made.run_id, RuntimeState.SUCCEEDED)
    client.delete_run(made.run_id)
    assert_gone(client, made.run_id)
    assert api.database.read_now(runs.get_run_or_leaving, made.run_id) is None


def test_a_run_that_goes_on_is_deleted(api: KfpApi, client: kfp.Client) -> None:
    experiment = client.create_experiment("deleting").experiment_id
    deleted, kept = (
        client.create_run_from_pipeline_func(
            greeting, arguments={"name": name}, experiment_id=experiment
        ).run_id
        for name in ("Ada", "Bo")
    )
    hints = api.hinted.count(deleted)

    client.delete_run(deleted)

    assert_gone(client, deleted)
    listed = client.list_runs(experiment_id=experiment)
    assert [each.run_id for each in listed.runs] == [kept]
    assert listed.total_size == 1
    # The rest is the controllers' to do, and they were told.
    leaving = api.database.read_now(runs.get_run_or_leaving, deleted)
    assert leaving is not None
    assert leaving.terminate_requested
    assert api.hinted.count(deleted) == hints + 1


def test_a_recurring_run_that_is_deleted_leaves_what_goes_on(
    api: KfpApi, client: kfp.Client, tmp_path: Path
) -> None:
    compiled(greeting, tmp_path / "package.yaml")
    experiment = client.create_experiment("nights").experiment_id
    made = client.create_recurring_run(
        experiment,
        "nightly",
        cron_expression="0 0 3 * * *",
        pipeline_package_path=str(tmp_path / "package.yaml"),
        params={"name": "Ada"},
    )
    run = client.create_run_from_pipeline_func(greeting, arguments={"name": "Ada"})
    changes: dict[str, Any] = {"recurring_run_id": made.recurring_run_id}
    of_it = replace(recorded(api, run.run_id), run_id="of-nightly", **changes)
    api.database.write_now(runs.insert_run, of_it)

    one = f"{api.url}/apis/v2beta1/recurringruns/{made.recurring_run_id}"
    refused = httpx.delete(one, params={"propagation_policy": "FOREGROUND"})
    assert refused.status_code == 400
    assert "propagation_policy" in refused.json()["message"]
    client.delete_recurring_run(made.recurring_run_id)

    assert recorded(api, "of-nightly") == of_it


def assert_gone(client: kfp.Client, run_id: str) -> None:
    for call in (
        client.get_run,
        client.delete_run,
        client.terminate_run,
        client.archive_run,
        client.unarchive_run,
        client.runs.run_service_retry_run,
    ):
        with pytest.raises(ApiException) as missing:
            call(run_id)
        assert refusal(missing)[:2] == (404, 5)


def test_experiments(client: kfp.Client) -> None:
    experiment = client.create_experiment("to archive", description="soon gone")
    again = client.create_experiment("to archive")
    assert again.experiment_id == experiment.experiment_id
    made = client.create_run_from_pipeline_func(
        greeting, arguments={"name": "Ada"}, experiment_id=experiment.experiment_id
    )

    client.archive_experiment(experiment.experiment_id)

    assert client.get_experiment(experiment.experiment_id).storage_state == "ARCHIVED"
    assert client.get_run(made.run_id).storage_state == "ARCHIVED"
    for call in (
        lambda: client.unarchive_run(made.run_id),
        lambda: client.create_run_from_pipeline_func(
            greeting, arguments={"name": "Ada"}, experiment_id=experiment.experiment_id
        ),
    ):
        with pytest.raises(ApiException) as refused:
            call()
        assert refusal(refused)[:2] == (400, 9)
    client.unarchive_experiment(experiment.experiment_id)
    assert client.get_run(made.run_id).storage_state == "ARCHIVED"
    client.unarchive_run(made.run_id)
    client.delete_experiment(experiment.experiment_id)
    with pytest.raises(ValueError, match="No experiment"):
        client.get_experiment(experiment_name="to archive")
    assert client.get_run(made.run_id).display_name.startswith("greeting")


def test_lists_page_through_everything_once(client: kfp.Client) -> None:
    experiment = client.create_experiment("paging")
    names = [f"run {number}" for number in (3, 1, 4, 2, 5, 1)]
    for name in names:
        client.create_run_from_pipeline_func(
            greeting,
            arguments={"name": "Ada"},
            run_name=name,
            experiment_id=experiment.experiment_id,
        )

    def pages(**query: Any) -> Iterator[list[str]]:
        token = ""
        while True:
            page = client.list_runs(
                experiment_id=experiment.experiment_id, page_size=4, page_token=token, **query
            )
            assert page.total_size == 6
            yield [run.display_name for run in page.runs]
            if not page.next_page_token:
                return
            token = page.next_page_token

    assert list(pages()) == [names[:4], names[4:]]
    ordered = sorted(names)
    assert list(pages(sort_by="display_name desc")) == [ordered[:1:-1], ordered[1::-1]]
    for direction in ("finished_at", "finished_at desc"):
        assert sorted(chain.from_iterable(pages(sort_by=direction))) == ordered


def test_a_list_is_of_an_experiment_that_there_is(client: kfp.Client) -> None:
    """Its name for its id, which `kfp run list -e` wants, is not a list of nothing."""
    client.create_experiment("by its name")
    for listed in (client.list_runs, client.list_recurring_runs):
        with pytest.raises(ApiException) as refused:
            listed(experiment_id="by its name")
        http, code, message = refusal(refused)
        assert (http, code) == (404, 5)
        assert message == "There is no experiment 'by its name': this must be its id."


def test_lists_are_filtered(api: KfpApi, client: kfp.Client) -> None:
    experiment = client.create_experiment("filters")
    made = {
        name: client.create_run_from_pipeline_func(
            greeting,
            arguments={"name": "Ada"},
            run_name=name,
            experiment_id=experiment.experiment_id,
        ).run_id
        for name in ("100% ADA", "ada_1", "bo")
    }
    end(api, made["bo"], RuntimeState.SUCCEEDED)

    def names(text: str) -> list[str]:
        page = client.list_runs(experiment_id=experiment.experiment_id, filter=text)
        assert (page.total_size or 0) == len(page.runs or [])
        return [run.display_name for run in page.runs or []]

    assert names(where("name", "bo")) == ["bo"]
    assert names(where("name", "ada", "IS_SUBSTRING")) == ["100% ADA", "ada_1"]
    assert names(where("name", "0%", "IS_SUBSTRING")) == ["100% ADA"]
    assert names(where("name", "a_1", "IS_SUBSTRING")) == ["ada_1"]
    assert names(where("name", "a_a", "IS_SUBSTRING")) == []
    assert names(where("state", "PENDING", "NOT_EQUALS")) == ["bo"]
    assert names(where("name", "ada", "GREATER_THAN")) == ["ada_1", "bo"]
    assert names(
        json.dumps(
            {
                "predicates": [
                    {"operation": "IN", "key": "id", "string_values": {"values": [made["bo"]]}},
                    {
                        "operation": "LESS_THAN",
                        "key": "finished_at",
                        "timestampValue": "2026-01-02T03:04:06Z",
                    },
                ]
            }
        )
    ) == ["bo"]
    with pytest.raises(ApiException) as refused:
        names(where("colour", "red"))
    assert refusal(refused)[:2] == (400, 3)
