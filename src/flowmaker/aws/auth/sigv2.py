"""Signature Version 2 in the query of an S3 URL: what boto3 presigns unless told otherwise.

The rules are those of the S3 developer guide, "Signing and authenticating REST requests", under
"Query string request authentication alternative". In headers this version is refused.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote

from flowmaker.aws.auth.canonical import canonical_paths
from flowmaker.aws.auth.claims import Scope, Signed
from flowmaker.aws.auth.sigv4 import Key, KeyStore, expired, find_key, wrong_signature
from flowmaker.aws.errors import AwsError
from flowmaker.aws.protocol.request import Request
from flowmaker.aws.protocol.target import object_path

_NEEDED = ("Signature", "Expires", "AWSAccessKeyId")
#: This version names no region; it is as old as the first.
_SCOPE = Scope(date="", region="us-east-1", service="s3")
#: Names of a query that the signature covers.
_COVERED = frozenset({
    "accelerate", "acl", "analytics", "cors", "defaultObjectAcl", "delete", "inventory",
    "lifecycle", "location", "logging", "metrics", "notification", "object-lock", "partNumber",
    "policy", "replication", "requestPayment", "restore", "select", "select-type", "storageClass",
    "tagging", "torrent", "uploadId", "uploads", "versionId", "versioning", "versions", "website",
    "response-cache-control", "response-content-disposition", "response-content-encoding",
    "response-content-language", "response-content-type", "response-expires",
})  # fmt: skip
#: Names that it does not cover, and that do not make another request of it.
_HARMLESS = frozenset({"list-type", "x-id"})


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedUrl(Signed):
    """What a URL of this version claims."""

    expires_at: datetime


def read(request: Request) -> SignedUrl:
    """What the query claims about its signature.

    Raises:
        AwsError: a part is missing, or the time is none.
    """
    query = request.query
    if not all(query.get(name) for name in _NEEDED):
        message = (
            "Query-string authentication requires the Signature, Expires and AWSAccessKeyId "
            "parameters"
        )
        raise AwsError("AccessDenied", message, 403)
    return SignedUrl(
        access_key_id=query["AWSAccessKeyId"],
        scope=_SCOPE,
        signed_headers=(),
        signature=query["Signature"],
        date="",
        session_token=query.get("x-amz-security-token")
        or request.headers.get("x-amz-security-token"),
        expires=0,
        expires_at=_moment(query["Expires"]),
    )


def _moment(text: str) -> datetime:
    message = f"Invalid date (should be seconds since epoch): {text}"
    invalid = AwsError("AccessDenied", message, 403)
    if not text.isascii() or not text.isdecimal():
        raise invalid
    try:
        return datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError, OSError):
        raise invalid from None


async def authenticate(signed: SignedUrl, request: Request, keys: KeyStore, now: datetime) -> Key:
    """The key whose secret signed the URL.

    Raises:
        AwsError: the URL or the key is over, or the key did not sign this request.
    """
    if now > signed.expires_at:
        raise expired(signed.expires_at, now)
    key = await find_key(signed, keys, now)
    given = signed.signature.encode()
    strings = list(_strings_to_sign(request))
    for text in strings:
        digest = hmac.new(key.secret.encode(), text, hashlib.sha1).digest()
        if hmac.compare_digest(base64.b64encode(digest), given):
            return key
    shown = strings[0].decode("utf-8", "replace")
    raise wrong_signature(signed, shown)


def check_covers(request_uri: str) -> None:
    """Nobody may make another operation of a signed URL by adding what the signature leaves out.

    `request_uri` is the operation's, as in its model: `/{Bucket}?encryption`.

    Raises:
        AwsError: the operation cannot be presigned in this version.
    """
    names = {part.partition("=")[0] for part in request_uri.partition("?")[2].split("&") if part}
    left_out = sorted(names - _COVERED - _HARMLESS)
    if left_out:
        message = (
            f"Signature version 2 does not cover {', '.join(left_out)}. Presign with version 4: "
            'boto3.client("s3", config=Config(signature_version="s3v4")).'
        )
        raise AwsError("InvalidRequest", message)


def _strings_to_sign(request: Request) -> Iterable[bytes]:
    """The text that is signed; the path may be the one that was sent or its one right form."""
    headers = request.headers
    lines = [
        request.method,
        headers.get("content-md5", "").strip(),
        headers.get("content-type", "").strip(),
        request.query["Expires"],
        *_amz_headers(request),
    ]
    head = "\n".join(lines).encode("latin-1", "replace")
    query = _sub_resources(request.query_string)
    for path in _resources(request):
        yield head + f"\n{path}{query}".encode()


def _resources(request: Request) -> Iterable[str]:
    """The path with the bucket in it, also where the host names it.

    A bucket alone ends with a slash in what botocore signs, whether it sends one or not.
    """
    target = object_path(request)
    for path in canonical_paths(request.path, "s3"):
        resource = f"/{target.bucket}{path}" if target.in_host else path
        yield resource
        if not target.key and not resource.endswith("/"):
            yield f"{resource}/"


def _amz_headers(request: Request) -> list[str]:
    """`x-amz-…` headers; in a URL they are part of the query, and count as headers."""
    values = {
        name.lower(): value.encode().decode("latin-1")
        for name, value in reversed(request.query_pairs)
        if name.lower().startswith("x-amz-")
    }
    values |= {name: value for name, value in request.headers.items() if name.startswith("x-amz-")}
    return [f"{name}:{' '.join(values[name].split())}" for name in sorted(values)]


def _sub_resources(query_string: str) -> str:
    parts = [part.partition("=") for part in query_string.split("&")]
    covered = sorted(part for part in parts if part[0] in _COVERED)
    text = "&".join(f"{name}{equals}{unquote(value)}" for name, equals, value in covered)
    return f"?{text}" if text else ""
