"""The gateway behind a real server, driven by boto3 as it comes."""

import base64
import hashlib
import http.client
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, IncompleteReadError, ResponseStreamingError

from flowmaker.aws.errors import AwsError
from flowmaker.aws.gateway import Gateway, is_aws_request
from flowmaker.aws.service import Answer, Call, Reply
from flowmaker.clock import SystemClock
from tests.fakes.aws_identity import FakeAuthorizer, FakeKeys
from tests.fakes.aws_server import serving
from tests.fakes.aws_services import MOMENT, FakeService, MemoryS3, answering

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
    if name == "nonsense":
        return {"TrainingJobNom": name}
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


PROTOCOLS = {
    "iam": lambda client: client.get_user(),
    "sts": lambda client: client.get_caller_identity(),
    "sagemaker": lambda client: client.describe_training_job(TrainingJobName="job"),
    "logs": lambda client: client.create_log_group(logGroupName="g"),
    "sagemaker-runtime": lambda client: client.invoke_endpoint(EndpointName="e", Body=b"x"),
    "s3": lambda client: client.get_bucket_location(Bucket="b"),
}


@pytest.mark.parametrize(
    ("service", "mismatch", "unknown", "expired", "denied"),
    [
        ("iam", "SignatureDoesNotMatch", "InvalidClientTokenId", "ExpiredToken", "AccessDenied"),
        ("sts", "SignatureDoesNotMatch", "InvalidClientTokenId", "ExpiredToken", "AccessDenied"),
        (
            "sagemaker",
            "InvalidSignatureException",
            "UnrecognizedClientException",
            "ExpiredTokenException",
            "AccessDeniedException",
        ),
        (
            "logs",
            "InvalidSignatureException",
            "UnrecognizedClientException",
            "ExpiredTokenException",
            "AccessDeniedException",
        ),
        (
            "sagemaker-runtime",
            "InvalidSignatureException",
            "UnrecognizedClientException",
            "ExpiredTokenException",
            "AccessDeniedException",
        ),
        ("s3", "SignatureDoesNotMatch", "InvalidAccessKeyId", "ExpiredToken", "AccessDenied"),
    ],
)
def test_who_may_not(
    wire: Wire, service: str, mismatch: str, unknown: str, expired: str, denied: str
) -> None:
    """Each protocol has its own word for it, and the handler is not called."""
    call = PROTOCOLS[service]
    calls = wire.services[service].calls
    before = len(calls)
    assert failure(lambda: call(wire.client(service, secret="wrong")))[0] == mismatch
    assert failure(lambda: call(wire.client(service, token="unknown")))[0] == unknown
    assert failure(lambda: call(wire.client(service, token="old")))[0] == expired
    action = wire.services[service].name
    with forbidden(wire, f"{action}:"):
        code, message, _ = failure(lambda: call(wire.client(service)))
    assert code == denied
    assert "is not authorized to perform" in message
    assert len(calls) == before
    call(wire.client(service, token="token"))
    assert calls[-1].principal.arn.endswith("assumed-role/Worker/session")
    assert calls[-1].principal.access_key_id == "ASIASESSION"
    assert calls[-1].region == "eu-central-1"
    assert calls[-1].endpoint == wire.url


@contextmanager
def forbidden(wire: Wire, start: str) -> Iterator[None]:
    class Everything(set):
        def __contains__(self, action: object) -> bool:
            return str(action).startswith(start)

    wire.authorizer.forbidden = Everything()
    try:
        yield
    finally:
        wire.authorizer.forbidden = set()


@contextmanager
def later(wire: Wire, **by: float) -> Iterator[None]:
    wire.clock.offset = timedelta(**by)
    try:
        yield
    finally:
        wire.clock.offset = timedelta()


@pytest.mark.parametrize("hours", [-1, 1])
def test_clocks_that_differ(wire: Wire, hours: int) -> None:
    with later(wire, hours=hours):
        assert failure(lambda: PROTOCOLS["s3"](wire.client("s3")))[0] == "RequestTimeTooSkewed"
        code, message, _ = failure(lambda: PROTOCOLS["sts"](wire.client("sts")))
        assert code == "SignatureDoesNotMatch"
        assert "Signature expired" in message or "Signature not yet current" in message


