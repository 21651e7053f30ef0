"""The kinds of signatures, told apart: how each is read and verified, and what it proves."""

from collections.abc import Mapping
from datetime import datetime

from flowmaker.aws.auth import anonymous, posted, presign, sigv2, sigv4
from flowmaker.aws.auth.claims import ALGORITHM, Signed
from flowmaker.aws.auth.sigv4 import Key, KeyStore
from flowmaker.aws.protocol.request import Request


def read(request: Request) -> Signed:
    """What a request claims about its signature.

    Raises:
        AwsError: there is none, it is of a kind that is not known here, or a part is missing.
    """
    if presign.is_presigned(request):
        return presign.read(request)
    if anonymous.is_anonymous(request):
        return anonymous.read(request)
    return sigv4.read(request)


async def authenticate(
    signed: Signed, request: Request, payload_hash: str, keys: KeyStore, now: datetime
) -> Key:
    """The key whose secret signed the request; nobody's when nobody claims to have signed it.

    Raises:
        AwsError: the key is unknown or expired, or it did not sign this request, or not now.
    """
    if signed is anonymous.NOBODY:
        return anonymous.KEY
    if isinstance(signed, sigv2.SignedUrl):
        return await sigv2.authenticate(signed, request, keys, now)
    return await sigv4.authenticate(signed, request, payload_hash, keys, now)


def meant(signed: Signed, request: Request) -> Request:
    """The request without its signature's form: what the client wants to be done."""
    if signed is anonymous.NOBODY:
        return anonymous.in_s3(request)
    return presign.with_headers_of_query(request) if signed.presigned else request


def check_covers(signed: Signed, request_uri: str) -> None:
    """Whether a signature of that kind is proof enough for the operation.

    Raises:
        AwsError: it leaves out what makes the request this operation.
    """
    if isinstance(signed, sigv2.SignedUrl):
        sigv2.check_covers(request_uri)


def context(signed: Signed) -> Mapping[str, str]:
    """Condition keys of S3 about the signature."""
    if signed is anonymous.NOBODY:
        return {}
    if isinstance(signed, posted.PostedForm):
        version = ALGORITHM if signed.is_version_4 else "AWS"
        return {"s3:authType": "POST", "s3:signatureversion": version}
    return {
        "s3:authType": "REST-QUERY-STRING" if signed.presigned else "REST-HEADER",
        "s3:signatureversion": "AWS" if isinstance(signed, sigv2.SignedUrl) else ALGORITHM,
    }
