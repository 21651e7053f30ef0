"""SageMaker as boto3 sees it: real XGBoost, from training to predictions, on a whole server."""

import io
import tarfile
import time
from collections.abc import Callable, Mapping
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.house import House
from tests.training import IMAGE, ROLE, training

BUCKET = "sagemaker-wire"

pytestmark = pytest.mark.slow


class Clients:
    """boto3's clients of one server."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        session = boto3.Session(
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=environment.get("AWS_SESSION_TOKEN"),
            region_name="us-east-1",
        )

        def client(name: str) -> Any:
            return session.client(name, endpoint_url=environment["AWS_ENDPOINT_URL"])

        self.s3 = client("s3")
        self.sagemaker = client("sagemaker")
        self.runtime = client("sagemaker-runtime")
        self.logs = client("logs")


def until(describe: Callable[[], Any], done: Callable[[Any], bool], seconds: float = 100) -> Any:
    """What `describe` answers once that is as wanted."""
    end = time.monotonic() + seconds
    while not done(answer := describe()):
        assert time.monotonic() < end, answer
        time.sleep(0.05)
    return answer


@pytest.fixture(scope="module")
def aws(server: House) -> Clients:
    clients = Clients(server.environment)
    clients.s3.create_bucket(Bucket=BUCKET)
    rows = [f"{int(a + b > 9)},{a},{b}" for a in range(10) for b in range(10)]
    clients.s3.put_object(Bucket=BUCKET, Key="train/data.csv", Body="\n".join(rows))
    records = "\n".join(row.partition(",")[2] for row in rows)
    clients.s3.put_object(Bucket=BUCKET, Key="batch/records.csv", Body=records)
    clients.s3.put_object(Bucket=BUCKET, Key="bad/records.csv", Body="1,2\nnot,numbers\n")
    return clients


@pytest.fixture(scope="module")
def job(aws: Clients) -> Any:
    """A finished training job."""
    settings = {
        "num_round": "20",
        "objective": "binary:logistic",
        "eval_metric": "error",
        "min_child_weight": "0",
    }
    request = training(BUCKET, HyperParameters=settings)
    aws.sagemaker.create_training_job(TrainingJobName="Wire", **request)
    waiter = aws.sagemaker.get_waiter("training_job_completed_or_stopped")
    waiter.wait(TrainingJobName="Wire", WaiterConfig={"Delay": 1, "MaxAttempts": 100})
    return aws.sagemaker.describe_training_job(TrainingJobName="Wire")


@pytest.fixture(scope="module")
def model(aws: Clients, job: Any) -> str:
    aws.sagemaker.create_model(
        ModelName="wire",
        ExecutionRoleArn=ROLE,
        PrimaryContainer={
            "Image": IMAGE,
            "ModelDataUrl": job["ModelArtifacts"]["S3ModelArtifacts"],
        },
    )
    return "wire"


def test_training(aws: Clients, job: Any) -> None:
    assert job["TrainingJobStatus"] == "Completed", job
    (metric,) = job["FinalMetricDataList"]
    assert metric["MetricName"] == "train:error"
    assert metric["Value"] < 0.2
    group = "/aws/sagemaker/TrainingJobs"
    (stream,) = aws.logs.describe_log_streams(
        logGroupName=group, logStreamNamePrefix="Wire/", orderBy="LogStreamName"
    )["logStreams"]
    pages = aws.logs.get_paginator("filter_log_events").paginate(
        logGroupName=group,
        logStreamNames=[stream["logStreamName"]],
        filterPattern='"[19]"',
    )
    (line,) = [event["message"] for page in pages for event in page["events"]]
    assert line.startswith("[19]#011train-error:")


def test_an_endpoint_from_creation_to_deletion(aws: Clients, model: str) -> None:
    aws.sagemaker.create_endpoint_config(
        EndpointConfigName="wire",
        ProductionVariants=[
            {
                "VariantName": "AllTraffic",
                "ModelName": model,
                "InitialInstanceCount": 1,
                "InstanceType": "ml.m5.large",
                "InitialVariantWeight": 1,
            }
        ],
    )
    aws.sagemaker.create_endpoint(EndpointName="wire", EndpointConfigName="wire")
    waiter = aws.sagemaker.get_waiter("endpoint_in_service")
    waiter.wait(EndpointName="wire", WaiterConfig={"Delay": 1, "MaxAttempts": 60})

    answer = aws.runtime.invoke_endpoint(
        EndpointName="wire", ContentType="text/csv", Body="9,9\n0,0\n"
    )
    high, low = map(float, answer["Body"].read().split())
    assert high > 0.5 > low
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    with pytest.raises(ClientError) as refused:
        aws.runtime.invoke_endpoint(EndpointName="wire", ContentType="text/csv", Body="x,y")
    response: Any = refused.value.response
    assert response["Error"]["Code"] == "ModelError"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert 400 <= response["OriginalStatusCode"] < 500

    aws.sagemaker.delete_endpoint(EndpointName="wire")
    gone = aws.sagemaker.get_waiter("endpoint_deleted")
    gone.wait(EndpointName="wire", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    with pytest.raises(ClientError, match="Endpoint wire of account 000000000000 not found"):
        aws.runtime.invoke_endpoint(EndpointName="wire", ContentType="text/csv", Body="1,2")


def transform(aws: Clients, model: str, name: str, prefix: str, **more: Any) -> Any:
    aws.sagemaker.create_transform_job(
        TransformJobName=name,
        ModelName=model,
        TransformInput={
            "DataSource": {
                "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{prefix}"}
            },
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        TransformOutput={"S3OutputPath": f"s3://{BUCKET}/{name}", "AssembleWith": "Line"},
        TransformResources={"InstanceCount": 1, "InstanceType": "ml.m5.large"},
        **more,
    )
    return until(
        lambda: aws.sagemaker.describe_transform_job(TransformJobName=name),
        lambda one: one["TransformJobStatus"] != "InProgress",
    )


def test_batch_transform(aws: Clients, model: str) -> None:
    done = transform(aws, model, "wire-batch", "batch/")
    assert done["TransformJobStatus"] == "Completed", done
    out = aws.s3.get_object(Bucket=BUCKET, Key="wire-batch/records.csv.out")
    scores = [float(line) for line in out["Body"].read().split()]
    assert len(scores) == 100
    assert scores[99] > 0.5 > scores[0]


def test_predictions_are_joined_with_their_records(aws: Clients, model: str) -> None:
    """The first column is an id: the model does not get it, and the output has it."""
    rows = "".join(f"row-{n},{a},{a}\n" for n, a in enumerate(range(10)))
    aws.s3.put_object(Bucket=BUCKET, Key="joined/rows.csv", Body=rows)
    processing = {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}
    done = transform(aws, model, "wire-join", "joined/", DataProcessing=processing)
    assert done["TransformJobStatus"] == "Completed", done
    out = aws.s3.get_object(Bucket=BUCKET, Key="wire-join/rows.csv.out")["Body"].read().decode()
    lines = [line.split(",") for line in out.splitlines()]
    assert [name for name, _ in lines] == [f"row-{n}" for n in range(10)]
    assert float(lines[9][1]) > 0.5 > float(lines[0][1])


def test_a_bad_record_fails_the_batch(aws: Clients, model: str) -> None:
    done = transform(aws, model, "wire-bad", "bad/")
    assert done["TransformJobStatus"] == "Failed"
    assert "bad/records.csv" in done["FailureReason"]
    assert "could not convert" in done["FailureReason"]


@pytest.mark.parametrize(
    ("operation", "name", "message"),
    [
        ("describe_training_job", "TrainingJobName", r"Requested resource not found\."),
        ("describe_transform_job", "TransformJobName", r"Requested resource not found\."),
        ("describe_model", "ModelName", 'Could not find model "arn:aws:sagemaker:'),
        ("describe_endpoint_config", "EndpointConfigName", "Could not find endpoint configurati"),
        ("describe_endpoint", "EndpointName", 'Could not find endpoint "arn:aws:sagemaker:'),
        ("delete_endpoint", "EndpointName", 'Could not find endpoint "arn:aws:sagemaker:'),
    ],
)
def test_what_is_not_there(aws: Clients, operation: str, name: str, message: str) -> None:
    with pytest.raises(ClientError, match=message) as refused:
        getattr(aws.sagemaker, operation)(**{name: "nothing"})
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_a_model_that_is_no_archive_serves_and_transforms(aws: Clients, job: Any) -> None:
    archive = job["ModelArtifacts"]["S3ModelArtifacts"].removeprefix(f"s3://{BUCKET}/")
    content = aws.s3.get_object(Bucket=BUCKET, Key=archive)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        file = tar.extractfile("xgboost-model")
        assert file is not None
        aws.s3.put_object(Bucket=BUCKET, Key="plain/xgboost-model", Body=file.read())
    aws.sagemaker.create_model(
        ModelName="plain",
        ExecutionRoleArn=ROLE,
        PrimaryContainer={
            "Image": IMAGE,
            "ModelDataSource": {
                "S3DataSource": {
                    "S3Uri": f"s3://{BUCKET}/plain/",
                    "S3DataType": "S3Prefix",
                    "CompressionType": "None",
                }
            },
        },
    )
    done = transform(aws, "plain", "plain-batch", "batch/")
    assert done["TransformJobStatus"] == "Completed", done
    predictions = aws.s3.get_object(Bucket=BUCKET, Key="plain-batch/records.csv.out")["Body"]
    only = {"VariantName": "v", "ModelName": "plain", "InitialInstanceCount": 1}
    aws.sagemaker.create_endpoint_config(
        EndpointConfigName="plain", ProductionVariants=[only | {"InstanceType": "ml.m5.large"}]
    )
    aws.sagemaker.create_endpoint(EndpointName="plain", EndpointConfigName="plain")
    waiter = aws.sagemaker.get_waiter("endpoint_in_service")
    waiter.wait(EndpointName="plain", WaiterConfig={"Delay": 1, "MaxAttempts": 100})
    answer = aws.runtime.invoke_endpoint(EndpointName="plain", ContentType="text/csv", Body="0,1")
    assert answer["Body"].read().split() == predictions.read().split()[1:2]
    aws.sagemaker.delete_endpoint(EndpointName="plain")
