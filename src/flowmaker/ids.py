"""Names of things: random ids and Amazon resource names."""

import re
import secrets
import uuid

#: The first account, which pipelines and the web interface act in. Twelve zeros are no real AWS
#: account.
ACCOUNT = "000000000000"
_ACCOUNT = re.compile(r"[0-9]{12}")


def new() -> str:
    """A random id, as KFP and AWS write theirs: a UUID."""
    return str(uuid.uuid4())  # noqa: TID251 - the one place that may ask


def token(size: int = 16) -> str:
    """`size` random letters and digits, for names and for keys that must not be guessed."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    return "".join(secrets.choice(letters) for _ in range(size))


def new_account() -> str:
    """The id of a new account: twelve random digits."""
    return str(10**11 + secrets.randbelow(9 * 10**11))


def account_of(resource: str) -> str:
    """The account in an ARN; empty where it has none, as S3's and those that are AWS's own."""
    parts = resource.split(":", 5)
    is_arn = len(parts) == 6 and parts[0] == "arn"  # noqa: PLR2004 - an ARN has six parts
    return parts[4] if is_arn and _ACCOUNT.fullmatch(parts[4]) else ""


def arn(service: str, region: str, account: str, resource: str, *, partition: str = "aws") -> str:
    """An Amazon resource name, e.g. `arn:aws:iam::000000000000:role/Worker`."""
    return f"arn:{partition}:{service}:{region}:{account}:{resource}"