def fetch(url: str, method: str = "GET", data: bytes | None = None, **headers: str) -> Any:
    request = urllib.request.Request(url, method=method, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.parametrize("token", [None, "token"])
def test_presigned_urls(wire: Wire, token: str | None) -> None:
    s3 = wire.client("s3", token=token, signature_version="s3v4")
    where = {"Bucket": "bucket", "Key": "presigned key"}
    put = s3.generate_presigned_url("put_object", where, ExpiresIn=60)
    get = s3.generate_presigned_url("get_object", where, ExpiresIn=60)
    assert fetch(put, "PUT", b"content")[0] == 200
    assert fetch(get) == (200, "content")
    assert fetch(get.replace("presigned%20key", "other"))[0] == 403
    assert fetch(get, "PUT", b"other")[0] == 403
    assert "HeadersNotSigned" in fetch(put, "PUT", b"x", **{"x-amz-acl": "private"})[1]
    with later(wire, seconds=61):
        status, body = fetch(get)
        assert status == 403
        assert "<Message>Request has expired</Message>" in body


def test_presigned_calls_of_other_services(wire: Wire) -> None:
    sts = wire.client("sts")
    url = sts.generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
    assert fetch(url)[0] == 200
    assert fetch(url + "&Extra=1")[0] == 403
    with later(wire, seconds=61):
        assert "Signature expired" in fetch(url)[1]


def test_signatures_of_other_versions(wire: Wire) -> None:
    old = wire.client("s3", signature_version="s3")
    with pytest.raises(ClientError, match="Please use AWS4-HMAC-SHA256"):
        old.get_object(Bucket="b", Key="k")


def signed_put(
    wire: Wire, key: str, headers: dict[str, str], *, said: str = ""
) -> http.client.HTTPConnection:
    """The head of a PUT, signed by botocore and sent; the body is up to the test."""
    request = AWSRequest("PUT", f"{wire.url}/bucket/{key}", headers=headers)
    signer = S3SigV4Auth(Credentials(KEY, SECRET), "s3", "eu-central-1")
    signer.payload = lambda _: said
    signer.add_auth(request)
    connection = http.client.HTTPConnection(wire.url.removeprefix("http://"), timeout=10)
    connection.putrequest("PUT", f"/bucket/{key}", skip_accept_encoding=True)
    for name, value in request.headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    return connection


def chunks(data: bytes, trailer: str, size: int = 65536) -> bytes:
    parts = [data[start : start + size] for start in range(0, len(data), size)]
    body = b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts)
    return body + b"0\r\n" + trailer.encode() + b"\r\n\r\n"


@pytest.mark.parametrize("chunked_transfer", [False, True])
def test_unsigned_chunks_with_trailing_checksum(wire: Wire, chunked_transfer: bool) -> None:
    """As pyarrow and, over TLS, boto3 send their uploads."""
    data = bytes(range(256)) * 1000
    crc = base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()
    for value, status in ((crc, 200), ("AAAAAA==", 400)):
        body = chunks(data, f"x-amz-checksum-crc32:{value}")
        length = "Transfer-Encoding" if chunked_transfer else "Content-Length"
        headers = {
            length: "chunked" if chunked_transfer else str(len(body)),
            "Content-Encoding": "aws-chunked",
            "X-Amz-Decoded-Content-Length": str(len(data)),
            "X-Amz-Trailer": "x-amz-checksum-crc32",
        }
        said = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
        connection = signed_put(wire, f"chunks-{status}", headers, said=said)
        connection.send(body if not chunked_transfer else transfer(body))
        response = connection.getresponse()
        answer = response.read()
        connection.close()
        assert response.status == status, answer
        assert (f"chunks-{status}" in wire.s3_service.objects) == (status == 200)
    put = wire.s3_service.puts[-1]
    assert wire.s3_service.objects["chunks-200"] == data
    assert put.trailers["x-amz-checksum-crc32"] == crc
    assert "ContentEncoding" not in put.parameters
    assert b"BadDigest" in answer


