"""The server is killed while one holds all room and others wait: the next server keeps to it."""

from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import kfp
import pytest
from kfp import compiler, dsl

from tests.durability.test_jobs import kill
from tests.house import House, start, stop
from tests.wire.test_room import SMALL, asked, times, until_there
from tests.wire.test_sagemaker import BUCKET, Clients, until

pytestmark = pytest.mark.slow


def _client(house: House) -> kfp.Client:
    return kfp.Client(host=house.url)


def _state(house: House, run_id: str) -> str:
    details = _client(house).get_run(run_id).run_details
    tasks = details.task_details if details else []
    return next((each.state for each in tasks if each.display_name == "until-there"), "")


def test_who_ran_and_who_waited_before_a_kill_do_so_after_it(data: Path) -> None:
    house = start(data, *SMALL)
    try:
        go, package = data / "go", data / "pipeline.yaml"
        compiler.Compiler().compile(_pipeline(), str(package))
        options: Any = {"arguments": {"file": str(go)}, "enable_caching": False}
        tasks: list[str] = []
        # One after the other: while an environment is made, either might come first.
        for state in ("RUNNING", "PENDING"):
            made = _client(house).create_run_from_pipeline_package(str(package), **options)
            tasks.append(made.run_id)
            until(lambda run=made.run_id: _state(house, run), lambda one, state=state: one == state)
        aws = Clients(house.environment)
        aws.s3.create_bucket(Bucket=BUCKET)
        aws.s3.put_object(Bucket=BUCKET, Key="train/data.csv", Body=_rows())
        for name, instance, rounds in (
            ("runs", "ml.m5.large", 1_000_000),
            ("big", "ml.m5.xlarge", 2),
            ("small", "ml.t3.medium", 2),
        ):
            aws.sagemaker.create_training_job(**asked(name, instance, rounds=rounds))
        _jobs(aws, runs="Training", big="Pending", small="Pending")
        kill(house)

        house = start(data, *SMALL)

        aws = Clients(house.environment)
        _jobs(aws, runs="Training", big="Pending", small="Pending")
        assert _state(house, tasks[0]) == "RUNNING"
        assert _state(house, tasks[1]) == "PENDING"
        go.touch()
        aws.sagemaker.stop_training_job(TrainingJobName="runs")
        spans = [_span(house, aws, name) for name in ("runs", "big", "small")]
        assert spans == sorted(spans), "each in its turn"
        assert all(one[1] <= other[0] for one, other in pairwise(spans))
        for run_id in tasks:
            ended = _client(house).wait_for_run_completion(run_id, 60, sleep_duration=0.05)
            assert ended.state == "SUCCEEDED"
    finally:
        stop(data)


def _rows() -> str:
    return "\n".join(f"{int(a + b > 60)},{a},{b}" for a in range(60) for b in range(60))


def _pipeline() -> Any:
    @dsl.pipeline(name="holds")
    def pipeline(file: str):
        until_there(file=file).set_cpu_request("2")

    return pipeline


def _jobs(aws: Clients, **statuses: str) -> None:
    for name, status in statuses.items():
        until(
            lambda name=name: aws.sagemaker.describe_training_job(TrainingJobName=name),
            lambda job, status=status: job["SecondaryStatus"] == status,
        )


def _span(house: House, aws: Clients, name: str) -> tuple[datetime, datetime]:
    until(
        lambda: aws.sagemaker.describe_training_job(TrainingJobName=name),
        lambda job: job["TrainingJobStatus"] in ("Completed", "Stopped"),
    )
    return times(house.data, aws, name)
