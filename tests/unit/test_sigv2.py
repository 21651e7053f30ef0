"""Presigned URLs of signature version 2: what botocore signs we accept, and nothing else."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from botocore.auth import HmacV1QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from flowmaker.aws.auth import presign, signatures
from flowmaker.aws.auth.sigv4 import Key
from flowmaker.aws.errors import AwsError
from flowmaker.aws.protocol.request import Request
from flowmaker.clock import SystemClock
from tests.fakes.aws_identity import FakeKeys

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKEN = "token+/="


def presigned(
    url: str = "http://127.0.0.1:8080/bucket/key",
    *,
    method: str = "GET",
    token: str | None = None,
    secret: str = SECRET,
    auth_path: str | None = None,
    **headers: str,
) -> Request:
    """A request that botocore has presigned just now; headers travel in its query."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = AWSRequest(method=method, url=url, headers=named, auth_path=auth_path)
    HmacV1QueryAuth(Credentials("AKIA", secret, token), expires=60).add_auth(request)
    return sent(request.url, method)


def sent(url: str, method: str = "GET", **headers: str) -> Request:
    parts = urlsplit(url)
    named = ((name.replace("_", "-"), value) for name, value in headers.items())
    return Request(
        method=method,
        path=parts.path,
        query_string=parts.query,
        header_list=(("host", parts.netloc), *named),
    )


def url_of(request: Request) -> str:
    return f"http://{request.host}{request.path}?{request.query_string}"


async def verify(request: Request, *, later: float = 0, ends: datetime | None = None) -> Key:
    keys = FakeKeys()
    keys.add("AKIA", SECRET)
    keys.add("AKIA", SECRET, session_token=TOKEN, expires_at=ends)
    now = SystemClock().now() + timedelta(seconds=later)
    claims = signatures.read(request)
    return await signatures.authenticate(claims, request, "", keys, now)


async def refused(request: Request, *, later: float = 0, ends: datetime | None = None) -> AwsError:
    with pytest.raises(AwsError) as caught:
        await verify(request, later=later, ends=ends)
    assert caught.value.status == 403
    return caught.value


@pytest.mark.parametrize("token", [None, TOKEN])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "path",
    [
        "/bucket",
        "/bucket/key",
        "/bucket/a%20b/%C3%BC%2B~.-_",
        "/bucket/a//b/../c",
        "/bucket/key?partNumber=3&uploadId=x%2By%2F",
        "/bucket?uploads&prefix=p&max-keys=3",
        "/bucket/key?response-content-disposition=attachment%3B%20filename%3D%22%C3%BC.txt%22",
        "/bucket/key?versionId=null&response-content-type=text%2Fplain",
    ],
)
async def test_botocore_signs(path: str, method: str, token: str | None) -> None:
    request = presigned(f"http://h:8080{path}", method=method, token=token)
    assert (await verify(request)).secret == SECRET


async def test_the_host_may_name_the_bucket() -> None:
    request = presigned("http://bucket.localhost:8080/bucket/k", auth_path="/bucket/bucket/k")
    await verify(request)


async def test_headers_of_the_query_are_signed_and_count() -> None:
    request = presigned(method="PUT", x_amz_meta_who="Zoë", x_amz_storage_class="STANDARD_IA")
    await verify(request)
    meant = presign.with_headers_of_query(request)
    assert meant.headers["x-amz-storage-class"] == "STANDARD_IA"
    assert meant.headers["x-amz-meta-who"].encode("latin-1").decode() == "Zoë"
    other = sent(url_of(request), "PUT", x_amz_storage_class="STANDARD")
    assert (await refused(other)).code == "SignatureDoesNotMatch"


async def test_a_content_type_that_was_signed_must_be_sent() -> None:
    request = presigned(method="PUT", content_type="text/csv")
    assert (await refused(request)).code == "SignatureDoesNotMatch"
    await verify(sent(url_of(request), "PUT", content_type="text/csv"))


async def test_nothing_else_than_what_was_signed() -> None:
    url = url_of(presigned(token=TOKEN))
    for changed in (
        sent(url, "PUT"),
        sent(url.replace("/key", "/other")),
        sent(url + "&acl"),
        sent(url + "&response-content-type=text/html"),
        sent(url.replace("Expires=1", "Expires=2")),
        sent(url, x_amz_copy_source="/other/secret"),
    ):
        error = await refused(changed)
        assert error.code == "SignatureDoesNotMatch"
        assert error.members["SignatureProvided"] == changed.query["Signature"]
        assert TOKEN not in str(error.members["StringToSign"])
    error = await refused(presigned(secret="wrong"))
    assert "does not match the signature you provided" in error.message


async def test_it_ends() -> None:
    request = presigned()
    await verify(request, later=58)
    error = await refused(request, later=62)
    assert (error.code, error.message) == ("AccessDenied", "Request has expired")
    moment = datetime.fromtimestamp(int(request.query["Expires"]), UTC)
    assert error.members["Expires"] == moment.strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_the_key_must_be_there_with_its_own_token() -> None:
    assert (await refused(presigned(token="other"))).code == "InvalidAccessKeyId"
    ended = SystemClock().now() - timedelta(seconds=1)
    assert (await refused(presigned(token=TOKEN), ends=ended)).code == "ExpiredToken"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("AWSAccessKeyId=AKIA&Signature=x", "Query-string authentication requires the Signature"),
        ("AWSAccessKeyId=A&Signature=&Expires=1", "Query-string authentication requires"),
        ("AWSAccessKeyId=A&Signature=x&Expires=soon", "Invalid date (should be seconds since"),
        ("AWSAccessKeyId=A&Signature=x&Expires=9" + "9" * 30, "Invalid date"),
        ("AWSAccessKeyId=A&Signature=x&Expires=1", "Request has expired"),
        ("AWSAccessKeyId=A&Signature=x&Expires=9999999999", "does not exist in our records"),
    ],
)
async def test_broken_ones(query: str, message: str) -> None:
    assert message in (await refused(sent(f"http://h/b/k?{query}"))).message


def test_operations_that_the_signature_leaves_open_are_refused() -> None:
    claims = signatures.read(presigned("http://h/bucket"))
    for covered in ("/{Bucket}", "/{Bucket}?policy", "/{Bucket}?list-type=2", "/{Bucket}/{Key+}"):
        signatures.check_covers(claims, covered)
    with pytest.raises(AwsError, match="does not cover encryption"):
        signatures.check_covers(claims, "/{Bucket}?encryption")
