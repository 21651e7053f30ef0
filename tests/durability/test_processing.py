"""The server is killed while a processing job runs; the next one goes on with it."""

from pathlib import Path

import pytest

from tests.durability.test_jobs import kill
from tests.house import start, stop
from tests.training import ROLE
from tests.wire.test_sagemaker import BUCKET, Clients, until

pytestmark = pytest.mark.slow

#: Begins, and ends when the test says so. What runs twice says "once" twice.
PROGRAM = """
import json, pathlib, time
host = json.load(open("/opt/ml/config/resourceconfig.json"))["current_host"]
out = pathlib.Path("/opt/ml/processing/o")
with open(out / f"{host}-began", "a") as file:
    file.write("once")
while not (out / f"{host}-go").exists():
    time.sleep(0.02)
(out / host).write_text("whole")
"""


def test_a_processing_job_survives_the_server(data: Path) -> None:
    house = start(data)
    try:
        aws = Clients(house.environment)
        aws.s3.create_bucket(Bucket=BUCKET)
        _process(aws)
        roots = until(lambda: _began(data), lambda found: len(found) == 2)
        kill(house)

        again = start(data)

        for root in roots:
            (root / "processing" / "o" / f"{root.name}-go").touch()
        aws = Clients(again.environment)
        job = until(
            lambda: aws.sagemaker.describe_processing_job(ProcessingJobName="kept"),
            lambda one: one["ProcessingJobStatus"] != "InProgress",
        )
        assert job["ProcessingJobStatus"] == "Completed", job
        for host in ("algo-1", "algo-2"):
            assert _content(aws, host) == b"whole"
            assert _content(aws, f"{host}-began") == b"once"
        assert len(list((data / "jobs").glob("processing-*/pid.json"))) == 2
    finally:
        stop(data)


def _process(aws: Clients) -> None:
    config = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1}
    aws.s3.put_object(Bucket=BUCKET, Key="code/program.py", Body=PROGRAM)
    source = {
        "S3Uri": f"s3://{BUCKET}/code",
        "LocalPath": "/opt/ml/processing/code",
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
    }
    target = {
        "S3Uri": f"s3://{BUCKET}/processed",
        "LocalPath": "/opt/ml/processing/o",
        "S3UploadMode": "EndOfJob",
    }
    aws.sagemaker.create_processing_job(
        ProcessingJobName="kept",
        ProcessingResources={"ClusterConfig": config},
        AppSpecification={
            "ImageUri": "python:3",
            "ContainerEntrypoint": ["python3", "/opt/ml/processing/code/program.py"],
        },
        RoleArn=ROLE,
        ProcessingInputs=[{"InputName": "code", "S3Input": source}],
        ProcessingOutputConfig={"Outputs": [{"OutputName": "o", "S3Output": target}]},
    )


def _began(data: Path) -> list[Path]:
    """The `/opt/ml` of each instance that has begun."""
    found = (data / "jobs").glob("processing-*-ml/algo-*/processing/o/*-began")
    return [one.parents[2] for one in found if one.read_text()]


def _content(aws: Clients, name: str) -> bytes:
    return aws.s3.get_object(Bucket=BUCKET, Key=f"processed/{name}")["Body"].read()
