"""What the policy of a form lets it be: Amazon S3's "Creating a POST policy". Pure.

The policy is JSON that was signed; each field of the form must be named by one of its conditions.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from flowmaker.aws.errors import AwsError

_RANGE = "content-length-range"
#: Fields that need no condition; nor does one that begins with `x-ignore-`.
_FREE = frozenset({"x-amz-signature", "signature", "file", "policy", "awsaccesskeyid"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """How many bytes the file may have."""

    least: int = 0
    most: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Condition:
    kind: str
    field: str
    value: str

    def holds(self, value: str | None) -> bool:
        if value is None:
            return False
        if self.kind == "eq":
            return value == self.value
        # Of several types of content, each must begin so.
        every = value.split(",") if self.field == "content-type" else [value]
        return all(one.strip().startswith(self.value) for one in every)

    def __str__(self) -> str:
        return json.dumps([self.kind, f"${self.field}", self.value])


def check(policy: str, fields: Mapping[str, str], bucket: str, now: datetime) -> Sizes:
    """How large the file may be, if the fields are as the policy wants them.

    Raises:
        AwsError: InvalidPolicyDocument, or AccessDenied with the condition that does not hold.
    """
    document = _read(policy)
    if now >= _expiration(document):
        raise _denied("Policy expired.")
    conditions, sizes = _conditions(document)
    given = {**fields, "bucket": bucket}
    for condition in conditions:
        if not condition.holds(given.get(condition.field)):
            raise _denied(f"Policy Condition failed: {condition}")
    named = {condition.field for condition in conditions} | _FREE
    extra = [each for each in fields if each not in named and not each.startswith("x-ignore-")]
    if extra:
        raise _denied(f"Extra input fields: {', '.join(extra)}")
    return sizes


def _read(policy: str) -> Mapping[str, Any]:
    try:
        document = json.loads(base64.b64decode(policy, validate=True))
    except (binascii.Error, ValueError):
        raise _invalid("Invalid JSON.") from None
    if not isinstance(document, dict):
        raise _invalid("Invalid JSON.")
    return cast("dict[str, Any]", document)


def _expiration(document: Mapping[str, Any]) -> datetime:
    text = document.get("expiration")
    if not isinstance(text, str):
        raise _invalid("Policy missing expiration.")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _invalid(f"Invalid 'expiration' value: '{text}'") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _conditions(document: Mapping[str, Any]) -> tuple[list[_Condition], Sizes]:
    listed = document.get("conditions")
    if not isinstance(listed, list):
        raise _invalid("Policy missing conditions.")
    found: list[_Condition] = []
    sizes = Sizes()
    for one in cast("list[object]", listed):
        if isinstance(one, dict):
            pairs = cast("dict[str, object]", one)
            found += [_condition(["eq", f"${name}", value]) for name, value in pairs.items()]
            continue
        if not isinstance(one, list):
            raise _invalid("Invalid Condition: it is neither an object nor an array.")
        parts = cast("list[object]", one)
        if parts and str(parts[0]).lower() == _RANGE:
            sizes = _sizes(parts)
        else:
            found.append(_condition(parts))
    return found, sizes


def _condition(parts: Sequence[object]) -> _Condition:
    shown = json.dumps(list(parts))
    if len(parts) != 3 or not all(isinstance(one, str) for one in parts):  # noqa: PLR2004
        raise _invalid(f"Invalid Condition: {shown}")
    kind, name, value = (cast("str", one) for one in parts)
    if kind.lower() not in ("eq", "starts-with") or not name.startswith("$"):
        raise _invalid(f"Invalid Condition: {shown}")
    return _Condition(kind=kind.lower(), field=name[1:].lower(), value=value)


def _sizes(parts: Sequence[object]) -> Sizes:
    try:
        _, least, most = (
            int(cast("str", one)) if number else 0 for number, one in enumerate(parts)
        )
    except (TypeError, ValueError):
        raise _invalid(f"Invalid {_RANGE}: {json.dumps(list(parts))}") from None
    return Sizes(least=least, most=most)


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidPolicyDocument", f"Invalid Policy: {message}")


def _denied(message: str) -> AwsError:
    return AwsError("AccessDenied", f"Invalid according to Policy: {message}", 403)
