"""AWS Signature Version 4: who signed this request, and is it theirs.

The rules are those of the AWS reference "Create a signed AWS API request". S3 differs from the
others in two: its paths are not normalised and are encoded once, and the hash of its payload is
what the client says in `x-amz-content-sha256` (verified when the body has been read).
"""

import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from flowmaker.aws.auth.canonical import (
    canonical_paths,
    canonical_request,
    sign,
    signing_key,
    string_to_sign,
)
from flowmaker.aws.auth.claims import Signed, incomplete, read_credential, refuse_other
from flowmaker.aws.errors import AwsError
from flowmaker.aws.protocol.request import Request
from flowmaker.aws.service import Principal

#: How far a client's clock may be off.
SKEW = timedelta(minutes=15)
#: Travels unsigned in practice and changes nothing; or its value is in the signature anyway.
_MAY_BE_UNSIGNED = {"x-amz-content-sha256", "x-amz-user-agent"}
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """An access key as the store of keys knows it."""

    secret: str
    principal: Principal
    #: Of temporary credentials.
    expires_at: datetime | None = None
    #: `Active` or `Inactive`.
    status: str = "Active"


class KeyStore(Protocol):
    """Whoever keeps access keys."""

    async def find(self, access_key_id: str, session_token: str | None) -> Key | None:
        """The key, or None when there is none of that name or the token is not its own.

        Temporary keys are found only with their token, lasting ones only without any.
        """
        ...


def read(request: Request) -> Signed:
    """The signature in the Authorization header.

    Raises:
        AwsError: there is none, it is of another kind, or a part is missing.
    """
    header = request.headers.get("authorization", "")
    algorithm, _, rest = header.partition(" ")
    refuse_other(algorithm)
    pairs = (part.strip().partition("=") for part in rest.split(","))
    parts = {name: value for name, _, value in pairs}
    missing = [name for name in ("Credential", "SignedHeaders", "Signature") if not parts.get(name)]
    if missing:
        words = " ".join(f"Authorization header requires '{name}' parameter." for name in missing)
        raise incomplete(words)
    access_key_id, scope = read_credential(parts["Credential"])
    return Signed(
        access_key_id=access_key_id,
        scope=scope,
        signed_headers=tuple(parts["SignedHeaders"].lower().split(";")),
        signature=parts["Signature"],
        date=_header_date(request),
        session_token=request.headers.get("x-amz-security-token"),
    )


def _header_date(request: Request) -> str:
    date = request.headers.get("x-amz-date", "")
    if not date:
        message = "Authorization header requires existence of an 'X-Amz-Date' header."
        raise incomplete(message)
    return date


# --- verification ---


async def authenticate(
    signed: Signed, request: Request, payload_hash: str, keys: KeyStore, now: datetime
) -> Key:
    """The key whose secret signed the request.

    Raises:
        AwsError: the key is unknown or expired, or it did not sign this request, or not now.
    """
    check_time(signed, now)
    key = await find_key(signed, keys, now)
    _check_headers_signed(signed, request)
    _check_signature(signed, request, payload_hash, key.secret)
    return key


async def find_key(signed: Signed, keys: KeyStore, now: datetime) -> Key:
    """The key that a request claims to be signed with.

    Raises:
        AwsError: there is none, or it is over.
    """
    key = await keys.find(signed.access_key_id, signed.session_token)
    if key is None or key.status != "Active":
        raise _unknown_key(signed)
    if key.expires_at is not None and key.expires_at <= now:
        message = "The security token included in the request is expired"
        raise AwsError("ExpiredToken", message, 403)
    return key


def check_time(signed: Signed, now: datetime) -> None:
    """Signed not long ago; of a presigned URL: not over yet."""
    moment = signed.moment
    if signed.scope.date != signed.date[:8]:
        message = (
            f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date "
            f"from HTTP: '{signed.scope.date}' != '{signed.date[:8]}', from '{signed.date}'."
        )
        raise AwsError("SignatureDoesNotMatch", message, 403)
    end = moment + (SKEW if signed.expires is None else timedelta(seconds=signed.expires))
    if now > end:
        raise _too_late(signed, end, now)
    if moment > now + SKEW:
        raise _too_early(signed, now)


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y%m%dT%H%M%SZ")


