"""The `Condition` block of a statement: every operator of IAM's reference, as documented there."""

import base64
import binascii
import ipaddress
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from flowmaker.aws.auth.patterns import Context, Template

#: Whether a value of the request fits a value of the policy.
Comparison = Callable[[str, Template, Context], bool]

_ARN_PARTS = 6


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one key: `{"StringLike": {"s3:prefix": ["home/*"]}}`."""

    key: str
    values: tuple[Template, ...]
    compare: Comparison
    #: `StringNotEquals` and its kind: holds when none of the policy's values fits.
    negated: bool = False
    #: `ForAllValues`, `ForAnyValue` or empty.
    quantifier: str = ""
    if_exists: bool = False

    def holds(self, context: Context) -> bool:
        present = context.get(self.key, ())
        if not present:
            return self._absent()
        if self.quantifier == "ForAllValues":
            return all(self._fits(value, context) != self.negated for value in present)
        if self.quantifier == "ForAnyValue":
            return any(self._fits(value, context) != self.negated for value in present)
        return any(self._fits(value, context) for value in present) != self.negated

    def _absent(self) -> bool:
        """Without the key a value cannot fit: only "not" and "all of none" are true of it."""
        if self.if_exists or self.quantifier == "ForAllValues":
            return True
        return self.negated and not self.quantifier

    def _fits(self, value: str, context: Context) -> bool:
        return any(self.compare(value, wanted, context) for wanted in self.values)


@dataclass(frozen=True, slots=True)
class Null:
    """`Null`: whether the key is absent (`true`) or present (`false`)."""

    key: str
    absent: frozenset[bool]

    def holds(self, context: Context) -> bool:
        return (not context.get(self.key)) in self.absent


def _equals(value: str, wanted: Template, context: Context) -> bool:
    return value == wanted.resolve(context)


def _equals_ignore_case(value: str, wanted: Template, context: Context) -> bool:
    text = wanted.resolve(context)
    return text is not None and value.casefold() == text.casefold()


def _like(value: str, wanted: Template, context: Context) -> bool:
    return wanted.like(value, context)


def _numeric(compare: Callable[[Decimal, Decimal], bool]) -> Comparison:
    def fits(value: str, wanted: Template, context: Context) -> bool:
        try:
            return compare(Decimal(value), Decimal(wanted.resolve(context) or ""))
        except InvalidOperation:
            return False

    return fits


def _date(compare: Callable[[datetime, datetime], bool]) -> Comparison:
    def fits(value: str, wanted: Template, context: Context) -> bool:
        try:
            return compare(moment(value), moment(wanted.resolve(context) or ""))
        except (ValueError, OverflowError):
            return False

    return fits


def moment(text: str) -> datetime:
    """A time as policies write it: ISO 8601, or seconds of the epoch.

    Raises:
        ValueError: it is neither.
    """
    if re.fullmatch(r"-?\d{5,}(\.\d+)?", text):
        return datetime.fromtimestamp(float(text), UTC)
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _binary(value: str, wanted: Template, context: Context) -> bool:
    try:
        text = wanted.resolve(context) or ""
        return base64.b64decode(value, validate=True) == base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False


def _ip(value: str, wanted: Template, context: Context) -> bool:
    try:
        network = ipaddress.ip_network(wanted.resolve(context) or "", strict=False)
        return ipaddress.ip_address(value) in network
    except ValueError:
        return False


def _arn(value: str, wanted: Template, context: Context) -> bool:
    """Each of the six components by itself: a `*` does not reach over a colon."""
    patterns = wanted.components(context, _ARN_PARTS)
    parts = value.split(":", _ARN_PARTS - 1)
    if patterns is None or len(parts) != _ARN_PARTS:
        return False
    return all(
        pattern.fullmatch(part) is not None for pattern, part in zip(patterns, parts, strict=True)
    )


#: Operator (in lower case) to how it compares and whether it is negated.
_OPERATORS: dict[str, tuple[Comparison, bool]] = {
    "stringequals": (_equals, False),
    "stringnotequals": (_equals, True),
    "stringequalsignorecase": (_equals_ignore_case, False),
    "stringnotequalsignorecase": (_equals_ignore_case, True),
    "stringlike": (_like, False),
    "stringnotlike": (_like, True),
    "numericequals": (_numeric(operator.eq), False),
    "numericnotequals": (_numeric(operator.eq), True),
    "numericlessthan": (_numeric(operator.lt), False),
    "numericlessthanequals": (_numeric(operator.le), False),
    "numericgreaterthan": (_numeric(operator.gt), False),
    "numericgreaterthanequals": (_numeric(operator.ge), False),
    "dateequals": (_date(operator.eq), False),
    "datenotequals": (_date(operator.eq), True),
    "datelessthan": (_date(operator.lt), False),
    "datelessthanequals": (_date(operator.le), False),
    "dategreaterthan": (_date(operator.gt), False),
    "dategreaterthanequals": (_date(operator.ge), False),
    "bool": (_equals_ignore_case, False),
    "binaryequals": (_binary, False),
    "ipaddress": (_ip, False),
    "notipaddress": (_ip, True),
    "arnequals": (_arn, False),
    "arnlike": (_arn, False),
    "arnnotequals": (_arn, True),
    "arnnotlike": (_arn, True),
}

#: Operators whose values may have variables; those of the others stand for themselves.
_WITH_VARIABLES = ("string", "bool", "arn")
_QUANTIFIERS = {"forallvalues": "ForAllValues", "foranyvalue": "ForAnyValue"}


def condition(
    name: str, key: str, values: tuple[str, ...], *, variables: bool
) -> Condition | Null | None:
    """The condition of that operator's name, or nothing when there is no such operator."""
    quantifier, found, rest = name.lower().partition(":")
    if not found:
        quantifier, rest = "", quantifier
    elif quantifier not in _QUANTIFIERS:
        return None
    if rest == "null" and not quantifier:
        return Null(key.lower(), frozenset(value.lower() == "true" for value in values))
    comparison = _OPERATORS.get(rest.removesuffix("ifexists"))
    if comparison is None:
        return None
    variables = variables and rest.startswith(_WITH_VARIABLES)
    return Condition(
        key=key.lower(),
        values=tuple(Template(value, variables=variables) for value in values),
        compare=comparison[0],
        negated=comparison[1],
        quantifier=_QUANTIFIERS.get(quantifier, ""),
        if_exists=rest.endswith("ifexists"),
    )