def transfer(body: bytes) -> bytes:
    return f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"


def test_a_body_that_was_changed_on_its_way(wire: Wire) -> None:
    said = hashlib.sha256(b"mine").hexdigest()
    connection = signed_put(wire, "changed", {"Content-Length": "4"}, said=said)
    connection.send(b"your")
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    assert response.status == 400
    assert b"<Code>XAmzContentSHA256Mismatch</Code>" in answer
    assert "changed" not in wire.s3_service.objects


def test_bodies_of_all_sizes(wire: Wire) -> None:
    s3 = wire.client("s3")
    for size in (0, 1, 65536, (3 << 20) + 7):
        data = bytes(size)
        s3.put_object(Bucket="bucket", Key="sized", Body=data)
        assert wire.s3_service.objects["sized"] == data
        assert wire.s3_service.puts[-1].parameters["ContentLength"] == size
        assert s3.get_object(Bucket="bucket", Key="sized")["Body"].read() == data


def test_a_small_put_does_not_wait(wire: Wire) -> None:
    """Clients send `Expect: 100-continue` and wait a second for a server that ignores it."""
    s3 = wire.client("s3")
    s3.put_object(Bucket="bucket", Key="quick", Body=b"x")
    start = time.perf_counter()
    s3.put_object(Bucket="bucket", Key="quick", Body=b"x")
    assert time.perf_counter() - start < 0.9


def test_an_upload_that_is_refused_before_its_body(wire: Wire) -> None:
    s3 = wire.client("s3")
    data = bytes(4 << 20)
    code, _, status = failure(lambda: s3.put_object(Bucket="b", Key="refused", Body=data))
    assert (code, status) == ("NoSuchBucket", 404)
    wrong = wire.client("s3", secret="wrong")
    code, _, _ = failure(lambda: wrong.put_object(Bucket="b", Key="k", Body=data))
    assert code == "SignatureDoesNotMatch"
    s3.put_object(Bucket="bucket", Key="after", Body=b"x")
    assert wire.s3_service.objects["after"] == b"x"


def test_streams_that_break(wire: Wire) -> None:
    """Half an object is never taken for the whole; an early failure is an answer."""
    s3 = wire.client("s3")
    body = s3.get_object(Bucket="b", Key="breaks")["Body"]
    with pytest.raises((IncompleteReadError, ResponseStreamingError)):
        body.read()
    code, message, status = failure(lambda: s3.get_object(Bucket="b", Key="breaks-at-once"))
    assert (code, status) == ("InternalError", 500)
    assert "disk" not in message


def test_missing_objects(wire: Wire) -> None:
    s3 = wire.client("s3")
    code, message, status = failure(lambda: s3.get_object(Bucket="b", Key="none"))
    assert (code, status) == ("NoSuchKey", 404)
    assert message == "The specified key does not exist."
    assert failure(lambda: s3.head_object(Bucket="b", Key="none")) == ("404", "Not Found", 404)
    assert failure(lambda: s3.head_bucket(Bucket="none")) == ("404", "Not Found", 404)


def test_errors_of_handlers(wire: Wire) -> None:
    code, message, status = failure(lambda: wire.client("iam").get_user(UserName="nobody"))
    assert (code, status) == ("NoSuchEntity", 404)
    assert message == "The user with name nobody cannot be found."
    runtime = wire.client("sagemaker-runtime")
    with pytest.raises(runtime.exceptions.ModelError) as caught:
        runtime.invoke_endpoint(EndpointName="e", Body=b"bad")
    assert caught.value.response["OriginalStatusCode"] == 400
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 424


def test_mistakes_of_handlers(wire: Wire) -> None:
    sagemaker = wire.client("sagemaker")
    code, message, status = failure(
        lambda: sagemaker.describe_training_job(TrainingJobName="broken")
    )
    assert (code, status) == ("InternalFailure", 500)
    assert "mistake" not in message
    code, _, status = failure(lambda: sagemaker.describe_training_job(TrainingJobName="nonsense"))
    assert (code, status) == ("InternalFailure", 500)


