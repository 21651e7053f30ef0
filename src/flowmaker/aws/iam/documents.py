"""Policy documents on their way in: well-formed, and not too long."""

from flowmaker.aws.auth.policy import Kind, parse
from flowmaker.aws.iam.refusals import limit

#: IAM's quotas, in characters that are no white space.
MANAGED_SIZE = 6144
TRUST_SIZE = 2048
INLINE_SIZE = {"user": 2048, "role": 10240, "group": 5120}


def managed(text: str) -> str:
    parse(text, Kind.IDENTITY)
    if _size(text) > MANAGED_SIZE:
        raise limit("PolicySize", MANAGED_SIZE)
    return text


def trust(text: str) -> str:
    parse(text, Kind.TRUST)
    if _size(text) > TRUST_SIZE:
        raise limit("ACLSizePerRole", TRUST_SIZE)
    return text


def inline(text: str, kind: str, others: list[str]) -> str:
    """One of the policies of a user, role or group, which share a quota."""
    parse(text, Kind.IDENTITY)
    if sum(map(_size, [text, *others])) > INLINE_SIZE[kind]:
        raise limit(f"{kind.capitalize()}PolicySize", INLINE_SIZE[kind])
    return text


def _size(text: str) -> int:
    return sum(not character.isspace() for character in text)
