"""The gateway behind a real server, driven by boto3 as it comes."""

import io
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.fakes.aws_identity import FakeAuthorizer, FakeKeys
from tests.fakes.aws_server import serving
from tests.fakes.aws_services import MOMENT, FakeService, MemoryS3, answering

from flowmaker.aws.errors import AwsError
from flowmaker.aws.gateway import Gateway
from flowmaker.aws.service import Answer, Call, Reply
from flowmaker.clock import SystemClock

KEY, SECRET = "AKIAROOT", "secret"


class MovableClock:
    """The machine's clock, set forward or back."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self) -> datetime:
        return SystemClock().now() + self.offset


@dataclass
class Wire:
    url: str
    clock: MovableClock
    authorizer: FakeAuthorizer
    s3_service: MemoryS3
    services: dict[str, FakeService]

    def client(self, service: str, *, secret: str = SECRET, token: str | None = None, **more: Any):
        config = Config(retries={"total_max_attempts": 1}, **more)
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="eu-central-1",
            aws_access_key_id=KEY if token is None else "ASIASESSION",
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=config,
        )


async def describe(call: Call) -> Answer:
    name = call.parameters["TrainingJobName"]
    if name == "broken":
        raise RuntimeError("a mistake in the handler")
    return {"TrainingJobName": name, "CreationTime": MOMENT, "TrainingJobStatus": "InProgress"}


async def get_user(call: Call) -> Answer:
    if call.parameters.get("UserName") == "nobody":
        raise AwsError("NoSuchEntity", "The user with name nobody cannot be found.", 404)
    return {
        "User": {
            "UserName": "me",
            "Path": "/",
            "UserId": "AIDA",
            "Arn": call.principal.arn,
            "CreateDate": MOMENT,
            "Tags": [{"Key": "a", "Value": "<&>"}],
        }
    }


async def invoke(call: Call) -> Answer:
    if call.parameters["Body"] == b"bad":
        raise AwsError("ModelError", "it failed", 424, OriginalStatusCode=400, OriginalMessage="x")
    return Reply(
        parameters={
            "ContentType": "text/csv",
            "InvokedProductionVariant": "AllTraffic",
            "Body": call.parameters["Body"][::-1],
        }
    )


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    keys, clock, authorizer, s3 = FakeKeys(), MovableClock(), FakeAuthorizer(), MemoryS3()
    keys.add(KEY, SECRET)
    keys.add("ASIASESSION", SECRET, session_token="token")
    expired = datetime(2020, 1, 1, tzinfo=UTC)
    keys.add("ASIASESSION", SECRET, session_token="old", expires_at=expired)
    services = [
        s3.service(),
        FakeService(
            name="sagemaker",
            handlers={
                "DescribeTrainingJob": describe,
                "CreateTrainingJob": answering({"TrainingJobArn": "arn:x"}),
                "AddTags": answering({"Tags": []}),
            },
        ),
        FakeService(name="sagemaker-runtime", handlers={"InvokeEndpoint": invoke}),
        FakeService(name="iam", handlers={"GetUser": get_user, "DeleteUser": answering(None)}),
        FakeService(
            name="sts",
            handlers={
                "GetCallerIdentity": answering(
                    {"Account": "000000000000", "Arn": "arn:me", "UserId": "me"}
                )
            },
        ),
        FakeService(name="logs", handlers={"CreateLogGroup": answering(None)}),
    ]
    gateway = Gateway(services, keys, authorizer, clock)
    gateway.check()
    with serving(gateway) as url:
        yield Wire(url, clock, authorizer, s3, {service.name: service for service in services})


def failure(call: Any) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as caught:
        call()
    response = caught.value.response
    error = response["Error"]
    return error["Code"], error["Message"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_four_protocols(wire: Wire) -> None:
    job = wire.client("sagemaker").describe_training_job(TrainingJobName="job")
    assert job["TrainingJobName"] == "job"
    assert job["CreationTime"] == MOMENT
    assert "ModelArtifacts" not in job
    assert job["ResponseMetadata"]["RequestId"]
    user = wire.client("iam").get_user()["User"]
    assert user["Tags"] == [{"Key": "a", "Value": "<&>"}]
    assert user["CreateDate"] == MOMENT
    assert wire.client("sts").get_caller_identity()["Arn"] == "arn:me"
    wire.client("logs").create_log_group(logGroupName="/aws/x")
    answer = wire.client("sagemaker-runtime").invoke_endpoint(
        EndpointName="e", Body=b"1,2", ContentType="text/csv"
    )
    assert answer["Body"].read() == b"2,1"
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert answer["ContentType"] == "text/csv"


def test_put_and_get(wire: Wire) -> None:
    s3 = wire.client("s3")
    key = "a b/../c//ü+%2F&=?#.txt"
    s3.put_object(Bucket="bucket", Key=key, Body=b"content", Metadata={"colour": "blue"})
    assert wire.s3_service.objects[key] == b"content"
    assert wire.s3_service.puts[-1].parameters["Metadata"] == {"colour": "blue"}
    got = s3.get_object(Bucket="bucket", Key=key)
    assert got["Body"].read() == b"content"
    assert got["Metadata"] == {"colour": "blue"}
    assert got["LastModified"] == MOMENT.replace(microsecond=0)
    head = s3.head_object(Bucket="bucket", Key=key)
    assert head["ContentLength"] == 7
    listed = s3.list_objects_v2(Bucket="bucket")["Contents"]
    assert key in [entry["Key"] for entry in listed]
    s3.delete_objects(Bucket="bucket", Delete={"Objects": [{"Key": key}]})
    assert key not in wire.s3_service.objects
    assert s3.get_bucket_location(Bucket="bucket")["LocationConstraint"] == "eu-west-1"