def test_what_is_not_there_is_named(wire: Wire) -> None:
    code, message, status = failure(lambda: wire.client("sagemaker").list_models())
    assert (code, status) == ("UnknownOperationException", 400)
    assert message == "Flowmaker does not support ListModels of sagemaker."
    code, message, status = failure(lambda: wire.client("s3").get_bucket_acl(Bucket="b"))
    assert (code, status) == ("NotImplemented", 501)
    assert "GetBucketAcl" in message
    code, message, status = failure(lambda: wire.client("iam").list_users())
    assert (code, status) == ("InvalidAction", 400)
    assert "ListUsers" in message
    for service, call in (
        ("dynamodb", lambda client: client.list_tables()),
        ("lambda", lambda client: client.list_functions()),
        ("sns", lambda client: client.list_topics()),
    ):
        _, message, status = failure(lambda call=call, name=service: call(wire.client(name)))
        assert f"no AWS service '{service}'" in message
        assert 400 <= status < 502


def test_words_of_validation(wire: Wire) -> None:
    code, message, status = failure(
        lambda: wire.client("sagemaker").describe_training_job(TrainingJobName="a_b")
    )
    assert (code, status) == ("ValidationException", 400)
    assert message.startswith("1 validation error detected: Value 'a_b' at 'trainingJobName'")
    code, message, _ = failure(
        lambda: wire.client("iam").get_user(UserName="a b"),
    )
    assert code == "ValidationError"
    code, _, _ = failure(lambda: wire.client("logs").create_log_group(logGroupName="a b"))
    assert code == "InvalidParameterException"
    code, _, _ = failure(
        lambda: wire.client("sagemaker-runtime").invoke_endpoint(EndpointName="a_b", Body=b"")
    )
    assert code == "ValidationError"


def test_long_bodies_are_refused(wire: Wire) -> None:
    runtime = wire.client("sagemaker-runtime")
    longest = bytes(6 << 20)
    assert runtime.invoke_endpoint(EndpointName="e", Body=longest)["Body"].read() == longest
    sagemaker = wire.client("sagemaker", parameter_validation=False)
    _, _, status = failure(
        lambda: sagemaker.describe_training_job(TrainingJobName="a" * (11 << 20))
    )
    assert status == 413
    connection = http.client.HTTPConnection(wire.url.removeprefix("http://"), timeout=10)
    request = AWSRequest("PUT", f"{wire.url}/bucket/huge", headers={"Content-Length": "1"})
    S3SigV4Auth(Credentials(KEY, SECRET), "s3", "eu-central-1").add_auth(request)
    connection.putrequest("PUT", "/bucket/huge", skip_accept_encoding=True)
    request.headers.replace_header("Content-Length", str((5 << 30) + 1))
    for name, value in request.headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    assert b"<Code>EntityTooLarge</Code>" in response.read()
    connection.close()


def test_queries_of_endless_length_are_refused(wire: Wire) -> None:
    status, body = fetch(f"{wire.url}/b/k?X-Amz-Signature=a{'&a=1' * 2000}")
    assert status == 400
    assert "<Code>InvalidURI</Code>" in body


def test_requests_are_told_apart() -> None:
    def scope(query: bytes = b"", *headers: tuple[bytes, bytes]) -> dict[str, Any]:
        return {"query_string": query, "headers": headers}

    assert is_aws_request(scope(b"", (b"authorization", b"AWS4-HMAC-SHA256 Credential=a")))
    assert is_aws_request(scope(b"", (b"Authorization", b"AWS AKIA:x")))
    assert is_aws_request(scope(b"a=1&X-Amz-Signature=abc"))
    assert is_aws_request(scope(b"AWSAccessKeyId=a&Signature=b"))
    assert not is_aws_request(scope())
    assert not is_aws_request(scope(b"Signature=b", (b"authorization", b"Bearer x")))
    assert not is_aws_request(scope(b"page=X-Amz-Signature"))


def test_services_are_checked_against_their_models() -> None:
    service = FakeService(name="sts", handlers={"Nonsense": answering(None)})
    gateway = Gateway([service], FakeKeys(), FakeAuthorizer(), SystemClock())
    with pytest.raises(ValueError, match="sts has no operations Nonsense"):
        gateway.check()
