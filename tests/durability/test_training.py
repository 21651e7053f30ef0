"""The server is killed while a job reads pipes and writes checkpoints; the next goes on with it."""

import json
from pathlib import Path

import pytest

from tests.durability.test_jobs import kill
from tests.house import start, stop
from tests.training import ROLE
from tests.wire.test_pipe_mode import RUN
from tests.wire.test_sagemaker import Clients, until

BUCKET = "killed-training"
#: Reads an epoch before the server is killed, and one after.
SCRIPT = """
import pathlib, time
data, kept = "/opt/ml/input/data/", pathlib.Path("/opt/ml/checkpoints")
assert open(data + "train_0").read() == "a"
(kept / "first").write_text("1")
go = pathlib.Path("/opt/ml/go")
while not go.exists():
    time.sleep(0.05)
assert open(data + "train_1").read() == "a"
(kept / "second").write_text("2")
"""

pytestmark = pytest.mark.slow


def test_pipes_and_checkpoints_survive_the_server(data: Path) -> None:
    house = start(data)
    try:
        aws = Clients(house.environment)
        aws.s3.create_bucket(Bucket=BUCKET)
        aws.s3.put_object(Bucket=BUCKET, Key="train/a", Body="a")
        _begin(aws)
        until(lambda: _content(aws, "kept/first"), lambda found: found == "1")
        kill(house)
        (go,) = (data / "jobs").glob("training-*-ml/algo-1")
        (go / "go").touch()

        aws = Clients(start(data).environment)

        job = until(
            lambda: aws.sagemaker.describe_training_job(TrainingJobName="piped"),
            lambda one: one["TrainingJobStatus"] != "InProgress",
        )
        assert job["TrainingJobStatus"] == "Completed", job
        assert [one["Status"] for one in job["SecondaryStatusTransitions"]].count("Training") == 1
        assert _content(aws, "kept/second") == "2"
        running = [one for one in (data / "jobs").glob("*-feeder/") if not _ended(one)]
        assert running == [], "who feeds it ends with it"
    finally:
        stop(data)


def _begin(aws: Clients) -> None:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/train/"}
    aws.sagemaker.create_training_job(
        TrainingJobName="piped",
        AlgorithmSpecification={
            "TrainingImage": "python:3.11",
            "TrainingInputMode": "Pipe",
            "ContainerEntrypoint": ["python", "-c", RUN],
        },
        HyperParameters={"script": json.dumps(SCRIPT)},
        RoleArn=ROLE,
        InputDataConfig=[{"ChannelName": "train", "DataSource": {"S3DataSource": source}}],
        CheckpointConfig={"S3Uri": f"s3://{BUCKET}/kept"},
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/out"},
        ResourceConfig={"InstanceType": "ml.t3.medium", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )


def _content(aws: Clients, key: str) -> str:
    """The object's; empty if there is none."""
    found = aws.s3.list_objects_v2(Bucket=BUCKET, Prefix=key)
    if not found["KeyCount"]:
        return ""
    return aws.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()


def _ended(folder: Path) -> bool:
    return (folder / "outcome.json").exists()
