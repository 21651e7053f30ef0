"""Pipe mode as a script of one's own sees it, on a whole server."""

import gzip
import io
import json
import tarfile
from typing import Any

import pytest

from tests.house import House
from tests.wire.test_sagemaker import ROLE, Clients, until

BUCKET = "pipe-mode"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

#: The program that runs the script: an entrypoint has no room for more.
GIVEN = "/opt/ml/input/config/hyperparameters.json"
RUN = f"import json; exec(json.loads(json.load(open('{GIVEN}'))['script']))"
SCRIPT = """
import json, struct

data = "/opt/ml/input/data/"
with open("/opt/ml/input/config/inputdataconfig.json") as file:
    modes = {name: one["TrainingInputMode"] for name, one in json.load(file).items()}
rows = [open(f"{data}train_{epoch}").read() for epoch in range(3)]
stream, records = open(data + "images_0", "rb").read(), []
while stream:
    magic, length = struct.unpack("<II", stream[:8])
    assert magic == 0xCED7230A
    records.append(stream[8 : 8 + length].decode())
    stream = stream[8 + length + -length % 4 :]
with open("/opt/ml/output/data/seen.json", "w") as file:
    json.dump([modes, rows, records], file)
"""


@pytest.fixture(scope="module")
def aws(server: House) -> Clients:
    clients = Clients(server.environment)
    clients.s3.create_bucket(Bucket=BUCKET)
    for name in ("a", "b"):
        body = gzip.compress(f"{name}\n".encode())
        clients.s3.put_object(Bucket=BUCKET, Key=f"piped/{name}.gz", Body=body)
        clients.s3.put_object(Bucket=BUCKET, Key=f"images/{name}", Body=f"image {name}")
    lines = [
        json.dumps({"source-ref": f"s3://{BUCKET}/images/{name}", "class": number})
        for number, name in enumerate(("b", "a"))
    ]
    clients.s3.put_object(Bucket=BUCKET, Key="augmented.json", Body="\n".join(lines))
    return clients


def channel(name: str, kind: str, key: str, source: Any = None, **more: Any) -> dict[str, Any]:
    where = {"S3DataType": kind, "S3Uri": f"s3://{BUCKET}/{key}", **(source or {})}
    return {
        "ChannelName": name,
        "InputMode": "Pipe",
        "DataSource": {"S3DataSource": where},
        **more,
    }


def trained(aws: Clients, name: str, script: str, channels: list[Any]) -> Any:
    """The job of a Python script, when it has ended."""
    aws.sagemaker.create_training_job(
        TrainingJobName=name,
        AlgorithmSpecification={
            "TrainingImage": "python:3.11",
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python", "-c", RUN],
        },
        HyperParameters={"script": json.dumps(script)},
        RoleArn=ROLE,
        InputDataConfig=channels,
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/out"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )
    return until(
        lambda: aws.sagemaker.describe_training_job(TrainingJobName=name),
        lambda job: job["TrainingJobStatus"] in {"Completed", "Failed"},
    )


def test_a_script_reads_epochs_from_fifos(aws: Clients) -> None:
    names = {"AttributeNames": ["source-ref", "class"]}
    images = channel("images", "AugmentedManifestFile", "augmented.json", names)
    job = trained(
        aws,
        "piped",
        SCRIPT,
        [
            channel("train", "S3Prefix", "piped/", CompressionType="Gzip"),
            images | {"RecordWrapperType": "RecordIO"},
        ],
    )
    assert job["TrainingJobStatus"] == "Completed", job["FailureReason"]
    found = aws.s3.get_object(Bucket=BUCKET, Key="out/piped/output/output.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(found)) as tar:
        seen = tar.extractfile("seen.json")
        assert seen is not None
        modes, rows, records = json.load(seen)
    assert modes == {"train": "Pipe", "images": "Pipe"}
    assert rows == ["a\nb\n"] * 3
    assert records == ["image b", "0", "image a", "1"]


def test_data_that_cannot_be_unpacked_fails_the_job(aws: Clients) -> None:
    script = "open('/opt/ml/input/data/train_0').read(); import time; time.sleep(60)"
    channels = [channel("train", "S3Prefix", "images/", CompressionType="Gzip")]
    job = trained(aws, "piped-wrongly", script, channels)
    assert job["TrainingJobStatus"] == "Failed", job
    assert "Data feed failed: The channel train cannot be fed" in job["FailureReason"]
