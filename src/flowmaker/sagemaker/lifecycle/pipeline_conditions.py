"""Whether the conditions of a Condition step hold."""

from collections.abc import Callable, Mapping
from typing import Any

from flowmaker.sagemaker.lifecycle.references import Facts, Unresolved, resolve

_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "Equals": lambda left, right: left == right,
    "GreaterThan": lambda left, right: left > right,
    "GreaterThanOrEqualTo": lambda left, right: left >= right,
    "LessThan": lambda left, right: left < right,
    "LessThanOrEqualTo": lambda left, right: left <= right,
}
#: The members of each type of condition that must be there.
MEMBERS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(_ORDERS, ("LeftValue", "RightValue")),
    "In": ("QueryValue", "Values"),
    "Not": ("Condition",),
    "Or": ("Conditions",),
}


def holds(condition: Mapping[str, Any], facts: Facts) -> bool:
    """Whether one condition holds.

    Raises:
        Unresolved: it refers to what is not there, or compares what cannot be compared.
    """
    kind = condition["Type"]
    if kind == "Not":
        return not holds(condition["Condition"], facts)
    if kind == "Or":
        return any(holds(one, facts) for one in condition["Conditions"])
    if kind == "In":
        value = resolve(condition["QueryValue"], facts)
        choices = [resolve(one, facts) for one in condition["Values"]]
        return any(_compare("Equals", value, one) for one in choices)
    left, right = (resolve(condition[name], facts) for name in MEMBERS[kind])
    return _compare(kind, left, right)


def _compare(kind: str, left: Any, right: Any) -> bool:  # noqa: ANN401 - JSON
    left, right = _alike(left, right), _alike(right, left)
    try:
        return _ORDERS[kind](left, right)
    except TypeError:
        raise Unresolved(f"{kind}: {left!r} and {right!r} cannot be compared") from None


def _alike(value: Any, other: Any) -> Any:  # noqa: ANN401 - JSON
    """A text that is to be compared with a number, as a number, if it is one."""
    if isinstance(value, str) and isinstance(other, int | float) and not isinstance(other, bool):
        try:
            return float(value)
        except ValueError:
            return value
    return value
