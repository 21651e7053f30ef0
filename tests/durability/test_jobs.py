"""The server is killed while jobs run and an endpoint serves; the next one goes on with them."""

import os
import signal
from pathlib import Path

import pytest

from flowmaker.executors import claims
from tests.house import House, start, stop
from tests.training import cluster, training
from tests.wire.test_sagemaker import BUCKET, Clients, until

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("instances", [1, 2])
def test_a_training_job_survives_the_server(data: Path, instances: int) -> None:
    house = start(data)
    try:
        aws = Clients(house.environment)
        aws.s3.create_bucket(Bucket=BUCKET)
        rows = [f"{int(a + b > 60)},{a},{b}" for a in range(60) for b in range(60)]
        aws.s3.put_object(Bucket=BUCKET, Key="train/data.csv", Body="\n".join(rows))
        _train(aws, rounds=1500 if instances == 1 else 100, instances=instances)
        describe = {"TrainingJobName": "kept"}
        until(
            lambda: aws.sagemaker.describe_training_job(**describe)["SecondaryStatus"],
            lambda status: status == "Training",
        )
        until(lambda: len(_processes(data)), lambda started: started == instances)
        kill(house)

        again = start(data)

        aws = Clients(again.environment)
        job = until(
            lambda: aws.sagemaker.describe_training_job(**describe),
            lambda one: one["TrainingJobStatus"] != "InProgress",
        )
        assert job["TrainingJobStatus"] == "Completed", job
        assert [one["Status"] for one in job["SecondaryStatusTransitions"]].count("Training") == 1
        assert len(_processes(data)) == instances
        assert not _running(data)
        key = "out/kept/output/model.tar.gz"
        assert aws.s3.head_object(Bucket=BUCKET, Key=key)["ContentLength"] > 0
    finally:
        stop(data)


def _train(aws: Clients, rounds: int, instances: int) -> None:
    resources = cluster("ml.m5.large", instances)
    request = training(BUCKET, rounds=rounds, ResourceConfig=resources)
    aws.sagemaker.create_training_job(TrainingJobName="kept", **request)


def _processes(data: Path) -> list[Path]:
    """The processes of training jobs that were ever started."""
    return list((data / "jobs").glob("training-*-algo-*/pid.json"))


def _running(data: Path) -> list[Path]:
    return [job for job in data.glob("jobs/*/") if claims.supervisor_pid(job)]


def kill(house: House) -> None:
    """kill -9, and wait until it is gone."""
    pid = house.pid
    os.kill(pid, signal.SIGKILL)
    until(lambda: is_gone(pid), bool, seconds=10)


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return status == "Z"
