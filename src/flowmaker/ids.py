"""Names of things: random ids and Amazon resource names."""

import secrets
import uuid

#: The account that everything belongs to. Twelve zeros are no real AWS account.
ACCOUNT = "000000000000"


def new() -> str:
    """A random id, as KFP and AWS write theirs: a UUID."""
    return str(uuid.uuid4())  # noqa: TID251 - the one place that may ask


def token(size: int = 16) -> str:
    """`size` random letters and digits, for names and for keys that must not be guessed."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    return "".join(secrets.choice(letters) for _ in range(size))


def arn(service: str, region: str, account: str, resource: str, *, partition: str = "aws") -> str:
    """An Amazon resource name, e.g. `arn:aws:iam::000000000000:role/Worker`."""
    return f"arn:{partition}:{service}:{region}:{account}:{resource}"
