"""The smallest policy that covers what was needed. Pure.

A name that is made anew each time would be of no use in a policy: what in it is a time, a number
or a random id becomes `*`, unless the exact names are asked for. So do many objects of a bucket.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from flowmaker.aws.auth.observed import Observation
from flowmaker.aws.auth.patterns import Template

#: So many objects of a bucket stand in a policy by themselves; more become their common folder.
_OBJECTS = 4
#: What changes from one use to the next: a UUID, a time, or random hexadecimal digits with one
#: that is a figure.
_ANEW = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\d{4}-\d{2}-\d{2}(?:[-T]\d{2}-\d{2}-\d{2}(?:-\d{3})?)?"
    r"|\d{5,14}"
    r"|(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{6,}"
    r")(?![A-Za-z0-9])"
)

#: Action, resource and the service that a role is passed to.
Needed = tuple[str, str, str]


def least(observations: Iterable[Observation], *, exact: bool = False) -> dict[str, Any]:
    """A policy's document: for each set of resources one statement with all actions on them."""
    needed = {(one.action, _nameable(one.resource), one.passed_to) for one in observations}
    if not exact:
        needed = _folders({(action, general(on), to) for action, on, to in needed})
    resources: dict[tuple[str, str], set[str]] = {}
    for action, resource, passed_to in needed:
        resources.setdefault((action, passed_to), set()).add(resource)
    actions: dict[tuple[tuple[str, ...], str], set[str]] = {}
    for (action, passed_to), found in resources.items():
        actions.setdefault((tuple(sorted(_widest(found))), passed_to), set()).add(action)
    statements = [_statement(sorted(of), on, passed_to) for (on, passed_to), of in actions.items()]
    return {"Version": "2012-10-17", "Statement": sorted(statements, key=json.dumps)}


def general(resource: str) -> str:
    """An ARN without what is another each time, but for the account."""
    parts = resource.split(":", 5)
    if len(parts) < 6:  # noqa: PLR2004 - an ARN has six parts
        return resource
    kind, slash, name = parts[5].partition("/")
    parts[5] = kind + slash + _ANEW.sub("*", name)
    return ":".join(parts)


def _nameable(resource: str) -> str:
    """What a list of things is asked for by is nothing that a policy can name."""
    return resource if resource.startswith("arn:") else "*"


def _folders(needed: set[Needed]) -> set[Needed]:
    """Many objects of one bucket that are needed in one way become the folder that has them."""
    groups: dict[tuple[str, str, str], set[str]] = {}
    kept: set[Needed] = set()
    for action, resource, passed_to in needed:
        bucket, slash, key = resource.removeprefix("arn:aws:s3:::").partition("/")
        if resource.startswith("arn:aws:s3:::") and slash:
            groups.setdefault((action, passed_to, bucket), set()).add(key)
        else:
            kept.add((action, resource, passed_to))
    for (action, passed_to, bucket), keys in groups.items():
        named = keys if len(keys) <= _OBJECTS else {f"{_folder(keys)}*"}
        kept |= {(action, f"arn:aws:s3:::{bucket}/{key}", passed_to) for key in named}
    return kept


def _folder(keys: set[str]) -> str:
    """The longest folder, with its slash, that all are in."""
    first, last = min(keys), max(keys)
    pairs = enumerate(zip(first, last, strict=False))
    same = next((index for index, (one, other) in pairs if one != other), len(first))
    return first[: first.rfind("/", 0, same) + 1]


def _widest(resources: set[str]) -> set[str]:
    """Those that no other covers."""
    wide = {one: Template(one) for one in resources if "*" in one}
    return {
        one
        for one in resources
        if not any(other != one and wide[other].like(one, {}) for other in wide)
    }


def _statement(actions: list[str], on: tuple[str, ...], passed_to: str) -> Mapping[str, Any]:
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Action": actions[0] if len(actions) == 1 else actions,
        "Resource": on[0] if len(on) == 1 else list(on),
    }
    if passed_to:
        statement["Condition"] = {"StringEquals": {"iam:PassedToService": passed_to}}
    return statement
