"""Recurring runs and retries by the real client, on a whole server."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import kfp
import pytest
from kfp import compiler, dsl
from kfp_server_api import ApiException

from tests.house import House, house, start

WORKER = "eksctl-flowmaker-nodegroup-NodeInstanceRole"


@dsl.component(base_image="python:3.11")
def say(text: str) -> str:
    return text


@dsl.pipeline(name="greeting")
def greeting(day: str, index: str = "-") -> None:
    say(text=f"{day} {index}")


@dsl.component(base_image="python:3.11", packages_to_install=["boto3"])
def count(bucket: str, name: str) -> str:
    import boto3

    s3 = boto3.client("s3")
    before = s3.list_objects_v2(Bucket=bucket, Prefix=name).get("KeyCount", 0)
    s3.put_object(Bucket=bucket, Key=f"{name}/{before}", Body=b"")
    return str(before)


@dsl.component(base_image="python:3.11", packages_to_install=["boto3"])
def demand(bucket: str, key: str, after: str) -> None:
    import boto3

    del after
    boto3.client("s3").head_object(Bucket=bucket, Key=key)


@dsl.pipeline(name="repaired")
def repaired(bucket: str) -> None:
    first = count(bucket=bucket, name="count")
    demand(bucket=bucket, key="wanted", after=first.output)


@pytest.fixture
def client(server: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> kfp.Client:
    monkeypatch.setenv("HOME", str(tmp_path))
    return kfp.Client(host=server.url)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("package") / "greeting.yaml"
    compiler.Compiler().compile(greeting, str(path))
    return str(path)


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return found


def runs_of(client: kfp.Client, recurring_run_id: str) -> list[Any]:
    clause = {"operation": "EQUALS", "key": "recurring_run_id", "string_value": recurring_run_id}
    found = client.list_runs(
        filter=json.dumps({"predicates": [clause]}),
        sort_by="scheduled_at",
        page_size=50,
    )
    return found.runs or []


def past(minutes: float) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=minutes)


def test_what_was_due_is_caught_up_with(client: kfp.Client, package: str) -> None:
    """Three times have passed: three runs, each with its own time and number."""
    experiment = client.create_experiment("recurring")
    start = past(minutes=10)
    made = client.create_recurring_run(
        experiment.experiment_id,
        "nightly",
        start_time=start.isoformat(),
        end_time=(start + timedelta(minutes=3)).isoformat(),
        interval_second=60,
        max_concurrency=3,
        params={"day": "[[ScheduledTime.15:04:05]]", "index": "[[Index]]"},
        pipeline_package_path=package,
        enable_caching=False,
    )
    assert (made.status, made.mode, made.max_concurrency) == ("ENABLED", "ENABLE", "3")

    def all_succeeded() -> list[Any]:
        found = runs_of(client, made.recurring_run_id)
        ended = [run for run in found if run.state == "SUCCEEDED"]
        return found if len(ended) == 3 else []

    found = until(all_succeeded)
    times = [start + timedelta(minutes=n) for n in (1, 2, 3)]
    assert [run.display_name for run in found] == ["nightly-1", "nightly-2", "nightly-3"]
    assert [run.scheduled_at for run in found] == times
    said = [run.runtime_config.parameters for run in found]
    assert [one["day"] for one in said] == [f"{each:%H:%M:%S}" for each in times]
    assert [one["index"] for one in said] == ["1", "2", "3"]
    listed = client.list_recurring_runs(experiment_id=experiment.experiment_id)
    assert [one.recurring_run_id for one in listed.recurring_runs] == [made.recurring_run_id]
    client.delete_recurring_run(made.recurring_run_id)
    with pytest.raises(ApiException) as refused:
        client.get_recurring_run(made.recurring_run_id)
    assert refused.value.status == 404
    assert len(runs_of(client, made.recurring_run_id)) == 3


def test_one_run_follows_the_end_of_another_at_once(client: kfp.Client, package: str) -> None:
    """One at a time: nobody waits for the controller to look again, which is a minute."""
    experiment = client.create_experiment("one at a time")
    start = past(minutes=10)
    made = client.create_recurring_run(
        experiment.experiment_id,
        "queue",
        start_time=start.isoformat(),
        end_time=(start + timedelta(minutes=4)).isoformat(),
        interval_second=60,
        max_concurrency=1,
        params={"day": "[[Index]]", "index": "[[Index]]"},
        pipeline_package_path=package,
        enable_caching=False,
    )

    def all_succeeded() -> list[Any]:
        found = runs_of(client, made.recurring_run_id)
        return found if [run.state for run in found] == ["SUCCEEDED"] * 4 else []

    found = until(all_succeeded)
    for before, after in pairwise(found):
        assert timedelta(0) <= after.created_at - before.finished_at < timedelta(seconds=5)


def test_a_version_runs_when_it_is_enabled(client: kfp.Client, package: str) -> None:
    experiment = client.create_experiment("recurring")
    pipeline = client.upload_pipeline(package, pipeline_name="greeting of the night")
    (version,) = client.list_pipeline_versions(pipeline.pipeline_id).pipeline_versions
    made = client.create_recurring_run(
        experiment.experiment_id,
        "hourly",
        cron_expression="0 0 * * * *",
        start_time=past(minutes=60 * 24).isoformat(),
        no_catchup=True,
        enabled=False,
        params={"day": "d"},
        pipeline_id=pipeline.pipeline_id,
        version_id=version.pipeline_version_id,
    )
    assert (made.status, made.no_catchup) == ("DISABLED", True)
    assert made.trigger.cron_schedule.cron == "0 0 * * * *"
    client.enable_recurring_run(made.recurring_run_id)
    (run,) = until(lambda: runs_of(client, made.recurring_run_id))
    assert run.pipeline_version_reference.pipeline_version_id == version.pipeline_version_id
    assert run.scheduled_at <= datetime.now(UTC)
    assert run.scheduled_at > past(minutes=61)
    client.disable_recurring_run(made.recurring_run_id)
    assert client.get_recurring_run(made.recurring_run_id).status == "DISABLED"
    client.wait_for_run_completion(run.run_id, timeout=60, sleep_duration=1)
    client.delete_recurring_run(made.recurring_run_id)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"cron_expression": "at night"}, "is no cron"),
        ({"interval_second": 60, "max_concurrency": 11}, "from 1 to 10"),
        ({"interval_second": 60, "params": {"wrong": 1}}, "no parameter 'wrong'"),
        ({"interval_second": 60}, "'day'"),
    ],
)
def test_what_could_never_run_is_refused_at_once(
    client: kfp.Client, package: str, given: dict[str, Any], says: str
) -> None:
    experiment = client.create_experiment("recurring")
    with pytest.raises(ApiException) as refused:
        client.create_recurring_run(
            experiment.experiment_id, "never", pipeline_package_path=package, **given
        )
    assert refused.value.status == 400
    assert says in refused.value.body


def test_a_failed_run_goes_on_from_what_failed(server: House, client: kfp.Client) -> None:
    bucket = "retried"
    server.run("aws", "s3", "mb", f"s3://{bucket}")
    allow = {"Effect": "Allow", "Action": "s3:*", "Resource": [f"arn:aws:s3:::{bucket}*"]}
    role = ("--role-name", WORKER, "--policy-name", "retried")
    server.run("aws", "iam", "put-role-policy", *role, "--policy-document", policy(allow))
    run = client.create_run_from_pipeline_func(
        repaired, arguments={"bucket": bucket}, enable_caching=False
    )
    ended = client.wait_for_run_completion(run.run_id, timeout=60, sleep_duration=1)
    assert ended.state == "FAILED"
    server.run("aws", "s3api", "put-object", "--bucket", bucket, "--key", "wanted")
    service: Any = client.runs
    service.run_service_retry_run(run.run_id)
    ended = client.wait_for_run_completion(run.run_id, timeout=60, sleep_duration=1)
    assert ended.state == "SUCCEEDED", ended.error
    listed = server.run("aws", "s3", "ls", f"s3://{bucket}/count/").split()
    assert listed[-1] == "0", "what succeeded did not run again"
    with pytest.raises(ApiException) as refused:
        service.run_service_retry_run(run.run_id)
    assert refused.value.status == 400
    assert "Only a run that failed" in refused.value.body
    server.run("aws", "s3", "rb", f"s3://{bucket}", "--force")
    server.run("aws", "iam", "delete-role-policy", *role)


@pytest.fixture
def own(data: Path) -> Iterator[House]:
    with house(data) as running:
        yield running


def test_the_kfp_cli_and_a_restart(own: House, data: Path, package: str) -> None:
    """A recurring run is what it was after kill -9; `kfp recurring-run` knows it."""
    kfp_cli = ("kfp", "recurring-run")
    own.run(
        *(*kfp_cli, "create", "--experiment-name", "e", "--job-name", "daily"),
        *("--cron-expression", "0 0 0 * * *", "--pipeline-package-path", package, "day=x"),
    )
    assert "daily" in own.run(*kfp_cli, "list")
    os.kill(own.pid, signal.SIGKILL)
    assert "daily" in start(data).run(*kfp_cli, "list")
