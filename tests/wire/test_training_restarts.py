"""Checkpoints, spot interruptions and retries of training jobs, on a whole server."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from flowmaker.executors import claims
from tests.house import FLOWMAKER, House
from tests.training import IMAGE, ROLE
from tests.wire.test_pipe_mode import RUN
from tests.wire.test_sagemaker import Clients, until

BUCKET = "training-restarts"
#: Counts in its checkpoints, for as long as it does not find that it was counted before.
SCRIPT = """
import pathlib, time
kept = pathlib.Path("/opt/ml/checkpoints/count")
if kept.exists():
    pathlib.Path("/opt/ml/model/went-on-from").write_text(kept.read_text())
    raise SystemExit
kept.parent.mkdir(exist_ok=True)
kept.write_text("1")
print("waits", flush=True)
time.sleep(500)
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def aws(server: House) -> Clients:
    clients = Clients(server.environment)
    clients.s3.create_bucket(Bucket=BUCKET)
    rows = [f"{int(a + b > 30)},{a},{b}" for a in range(30) for b in range(30)]
    clients.s3.put_object(Bucket=BUCKET, Key="train/data.csv", Body="\n".join(rows))
    return clients


def begin(aws: Clients, name: str, instances: int = 1, **request: Any) -> None:
    given: dict[str, Any] = {
        "AlgorithmSpecification": {
            "TrainingImage": "python:3.11",
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python", "-c", RUN],
        },
        "HyperParameters": {"script": json.dumps(SCRIPT)},
        "CheckpointConfig": {"S3Uri": f"s3://{BUCKET}/{name}"},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    }
    aws.sagemaker.create_training_job(
        TrainingJobName=name,
        RoleArn=ROLE,
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/out", "CompressionType": "NONE"},
        ResourceConfig={
            "InstanceType": "ml.t3.medium",
            "InstanceCount": instances,
            "VolumeSizeInGB": 1,
        },
        **(given | request),
    )


def described(aws: Clients, name: str) -> Any:
    return aws.sagemaker.describe_training_job(TrainingJobName=name)


def ended(aws: Clients, name: str) -> Any:
    final = {"Completed", "Failed", "Stopped"}
    return until(lambda: described(aws, name), lambda job: job["TrainingJobStatus"] in final)


def has(aws: Clients, prefix: str) -> list[str]:
    found = aws.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    return [one["Key"] for one in found]


@pytest.mark.parametrize("place", ["/kept", "/tmp/deep/kept", "/usr/local/kept"])
def test_checkpoints_are_where_the_job_wants_them(aws: Clients, place: str) -> None:
    name = place.strip("/").replace("/", "-")
    aws.s3.put_object(Bucket=BUCKET, Key=f"{name}/count", Body="1")
    script = f"""
import pathlib
(kept,) = pathlib.Path("{place}").iterdir()
(kept.parent / "more").mkdir()
(kept.parent / "more" / "next").write_text(kept.read_text() + "2")
"""
    begin(
        aws,
        name,
        HyperParameters={"script": json.dumps(script)},
        CheckpointConfig={"S3Uri": f"s3://{BUCKET}/{name}", "LocalPath": place},
    )
    job = ended(aws, name)
    assert job["TrainingJobStatus"] == "Completed", job
    assert aws.s3.get_object(Bucket=BUCKET, Key=f"{name}/more/next")["Body"].read() == b"12"
    assert not Path(place).exists(), "it is there for the job alone"


def test_checkpoints_do_not_hide_what_programs_need(aws: Clients) -> None:
    begin(aws, "hides", CheckpointConfig={"S3Uri": f"s3://{BUCKET}/hides", "LocalPath": "/usr"})
    job = ended(aws, "hides")
    assert job["TrainingJobStatus"] == "Failed"
    assert "ClientError: CheckpointConfig.LocalPath /usr is a folder of" in job["FailureReason"]


def statuses(job: Any) -> list[str]:
    return [one["Status"] for one in job["SecondaryStatusTransitions"]]


def test_a_spot_job_that_is_interrupted_goes_on_from_its_checkpoint(
    server: House, aws: Clients
) -> None:
    begin(
        aws,
        "spot",
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 900},
    )
    until(lambda: has(aws, "spot/count"), bool)

    said = server.run(*FLOWMAKER, "interrupt", "spot", "--data", str(server.data))

    assert "1 instances of spot have SIGTERM" in said
    job = ended(aws, "spot")
    assert job["TrainingJobStatus"] == "Completed", job
    assert "Interrupted" in statuses(job)
    assert statuses(job).count("Training") == 2
    assert job["BillableTimeInSeconds"] <= job["TrainingTimeInSeconds"]
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://{BUCKET}/out/spot/output/model/"
    assert has(aws, "out/spot/") == ["out/spot/output/model/went-on-from"]


@pytest.mark.parametrize("retries", [0, 1])
def test_a_lost_instance(server: House, aws: Clients, retries: int) -> None:
    """Its process is killed together with its supervisor, as a machine that is gone."""
    name = f"lost-{retries}"
    strategy = {"RetryStrategy": {"MaximumRetryAttempts": retries}} if retries else {}
    begin(aws, name, instances=2, **strategy)
    until(lambda: has(aws, f"{name}/count"), bool)

    kill(server, name, "algo-2")

    job = ended(aws, name)
    if retries:
        assert job["TrainingJobStatus"] == "Completed", job
        assert "Restarting" in statuses(job)
    else:
        assert job["TrainingJobStatus"] == "Failed", job
        assert "algo-2 was killed together with its supervisor" in job["FailureReason"]


def kill(server: House, name: str, host: str) -> None:
    """kill -9 of the supervisor of an instance, and of its process."""
    for folder in (server.data / "jobs").glob(f"training-*-{host}/"):
        if claims.variable(folder, "TRAINING_JOB_NAME") == name:
            supervisor = claims.supervisor_pid(folder)
            assert supervisor is not None
            os.kill(supervisor, signal.SIGKILL)
            os.killpg(json.loads((folder / "pid.json").read_text())["pid"], signal.SIGKILL)
            return
    raise AssertionError(name)


def test_xgboost_goes_on_from_the_rounds_of_a_job_that_was_stopped(aws: Clients) -> None:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/train"}
    request: dict[str, Any] = {
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "CheckpointConfig": {"S3Uri": f"s3://{BUCKET}/rounds"},
        "InputDataConfig": [
            {
                "ChannelName": "train",
                "ContentType": "text/csv",
                "DataSource": {"S3DataSource": source},
            }
        ],
    }
    settings = {"objective": "binary:logistic"}
    begin(aws, "halfway", **request, HyperParameters=settings | {"num_round": "1000000"})
    (first, *_) = until(lambda: has(aws, "rounds/xgboost-checkpoint"), bool)
    aws.sagemaker.stop_training_job(TrainingJobName="halfway")
    assert ended(aws, "halfway")["TrainingJobStatus"] == "Stopped"
    kept = [int(one.rpartition(".")[2]) for one in has(aws, "rounds/")]
    assert max(kept) >= int(first.rpartition(".")[2])

    rounds = str(max(kept) + 3)
    begin(aws, "whole", **request, HyperParameters=settings | {"num_round": rounds})

    job = ended(aws, "whole")
    assert job["TrainingJobStatus"] == "Completed", job
    group = "/aws/sagemaker/TrainingJobs"
    pages = aws.logs.get_paginator("filter_log_events").paginate(
        logGroupName=group, logStreamNamePrefix="whole/"
    )
    log = "\n".join(one["message"] for page in pages for one in page["events"])
    assert f"Resuming from iteration {max(kept) + 1}" in log
