"""The condition keys that a policy asks for: in its conditions, and as variables. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from flowmaker.aws.auth.policy import Document, Kind, parse

#: `${aws:username}`, also with a default; `${*}`, `${?}` and `${$}` stand for themselves.
_VARIABLE = re.compile(r"\$\{\s*([A-Za-z][^,}\s]*)\s*(?:,[^}]*)?\}")


def context_keys(text: str) -> list[str]:
    """The keys, as the policy writes them, in the order of the alphabet.

    Raises:
        AwsError: MalformedPolicyDocument.
    """
    parse(text, Kind.IDENTITY)
    found = {key.lower(): key for key in _keys(json.loads(text))}
    return sorted(found.values())


def missing(document: Document, action: str, context: Mapping[str, Any]) -> set[str]:
    """The keys that its statements about an action ask for, and that have no value."""
    return {
        condition.key
        for statement in document.statements
        if statement.actions.match(action, {}) != statement.actions_negated
        for condition in statement.conditions
        if condition.key not in context
    }


def _keys(policy: dict[str, Any]) -> Iterator[str]:
    found = policy["Statement"]
    statements = cast("list[dict[str, Any]]", found if isinstance(found, list) else [found])
    for statement in statements:
        conditions = cast("dict[str, dict[str, Any]]", statement.get("Condition", {}))
        for of_operator in conditions.values():
            yield from of_operator
        named = (statement.get("Resource"), statement.get("NotResource"), conditions)
        yield from _VARIABLE.findall(json.dumps(named))
