"""Pipe mode as a script of one's own sees it, and a built-in algorithm, on a whole server."""

import gzip
import io
import json
import tarfile
from typing import Any

import pandas as pd
import pytest

from tests.house import House
from tests.training import ROLE
from tests.wire.test_sagemaker import Clients, until

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
    return ended(
        aws,
        name,
        AlgorithmSpecification={
            "TrainingImage": "python:3.11",
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python", "-c", RUN],
        },
        HyperParameters={"script": json.dumps(script)},
        InputDataConfig=channels,
    )


def ended(aws: Clients, name: str, **request: Any) -> Any:
    aws.sagemaker.create_training_job(
        **request,
        TrainingJobName=name,
        RoleArn=ROLE,
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


REGISTRIES = {"xgboost": "683313688378", "kmeans": "382416733822"}
HYPERPARAMETERS = {
    "xgboost": {"num_round": 3, "objective": "binary:logistic", "eval_metric": "error"},
    "kmeans": {"k": 2, "feature_dim": 2, "epochs": 2},
}


@pytest.mark.parametrize(
    ("algorithm", "tag", "content_type", "mode"),
    [
        ("xgboost", "sagemaker-xgboost:1.7-1", "application/x-parquet", "FastFile"),
        ("xgboost", "sagemaker-xgboost:1.7-1", "application/x-parquet", "Pipe"),
        ("kmeans", "kmeans:1", "text/csv;label_size=0", "Pipe"),
    ],
)
def test_built_in_algorithms_read_their_channels(
    aws: Clients, algorithm: str, tag: str, content_type: str, mode: str
) -> None:
    table = pd.DataFrame([(int(a > b), a, b) for a in range(9) for b in range(9)])
    table.columns = ["label", "a", "b"]
    if algorithm == "xgboost":
        body = table.to_parquet()
    else:
        body = table[["a", "b"]].to_csv(header=False, index=False).encode()
    for part in range(2):
        aws.s3.put_object(Bucket=BUCKET, Key=f"{algorithm}/{part}", Body=body)
    name = f"{algorithm}-{mode}"
    given = channel("train", "S3Prefix", f"{algorithm}/", ContentType=content_type)
    host = f"{REGISTRIES[algorithm]}.dkr.ecr.us-east-1.amazonaws.com"
    settings = {key: str(value) for key, value in HYPERPARAMETERS[algorithm].items()}
    job = ended(
        aws,
        name,
        AlgorithmSpecification={"TrainingImage": f"{host}/{tag}", "TrainingInputMode": mode},
        HyperParameters=settings,
        InputDataConfig=[{key: one for key, one in given.items() if key != "InputMode"}],
    )
    assert job["TrainingJobStatus"] == "Completed", job["FailureReason"]
    metrics = {one["MetricName"]: one["Value"] for one in job["FinalMetricDataList"]}
    assert metrics["train:error" if algorithm == "xgboost" else "train:msd"] < 10
