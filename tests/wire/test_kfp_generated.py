"""Every call that the generated client of KFP's API, kfp_server_api, can make: each route once."""

import inspect
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import kfp_server_api as generated
import pytest
from kfp import compiler

from flowmaker.pipelines.records.run import RuntimeState
from flowmaker.pipelines.repository import runs
from tests.fakes.kfp_api import KfpApi, serving
from tests.fakes.kfp_pipelines import greeting


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KfpApi]:
    with serving(tmp_path_factory.mktemp("kfp")) as made:
        yield made


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline as JSON."""
    path = tmp_path_factory.mktemp("package") / "greeting.json"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiler.Compiler().compile(greeting, str(path.with_suffix(".yaml")))
    import yaml

    path.write_text(json.dumps(yaml.safe_load(path.with_suffix(".yaml").read_text())))
    return path


@pytest.fixture(scope="module")
def spec(package: Path) -> dict[str, Any]:
    return json.loads(package.read_text())


class Calls:
    """A service of the client, which remembers what it was asked."""

    def __init__(self, service: Any) -> None:
        self._service = service
        self.made: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.made.add(name)
        return getattr(self._service, name)


@contextmanager
def all_calls_of(server: KfpApi, service: type) -> Iterator[Any]:
    """Calls of a service, which at the end must be all that it has."""
    client = generated.ApiClient(generated.Configuration(host=server.url))
    calls = Calls(service(client))
    yield calls
    has = {name for name, _ in inspect.getmembers(service, inspect.isfunction)}
    assert calls.made == {
        name for name in has if not name.startswith("_") and "http_info" not in name
    }


def refused(status: int, call: Any, *arguments: Any) -> str:
    with pytest.raises(generated.ApiException) as error:
        call(*arguments)
    assert error.value.status == status, error.value.body
    return json.loads(error.value.body)["message"]


def test_health(server: KfpApi) -> None:
    with all_calls_of(server, generated.HealthzServiceApi) as healthz:
        found = healthz.healthz_service_get_healthz()
    assert found.multi_user is False


def test_authorization(server: KfpApi) -> None:
    with all_calls_of(server, generated.AuthServiceApi) as auth:
        assert auth.auth_service_authorize(namespace="n", resources="VIEWERS", verb="GET") == {}


def test_experiments(server: KfpApi) -> None:
    with all_calls_of(server, generated.ExperimentServiceApi) as experiments:
        made = experiments.experiment_service_create_experiment(
            generated.V2beta1Experiment(display_name="generated", description="d")
        )
        identity = made.experiment_id
        found = experiments.experiment_service_get_experiment(identity)
        assert (found.display_name, found.description) == ("generated", "d")
        listed = experiments.experiment_service_list_experiments(sort_by="created_at desc")
        assert listed.experiments[0].experiment_id == identity
        experiments.experiment_service_archive_experiment(identity)
        found = experiments.experiment_service_get_experiment(identity)
        assert found.storage_state == "ARCHIVED"
        experiments.experiment_service_unarchive_experiment(identity)
        found = experiments.experiment_service_get_experiment(identity)
        assert found.storage_state == "AVAILABLE"
        experiments.experiment_service_delete_experiment(identity)
        refused(404, experiments.experiment_service_get_experiment, identity)


def test_uploads_and_pipelines(server: KfpApi, package: Path) -> None:
    with (
        all_calls_of(server, generated.PipelineUploadServiceApi) as uploads,
        all_calls_of(server, generated.PipelineServiceApi) as pipelines,
    ):
        made = uploads.upload_pipeline(str(package), name="generated", description="d")
        identity = made.pipeline_id
        second = uploads.upload_pipeline_version(str(package), name="two", pipelineid=identity)
        assert pipelines.pipeline_service_get_pipeline(identity).description == "d"
        by_name = pipelines.pipeline_service_get_pipeline_by_name("generated")
        assert by_name.pipeline_id == identity
        empty = pipelines.pipeline_service_create_pipeline(
            generated.V2beta1Pipeline(name="empty", display_name="Empty")
        )
        listed = pipelines.pipeline_service_list_pipelines(page_size=50).pipelines
        assert {identity, empty.pipeline_id} <= {each.pipeline_id for each in listed}
        renamed = pipelines.pipeline_service_update_pipeline(
            identity, generated.V2beta1Pipeline(display_name="Shown")
        )
        assert (renamed.name, renamed.display_name) == ("generated", "Shown")
        of_version = (identity, second.pipeline_version_id)
        assert pipelines.pipeline_service_get_pipeline_version(*of_version).name == "two"
        renamed = pipelines.pipeline_service_update_pipeline_version(
            *of_version, generated.V2beta1PipelineVersion(display_name="Second")
        )
        assert (renamed.name, renamed.display_name) == ("two", "Second")
        versions = pipelines.pipeline_service_list_pipeline_versions(identity).pipeline_versions
        assert [each.name for each in versions] == ["generated", "two"]
        pipelines.pipeline_service_delete_pipeline_version(*of_version)
        refused(404, pipelines.pipeline_service_get_pipeline_version, *of_version)
        assert refused(400, pipelines.pipeline_service_delete_pipeline, identity)
        pipelines.pipeline_service_delete_pipeline(identity, cascade=True)
        refused(404, pipelines.pipeline_service_get_pipeline, identity)
        # By a URL: test_kfp_packages_by_url.py fetches some.
        url = generated.V2beta1Url(pipeline_url="ftp://nowhere/p.yaml")
        version = generated.V2beta1PipelineVersion(name="v", package_url=url)
        both = generated.V2beta1CreatePipelineAndVersionRequest(
            pipeline=generated.V2beta1Pipeline(name="fetched"), pipeline_version=version
        )
        create = pipelines.pipeline_service_create_pipeline_and_version
        assert "http(s)" in refused(400, create, both)
        create = pipelines.pipeline_service_create_pipeline_version
        assert "http(s)" in refused(400, create, empty.pipeline_id, version)


def test_runs(server: KfpApi, spec: dict[str, Any]) -> None:
    with all_calls_of(server, generated.RunServiceApi) as service:
        wanted = generated.V2beta1Run(
            display_name="one",
            pipeline_spec=spec,
            runtime_config=generated.V2beta1RuntimeConfig(parameters={"name": "Ada"}),
        )
        run = service.run_service_create_run(wanted)
        identity = run.run_id
        found = service.run_service_get_run(identity)
        assert found.runtime_config.parameters == {"name": "Ada", "times": 2}
        assert found.pipeline_spec["pipelineInfo"]["name"] == "greeting"
        listed = service.run_service_list_runs(sort_by="created_at desc", page_size=1).runs
        assert [each.run_id for each in listed] == [identity]
        service.run_service_archive_run(identity)
        assert service.run_service_get_run(identity).storage_state == "ARCHIVED"
        service.run_service_unarchive_run(identity)
        assert service.run_service_get_run(identity).storage_state == "AVAILABLE"
        service.run_service_terminate_run(identity)
        assert "PENDING" in refused(400, service.run_service_retry_run, identity)
        _end(server, identity, RuntimeState.CANCELED)
        service.run_service_retry_run(identity)
        assert service.run_service_get_run(identity).state == "PENDING"
        _end(server, identity, RuntimeState.FAILED)
        service.run_service_delete_run(identity)
        refused(404, service.run_service_get_run, identity)


def _end(server: KfpApi, run_id: str, state: RuntimeState) -> None:
    """What a controller would do."""
    run = server.database.read_now(runs.get_run, run_id)
    assert run is not None
    ended = replace(run, state=state, finished_at=datetime.now(UTC), revision=run.revision + 1)
    assert server.database.write_now(runs.apply, ended)


def test_recurring_runs(server: KfpApi, spec: dict[str, Any]) -> None:
    with all_calls_of(server, generated.RecurringRunServiceApi) as service:
        cron = generated.V2beta1CronSchedule(cron="0 0 3 * * *")
        made = service.recurring_run_service_create_recurring_run(
            generated.V2beta1RecurringRun(
                display_name="nightly",
                pipeline_spec=spec,
                runtime_config=generated.V2beta1RuntimeConfig(parameters={"name": "Ada"}),
                trigger=generated.V2beta1Trigger(cron_schedule=cron),
                max_concurrency="2",
                mode="DISABLE",
            )
        )
        identity = made.recurring_run_id
        get = service.recurring_run_service_get_recurring_run
        assert (get(identity).status, get(identity).max_concurrency) == ("DISABLED", "2")
        service.recurring_run_service_enable_recurring_run(identity)
        assert get(identity).status == "ENABLED"
        service.recurring_run_service_disable_recurring_run(identity)
        assert get(identity).status == "DISABLED"
        listed = service.recurring_run_service_list_recurring_runs().recurring_runs
        assert [each.recurring_run_id for each in listed] == [identity]
        service.recurring_run_service_delete_recurring_run(identity)
        refused(404, get, identity)


def test_what_is_for_others_is_refused_by_name(server: KfpApi) -> None:
    with all_calls_of(server, generated.ReportServiceApi) as reports:
        assert "Argo" in refused(501, reports.report_service_report_workflow, "{}")
        assert "Argo" in refused(501, reports.report_service_report_scheduled_workflow, "{}")
    with all_calls_of(server, generated.VisualizationServiceApi) as visualizations:
        wanted = generated.V2beta1Visualization(type="ROC_CURVE")
        create = visualizations.visualization_service_create_visualization_v1
        assert "visualization" in refused(501, create, "ns", wanted)
    with all_calls_of(server, generated.DummyFilterServiceApi) as filters:
        assert "filters" in refused(501, filters.dummy_filter_service_get_filter)


#: What clients of KFP 1.8 call: a method and a path of each service.
V1 = [
    ("GET", "healthz"),
    ("GET", "experiments"),
    ("POST", "experiments"),
    ("DELETE", "experiments/x"),
    ("GET", "pipelines"),
    ("POST", "pipelines"),
    ("POST", "pipelines/upload"),
    ("POST", "pipelines/upload_version"),
    ("GET", "pipelines/x/templates"),
    ("GET", "pipeline_versions"),
    ("POST", "pipeline_versions"),
    ("GET", "runs"),
    ("POST", "runs"),
    ("POST", "runs/x/terminate"),
    ("POST", "runs/x/retry"),
    ("POST", "runs/x:reportMetrics"),
    ("GET", "runs/x/nodes/y/artifacts/z:read"),
    ("GET", "jobs"),
    ("POST", "jobs"),
    ("POST", "jobs/x/enable"),
    ("DELETE", "jobs/x"),
    ("POST", "tasks"),
    ("GET", "auth"),
    ("POST", "visualizations/ns"),
    ("POST", "workflows"),
]


@pytest.mark.parametrize(("method", "path"), V1)
def test_the_api_of_kfp_1_says_what_to_do(server: KfpApi, method: str, path: str) -> None:
    answer = httpx.request(method, f"{server.url}/apis/v1beta1/{path}", trust_env=False)
    assert answer.status_code == 501
    assert answer.json()["code"] == 12
    assert "flowmaker exec --kfp1" in answer.json()["message"]
