"""Signatures: what botocore signs we accept, and nothing else."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from flowmaker.aws.auth import payload, presign, sigv4
from flowmaker.aws.errors import AwsError
from flowmaker.aws.protocol.request import Request
from flowmaker.clock import SystemClock
from tests.fakes.aws_identity import ROOT, FakeKeys

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
SIGNERS = {
    ("s3", False): S3SigV4Auth,
    ("s3", True): S3SigV4QueryAuth,
    ("sts", False): SigV4Auth,
    ("sts", True): SigV4QueryAuth,
}


def signed(
    service: str,
    *,
    url: str = "http://127.0.0.1:8080/",
    presigned: bool = False,
    token: str | None = None,
    secret: str = SECRET,
    body: bytes = b"",
    **more: Any,
) -> Request:
    """A request that botocore has signed just now."""
    request = AWSRequest(method="POST", url=url, data=body, headers=more.pop("headers", {}))
    signer = SIGNERS[service, presigned]
    signer(Credentials("AKIA", secret, token), service, "eu-west-1", **more).add_auth(request)
    prepared = request.prepare()
    parts = urlsplit(prepared.url)
    headers = {
        name.lower(): value.decode("latin-1") if isinstance(value, bytes) else value
        for name, value in prepared.headers.items()
    }
    return Request(
        method=prepared.method,
        path=parts.path,
        query_string=parts.query,
        header_list=(("host", parts.netloc), *headers.items()),
    )


def with_headers(request: Request, **headers: str) -> Request:
    changed = dict(request.header_list) | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return Request(
        method=request.method,
        path=request.path,
        query_string=request.query_string,
        header_list=tuple(changed.items()),
    )


async def verify(
    request: Request, *, body: bytes = b"", keys: FakeKeys | None = None, later: float = 0
) -> sigv4.Key:
    claims = presign.read(request) if presign.is_presigned(request) else sigv4.read(request)
    if claims.scope.service == "s3":
        hashed = payload.payload_hash(claims, request)
    else:
        hashed = await payload.hash_of(body)
    if keys is None:
        keys = FakeKeys()
        keys.add("AKIA", SECRET)
        keys.add("AKIA", SECRET, session_token="token+/=")
    now = SystemClock().now() + timedelta(seconds=later)
    return await sigv4.authenticate(claims, request, hashed, keys, now)


async def refused(request: Request, **more: Any) -> AwsError:
    with pytest.raises(AwsError) as caught:
        await verify(request, **more)
    return caught.value


@pytest.mark.parametrize("service", ["s3", "sts"])
@pytest.mark.parametrize("presigned", [False, True])
@pytest.mark.parametrize("token", [None, "token+/="])
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/bucket/key",
        "/a%20b/%C3%BC%2B~.-_?z=1&a=%20b&a=&c",
        "/endpoints/x%2Fy/invocations",
        "/bucket/a//b/../c/./d/?uploads",
        "/bucket/100%25%3F%23&=@:!$'()*,;",
    ],
)
async def test_botocore_signs(service: str, presigned: bool, token: str | None, path: str) -> None:
    headers = {"X-Amz-Meta-A": "  two   spaces ", "Content-Type": "text/plain"}
    request = signed(
        service, url=f"http://h:8080{path}", presigned=presigned, token=token, headers=headers
    )
    assert (await verify(request)).principal


async def test_secret_must_be_right() -> None:
    for service in ("s3", "sts"):
        for presigned in (False, True):
            error = await refused(signed(service, secret="wrong", presigned=presigned))
            assert error.code == "SignatureDoesNotMatch"
            assert error.status == 403


async def test_everything_is_covered() -> None:
    """A change of method, path, query, header or body is another request."""
    request = signed("sts", url="http://h/p?a=1", headers={"X-Amz-Target": "A.B"}, body=b"body")
    assert await verify(request, body=b"body")
    changes: list[dict[str, Any]] = [
        {"method": "GET"},
        {"path": "/q"},
        {"query_string": "a=2"},
        {"query_string": "a=1&b"},
        {"header_list": with_headers(request, host="other").header_list},
        {"header_list": with_headers(request, x_amz_target="A.C").header_list},
        {"header_list": with_headers(request, x_amz_date="20200101T000000Z").header_list},
        {"header_list": with_headers(request, x_amz_acl="public-read").header_list},
    ]
    for change in changes:
        fields = {
            "method": request.method,
            "path": request.path,
            "query_string": request.query_string,
            "header_list": request.header_list,
        }
        error = await refused(Request(**(fields | change)), body=b"body")
        assert error.code == "SignatureDoesNotMatch", change
    assert (await refused(request, body=b"other")).code == "SignatureDoesNotMatch"


async def test_headers_may_not_be_added() -> None:
    request = with_headers(signed("s3", presigned=True), x_amz_copy_source="/other/key")
    error = await refused(request)
    assert error.code == "AccessDenied"
    assert error.members["HeadersNotSigned"] == "x-amz-copy-source"


async def test_clocks() -> None:
    assert await verify(signed("s3"), later=14 * 60)
    assert await verify(signed("s3"), later=-14 * 60)
    assert (await refused(signed("s3"), later=16 * 60)).code == "RequestTimeTooSkewed"
    assert (await refused(signed("s3"), later=-16 * 60)).code == "RequestTimeTooSkewed"
    error = await refused(signed("sts"), later=16 * 60)
    assert error.code == "SignatureDoesNotMatch"
    assert error.message.startswith("Signature expired: ")
    error = await refused(signed("sts"), later=-16 * 60)
    assert error.message.startswith("Signature not yet current: ")


async def test_presigned_urls_end() -> None:
    request = signed("s3", presigned=True, expires=60)
    assert await verify(request, later=59)
    error = await refused(request, later=61)
    assert (error.code, error.message) == ("AccessDenied", "Request has expired")
    long = signed("s3", presigned=True, expires=604800)
    assert await verify(long, later=604700)
    error = await refused(signed("s3", presigned=True, expires=604801))
    assert error.code == "AuthorizationQueryParametersError"
    error = await refused(signed("sts", presigned=True, expires=60), later=61)
    assert error.message.startswith("Signature expired: ")


async def test_keys() -> None:
    keys = FakeKeys()
    assert (await refused(signed("sts"), keys=keys)).code == "InvalidClientTokenId"
    assert (await refused(signed("s3"), keys=keys)).code == "InvalidAccessKeyId"
    keys.add("AKIA", SECRET, status="Inactive")
    assert (await refused(signed("sts"), keys=keys)).code == "InvalidClientTokenId"
    past = SystemClock().now() - timedelta(seconds=1)
    keys.add("AKIA", SECRET, session_token="t", expires_at=past)
    error = await refused(signed("sts", token="t"), keys=keys)
    assert error.code == "ExpiredToken"
    assert (await refused(signed("sts", token="u"), keys=keys)).code == "InvalidClientTokenId"
    keys.add("AKIA", SECRET)
    assert (await verify(signed("sts"), keys=keys)).principal == ROOT


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        ("AWS AKIA:abc", "InvalidRequest"),
        ("AWS4-ECDSA-P256-SHA256 Credential=a", "InvalidRequest"),
        ("AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu/s3/aws4_request", "IncompleteSignature"),
        (
            "AWS4-HMAC-SHA256 Credential=AKIA/s3/aws4_request, SignedHeaders=host, Signature=a",
            "IncompleteSignature",
        ),
        ("", "MissingAuthenticationToken"),
    ],
)
async def test_other_signatures_are_refused(authorization: str, code: str) -> None:
    request = with_headers(signed("s3"), authorization=authorization)
    assert (await refused(request)).code == code


async def test_s3_says_what_its_payload_is() -> None:
    request = signed("s3")
    error = await refused(with_headers(request, x_amz_content_sha256=""))
    assert error.code == "InvalidRequest"
    error = await refused(with_headers(request, x_amz_content_sha256="abc"))
    assert error.code == "InvalidArgument"
    error = await refused(with_headers(request, x_amz_content_sha256="UNSIGNED-PAYLOAD"))
    assert error.code == "SignatureDoesNotMatch"
