"""Requests without a signature: they may read what the policy of a bucket shows to everyone.

On the one port they have a place of their own, `/s3/BUCKET/KEY`.
"""

from dataclasses import replace

from flowmaker.aws.auth.claims import Scope, Signed
from flowmaker.aws.auth.sigv4 import Key
from flowmaker.aws.errors import AwsError
from flowmaker.aws.protocol.request import Request
from flowmaker.aws.service import Principal

PREFIX = "/s3"
#: What such a request claims: nothing.
NOBODY = Signed(
    access_key_id="",
    scope=Scope(date="", region="us-east-1", service="s3"),
    signed_headers=(),
    signature="",
    date="",
    expires=0,
)
KEY = Key(secret="", principal=Principal(account="", arn="", user_id=""))


def is_anonymous(request: Request) -> bool:
    signed = "authorization" in request.headers
    return not signed and request.path.startswith(f"{PREFIX}/")


def read(request: Request) -> Signed:
    """Nobody's claim.

    Raises:
        AwsError: it is more than reading.
    """
    if request.method not in ("GET", "HEAD"):
        raise AwsError("AccessDenied", "Anonymous requests may only read: GET and HEAD", 403)
    if any(name.startswith("response-") for name in request.query):
        message = "Request specific response headers cannot be used for anonymous GET requests."
        raise AwsError("InvalidRequest", message)
    return NOBODY


def in_s3(request: Request) -> Request:
    """The request as S3 knows it."""
    return replace(request, path=request.path.removeprefix(PREFIX))
