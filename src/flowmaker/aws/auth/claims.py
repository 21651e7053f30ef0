"""What a request says of its signature, before anything of it is believed."""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from flowmaker.aws.errors import AwsError

ALGORITHM = "AWS4-HMAC-SHA256"
_BASIC = re.compile(r"[0-9]{8}T[0-9]{6}Z")


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """The credential scope: `DATE/REGION/SERVICE/aws4_request`."""

    date: str
    region: str
    service: str

    def __str__(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


@dataclass(frozen=True, kw_only=True, slots=True)
class Signed:
    """What a request claims about its signature; nothing of it is verified yet."""

    access_key_id: str
    scope: Scope
    signed_headers: tuple[str, ...]
    signature: str
    #: When it was signed: `20260131T120000Z`.
    date: str
    session_token: str | None = None
    #: Seconds that a presigned URL lives; None for a signature in the header.
    expires: int | None = None

    @property
    def presigned(self) -> bool:
        return self.expires is not None

    @property
    def moment(self) -> datetime:
        if _BASIC.fullmatch(self.date):
            with suppress(ValueError):
                # Every request is read: `strptime` would take as long as the rest of its signature.
                return datetime.fromisoformat(self.date)
        raise incomplete(f"Date must be in ISO-8601 'basic format'. Got '{self.date}'.")


def incomplete(message: str) -> AwsError:
    return AwsError("IncompleteSignature", message)


def refuse_other(algorithm: str) -> None:
    """Only the one algorithm: others are refused by name."""
    if not algorithm:
        raise AwsError("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
    if algorithm != ALGORITHM:
        message = (
            f"The authorization mechanism you have provided ({algorithm}) is not supported. "
            f"Please use {ALGORITHM}."
        )
        raise AwsError("InvalidRequest", message)


def read_credential(credential: str) -> tuple[str, Scope]:
    """`AKIA…/20260131/us-east-1/s3/aws4_request`, in its parts."""
    parts = credential.rsplit("/", 4)
    if len(parts) != 5 or parts[4] != "aws4_request" or not all(parts):  # noqa: PLR2004
        message = (
            f"Credential must be KEYID/YYYYMMDD/REGION/SERVICE/aws4_request, got '{credential}'."
        )
        raise incomplete(message)
    return parts[0], Scope(date=parts[1], region=parts[2], service=parts[3])
