"""What a training job costs beside its training, and DescribeTrainingJob beside moto's server.

    python -m bench.training

moto trains nothing and checks no signatures: only what it takes to be told of a job is compared,
by the same client, whose requests are bytes that were signed before the clock starts.
"""

import json
import statistics
import time
from datetime import UTC, datetime
from typing import Any

import boto3

from bench.s3 import moto
from bench.server import Measured, server
from bench.wire import Connection, Signer

ROLE = "arn:aws:iam::000000000000:role/FlowmakerAdmin"
KMEANS = "382416733822.dkr.ecr.us-east-1.amazonaws.com/kmeans:1"
BUCKET = "bench-training"
JOBS, DESCRIBED, ROUNDS = 10, 500, 3
#: Seconds between looks at a job.
TICK = 0.01


def _clients(signer: Signer) -> tuple[Any, Any]:
    session = boto3.Session(
        aws_access_key_id=signer.credentials.access_key,
        aws_secret_access_key=signer.credentials.secret_key,
        aws_session_token=signer.credentials.token,
        region_name="us-east-1",
    )
    url = signer.url
    return session.client("s3", endpoint_url=url), session.client("sagemaker", endpoint_url=url)


def _create(sagemaker: Any, name: str) -> None:  # noqa: ANN401 - boto3
    source = {
        "S3DataType": "S3Prefix",
        "S3Uri": f"s3://{BUCKET}/train",
        "S3DataDistributionType": "FullyReplicated",
    }
    sagemaker.create_training_job(
        TrainingJobName=name,
        AlgorithmSpecification={"TrainingImage": KMEANS, "TrainingInputMode": "File"},
        RoleArn=ROLE,
        InputDataConfig=[
            {
                "ChannelName": "train",
                "ContentType": "text/csv;label_size=0",
                "DataSource": {"S3DataSource": source},
            }
        ],
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/out"},
        ResourceConfig={"InstanceType": "ml.t3.medium", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
        HyperParameters={"k": "3", "feature_dim": "2", "mini_batch_size": "50"},
    )


def _overhead(sagemaker: Any, name: str) -> float:  # noqa: ANN401 - boto3
    """Seconds from create to Completed, less the training itself."""
    begun = datetime.now(UTC)
    _create(sagemaker, name)
    while (job := sagemaker.describe_training_job(TrainingJobName=name))[
        "TrainingJobStatus"
    ] == "InProgress":
        time.sleep(TICK)
    whole = datetime.now(UTC) - begun
    assert job["TrainingJobStatus"] == "Completed", job
    trained = job["TrainingEndTime"] - job["TrainingStartTime"]
    return (whole - trained).total_seconds()


def _described(signer: Signer) -> float:
    """DescribeTrainingJob of one job on one connection, per second."""
    message = signer.message(
        "POST",
        "/",
        "sagemaker",
        json.dumps({"TrainingJobName": "bench-0"}).encode(),
        content_type="application/x-amz-json-1.1",
        x_amz_target="SageMaker.DescribeTrainingJob",
    )
    connection = Connection(signer.url)
    begin = time.perf_counter()
    connection.ask_all([message] * DESCRIBED)
    seconds = time.perf_counter() - begin
    connection.close()
    return DESCRIBED / seconds


def report(measured: Measured) -> None:
    """Prints both."""
    ours = Signer.of(measured.url, measured.environment)
    s3, sagemaker = _clients(ours)
    s3.create_bucket(Bucket=BUCKET)
    rows = "\n".join(f"{a % 7},{a % 11}" for a in range(100))
    s3.put_object(Bucket=BUCKET, Key="train/data.csv", Body=rows)
    _overhead(sagemaker, "warm")  # makes the environment
    took = [_overhead(sagemaker, f"bench-{number}") for number in range(JOBS)]
    print(
        f"training job to Completed, less training {statistics.median(took):8.2f} s   "
        f"(slowest of {JOBS}: {max(took):.2f} s)"
    )
    with moto() as theirs:
        s3, sagemaker = _clients(theirs)
        s3.create_bucket(Bucket=BUCKET)
        _create(sagemaker, "bench-0")
        rates = [(_described(ours), _described(theirs)) for _ in range(ROUNDS)]
    mine, peer = (statistics.median(each) for each in zip(*rates, strict=True))
    print(f"{'DescribeTrainingJob':40}{mine:8.0f} /s   moto {peer:6.0f}, {mine / peer:5.1f} x")


if __name__ == "__main__":
    with server() as running:
        report(running)