def _too_late(signed: Signed, end: datetime, now: datetime) -> AwsError:
    if signed.scope.service != "s3":
        message = f"Signature expired: {_stamp(end)} is now earlier than {_stamp(now)}"
        return AwsError("SignatureDoesNotMatch", message, 403)
    if signed.expires is None:
        return _skewed(signed, now)
    return expired(end, now)


def expired(end: datetime, now: datetime) -> AwsError:
    """What S3 says of a presigned URL that is over."""
    return AwsError(
        "AccessDenied",
        "Request has expired",
        403,
        Expires=end.strftime("%Y-%m-%dT%H:%M:%SZ"),
        ServerTime=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


def _too_early(signed: Signed, now: datetime) -> AwsError:
    if signed.scope.service != "s3":
        message = f"Signature not yet current: {signed.date} is still later than {_stamp(now)}"
        return AwsError("SignatureDoesNotMatch", message, 403)
    if signed.expires is None:
        return _skewed(signed, now)
    return AwsError("AccessDenied", "Request is not valid yet", 403)


def _skewed(signed: Signed, now: datetime) -> AwsError:
    return AwsError(
        "RequestTimeTooSkewed",
        "The difference between the request time and the current time is too large.",
        403,
        RequestTime=signed.date,
        ServerTime=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        MaxAllowedSkewMilliseconds=int(SKEW.total_seconds() * 1000),
    )


def _unknown_key(signed: Signed) -> AwsError:
    if signed.scope.service == "s3":
        message = "The AWS Access Key Id you provided does not exist in our records."
        return AwsError("InvalidAccessKeyId", message, 403, AWSAccessKeyId=signed.access_key_id)
    message = "The security token included in the request is invalid."
    return AwsError("InvalidClientTokenId", message, 403)


def _check_headers_signed(signed: Signed, request: Request) -> None:
    """Nobody may add to a signed request what changes its meaning."""
    needed = {"host"} | {
        name
        for name in request.headers
        if name.startswith("x-amz-") and name not in _MAY_BE_UNSIGNED
    }
    unsigned = sorted(needed - set(signed.signed_headers))
    if unsigned:
        message = "There were headers present in the request which were not signed"
        names = ", ".join(unsigned)
        code = "AccessDenied" if signed.scope.service == "s3" else "SignatureDoesNotMatch"
        raise AwsError(code, f"{message}: {names}", 403, HeadersNotSigned=names)


def _check_signature(signed: Signed, request: Request, payload_hash: str, secret: str) -> None:
    key = signing_key(secret, signed.scope)
    strings: list[tuple[bytes, bytes]] = []
    for path in canonical_paths(request.path, signed.scope.service):
        canonical = canonical_request(signed, request, path, payload_hash)
        to_sign = string_to_sign(signed, canonical)
        if hmac.compare_digest(sign(key, to_sign), signed.signature.encode()):
            return
        strings.append((canonical, to_sign))
    raise _mismatch(signed, *strings[0])


def _mismatch(signed: Signed, canonical: bytes, to_sign: bytes) -> AwsError:
    """With what was compared, as AWS does: it is how clients find their mistake."""
    theirs = re.sub(r"(x-amz-security-token:)[^\n]*", r"\1…", canonical.decode("latin-1"))
    if signed.scope.service == "s3":
        return wrong_signature(signed, to_sign.decode("latin-1"), CanonicalRequest=theirs)
    message = (
        f"{_MISMATCH} Consult the service documentation for details.\n\n"
        f"The Canonical String for this request should have been\n'{theirs}'\n\n"
        f"The String-to-Sign should have been\n'{to_sign.decode('latin-1')}'\n"
    )
    return AwsError("SignatureDoesNotMatch", message, 403)


def wrong_signature(signed: Signed, to_sign: str, **more: str) -> AwsError:
    """What S3 says of a signature that is not right; the caller's token is not repeated."""
    shown = re.sub(r"(x-amz-security-token:)[^\n]*", r"\1…", to_sign)
    return AwsError(
        "SignatureDoesNotMatch",
        _MISMATCH,
        403,
        AWSAccessKeyId=signed.access_key_id,
        StringToSign=shown,
        SignatureProvided=signed.signature,
        **more,
    )
