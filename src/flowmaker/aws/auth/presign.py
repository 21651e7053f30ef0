"""Signatures in the query: presigned URLs of S3, presigned calls of STS and others."""

from dataclasses import replace

from flowmaker.aws.auth import sigv2
from flowmaker.aws.auth.claims import Signed, read_credential, refuse_other
from flowmaker.aws.errors import AwsError
from flowmaker.aws.protocol.request import Request

#: AWS's own limit: seven days.
MAX_EXPIRES = 604800
#: What a service other than S3 takes when the URL does not say.
DEFAULT_EXPIRES = 900
_OF_SIGNATURE = frozenset({
    "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signature",
    "x-amz-signedheaders", "x-amz-security-token", "x-amz-content-sha256",
})  # fmt: skip
_NEEDED = ("X-Amz-Credential", "X-Amz-Signature", "X-Amz-Date", "X-Amz-SignedHeaders")


def is_presigned(request: Request) -> bool:
    """Whether the signature is in the query: of this version, or of the older one."""
    if "authorization" in request.headers:
        return False
    query = request.query
    return (
        "X-Amz-Algorithm" in query
        or "X-Amz-Signature" in query
        or ("AWSAccessKeyId" in query and "Signature" in query)
    )


def read(request: Request) -> Signed:
    """What the query claims about its signature.

    Raises:
        AwsError: it is of another kind, or a part is missing.
    """
    query = request.query
    if "X-Amz-Algorithm" not in query and "AWSAccessKeyId" in query:
        return sigv2.read(request)
    refuse_other(query.get("X-Amz-Algorithm", "AWS"))
    missing = [name for name in _NEEDED if not query.get(name)]
    if missing:
        message = (
            "Query-string authentication version 4 requires the X-Amz-Algorithm, "
            "X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and "
            f"X-Amz-Expires parameters; {', '.join(missing)} is missing."
        )
        raise _bad_parameters(message)
    access_key_id, scope = read_credential(query["X-Amz-Credential"])
    return Signed(
        access_key_id=access_key_id,
        scope=scope,
        signed_headers=tuple(query["X-Amz-SignedHeaders"].lower().split(";")),
        signature=query["X-Amz-Signature"],
        date=query["X-Amz-Date"],
        session_token=query.get("X-Amz-Security-Token"),
        expires=_expires(query.get("X-Amz-Expires"), scope.service),
    )


def with_headers_of_query(request: Request) -> Request:
    """The request as it is meant: S3 takes `x-amz-…` of a presigned query for headers.

    SDKs put there what they would else have to tell the user to send.
    """
    meant = tuple(
        (name.lower(), value.encode().decode("latin-1"))
        for name, value in request.query_pairs
        if name.lower().startswith("x-amz-")
        and name.lower() not in _OF_SIGNATURE
        and name.lower() not in request.headers
    )
    return replace(request, header_list=(*request.header_list, *meant)) if meant else request


def _expires(value: str | None, service: str) -> int:
    if value is None and service != "s3":
        return DEFAULT_EXPIRES
    if value is None or not value.isascii() or not value.isdecimal():
        raise _bad_parameters("X-Amz-Expires should be a number")
    if len(value) > len(str(MAX_EXPIRES)) or int(value) > MAX_EXPIRES:
        message = "X-Amz-Expires must be less than a week (in seconds); that is less than 604800"
        raise _bad_parameters(message)
    return int(value)


def _bad_parameters(message: str) -> AwsError:
    return AwsError("AuthorizationQueryParametersError", message)
