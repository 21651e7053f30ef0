"""Policy documents: refused when IAM would refuse them, else parsed once into what matches fast.

The grammar is that of "IAM JSON policy reference". What IAM accepts but can never match (a date
that is none) is accepted here too, and never matches.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any, cast

from flowmaker.aws.auth.conditions import Condition, Null, condition
from flowmaker.aws.auth.patterns import Context, Patterns
from flowmaker.aws.auth.principals import Caller, Grant, Principals, principals
from flowmaker.aws.errors import AwsError

_VERSIONS = ("2008-10-17", "2012-10-17")
_FIELDS = {"Version", "Id", "Statement"}
_STATEMENT_FIELDS = frozenset(
    {
        "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource",
        "NotResource", "Condition",
    }
)  # fmt: skip
_SID = re.compile(r"[A-Za-z0-9]*")
_ACTION = re.compile(r"[A-Za-z0-9*?_-]+:[A-Za-z0-9*?_.-]+")
_ARN_PARTS = 6


class Kind(Enum):
    """What a document is attached to, which decides what it may and must say."""

    IDENTITY = "identity"
    RESOURCE = "resource"
    TRUST = "trust"
    #: Of images: it speaks of its repository alone.
    REPOSITORY = "repository"


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """One statement, ready to be matched."""

    sid: str
    allow: bool
    actions: Patterns
    actions_negated: bool
    #: None in the policy of a role or a repository: itself.
    resources: Patterns | None
    resources_negated: bool
    #: None in an identity policy: whoever it is attached to.
    principals: Principals | None
    principals_negated: bool
    conditions: tuple[Condition | Null, ...]

    def applies(self, action: str, resource: str, context: Context) -> bool:
        """Whether it speaks of this action on this resource; `grant` says of whom."""
        if self.actions.match(action, context) == self.actions_negated:
            return False
        on = self.resources
        if on is not None and on.match(resource, context) == self.resources_negated:
            return False
        return all(one.holds(context) for one in self.conditions)

    def grant(self, caller: Caller) -> Grant:
        """How directly it names the caller."""
        if self.principals is None:
            return Grant.PRINCIPAL
        if self.principals_negated:
            return Grant.NONE if self.principals.excepts(caller) else Grant.WIDE
        return self.principals.grant(caller)


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed policy document."""

    statements: tuple[Statement, ...]
    #: As it was written.
    text: str = ""


@lru_cache(maxsize=2048)
def parse(text: str, kind: Kind = Kind.IDENTITY) -> Document:
    """The document that `text` is.

    Raises:
        AwsError: MalformedPolicyDocument, in IAM's words and with the place.
    """
    try:
        raw: Any = json.loads(text, object_pairs_hook=_no_duplicates)
    except (ValueError, RecursionError) as error:
        raise malformed(f"This policy contains invalid Json. ({error})") from None
    if not isinstance(raw, dict):
        raise malformed("Syntax errors in policy. (The policy must be a JSON object.)")
    fields = cast("dict[str, Any]", raw)
    for name in fields.keys() - _FIELDS:
        raise malformed(f"Syntax errors in policy. (There is no element {name}.)")
    version = fields.get("Version", _VERSIONS[0])
    if version not in _VERSIONS:
        raise malformed(
            "The policy must contain a valid version string. "
            f"({_VERSIONS[1]} or {_VERSIONS[0]}, not {version!r}.)"
        )
    variables = version == _VERSIONS[1]
    statements = tuple(
        _Parser(place, one, kind, variables=variables).statement()
        for place, one in _statements(fields)
    )
    sids = [statement.sid for statement in statements if statement.sid]
    if len(sids) != len(set(sids)):
        raise malformed("Statement IDs (SID) in a single policy must be unique.")
    return Document(statements, text)


def malformed(message: str) -> AwsError:
    return AwsError("MalformedPolicyDocument", message)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an element occurs twice in one object")
    return found


def _statements(fields: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    raw = fields.get("Statement")
    if raw is None or raw == []:
        raise malformed("Syntax errors in policy. (Missing required field Statement.)")
    listed = cast("list[Any]", raw) if isinstance(raw, list) else [raw]
    return [(f"statement {number}", one) for number, one in enumerate(listed, 1)]


class _Parser:
    """Reads one statement of a document."""

    def __init__(self, place: str, raw: Any, kind: Kind, *, variables: bool) -> None:  # noqa: ANN401
        self._place = place
        if not isinstance(raw, dict):
            raise self._syntax("a statement must be a JSON object")
        self._raw = cast("dict[str, Any]", raw)
        self._kind = kind
        self._variables = variables

    def statement(self) -> Statement:
        for name in self._raw.keys() - _STATEMENT_FIELDS:
            raise self._syntax(f"there is no element {name}")
        sid, effect = self._raw.get("Sid", ""), self._raw.get("Effect")
        if effect not in ("Allow", "Deny"):
            raise self._syntax("Effect must be Allow or Deny")
        if not isinstance(sid, str):
            raise self._syntax("Sid must be a string")
        if self._kind is Kind.IDENTITY and not _SID.fullmatch(sid):
            raise malformed(
                f"Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the "
                f"regular expression [0-9A-Za-z]*. ({self._place}: {sid!r})"
            )
        who, who_negated = self._principals()
        actions, actions_negated = self._actions()
        resources, resources_negated = self._resources()
        return Statement(
            sid=sid,
            allow=effect == "Allow",
            actions=Patterns(actions, ignore_case=True, variables=False),
            actions_negated=actions_negated,
            resources=Patterns(resources, variables=self._variables) if resources else None,
            resources_negated=resources_negated,
            principals=who,
            principals_negated=who_negated,
            conditions=tuple(self._conditions()),
        )

    def _principals(self) -> tuple[Principals | None, bool]:
        name = self._one_of("Principal", "NotPrincipal")
        if self._kind is Kind.IDENTITY:
            if name:
                raise malformed(f"Policy document should not specify a principal. ({self._place})")
            return None, False
        if not name:
            raise malformed(f"Missing required field Principal. ({self._place})")
        try:
            return principals(self._raw[name]), name.startswith("Not")
        except ValueError as error:
            raise malformed(f"Invalid principal in policy: {error}. ({self._place})") from None

    def _actions(self) -> tuple[list[str], bool]:
        name = self._one_of("Action", "NotAction")
        if not name or not (actions := self._strings(self._raw[name], name)):
            raise malformed(f"Policy statement must contain actions. ({self._place})")
        for action in actions:
            if action != "*" and not _ACTION.fullmatch(action):
                raise malformed(
                    "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc. "
                    f"({self._place}: {action!r})"
                )
            if self._kind is Kind.TRUST and not action.lower().startswith("sts:"):
                raise malformed(
                    "AssumeRole policy may only specify STS AssumeRole actions. "
                    f"({self._place}: {action!r})"
                )
        return actions, name.startswith("Not")

    def _resources(self) -> tuple[list[str], bool]:
        name = self._one_of("Resource", "NotResource")
        if self._kind in (Kind.TRUST, Kind.REPOSITORY):
            if name:
                raise malformed(f"Has prohibited field {name}. ({self._place})")
            return [], False
        if not name or not (resources := self._strings(self._raw[name], name)):
            raise malformed(f"Policy statement must contain resources. ({self._place})")
        for resource in resources:
            if not _is_resource(resource):
                raise malformed(
                    f'Resource {resource} must be in ARN format or "*". ({self._place})'
                )
        return resources, name.startswith("Not")

    def _conditions(self) -> Iterable[Condition | Null]:
        for name, keys in self._object(self._raw.get("Condition", {}), "Condition").items():
            for key, values in self._object(keys, name).items():
                wanted = tuple(self._strings(values, key, scalars=True))
                made = condition(name, key, wanted, variables=self._variables)
                if made is None:
                    raise malformed(f"Invalid Condition type : {name}. ({self._place})")
                yield made

    def _one_of(self, positive: str, negative: str) -> str:
        named = [name for name in (positive, negative) if name in self._raw]
        if len(named) > 1:
            raise self._syntax(f"{positive} and {negative} exclude each other")
        return named[0] if named else ""

    def _object(self, raw: Any, name: str) -> dict[str, Any]:  # noqa: ANN401
        if not isinstance(raw, dict):
            raise self._syntax(f"{name} must be a JSON object")
        return cast("dict[str, Any]", raw)

    def _strings(self, raw: Any, name: str, *, scalars: bool = False) -> list[str]:  # noqa: ANN401
        """One or several strings; conditions may also have numbers and booleans."""
        texts: list[str] = []
        for value in cast("list[Any]", raw) if isinstance(raw, list) else [raw]:
            if isinstance(value, str):
                texts.append(value)
            elif scalars and isinstance(value, bool | int | float):
                texts.append(json.dumps(value))
            else:
                raise self._syntax(f"{name} must be a string or a list of strings")
        return texts

    def _syntax(self, what: str) -> AwsError:
        return malformed(f"Syntax errors in policy. ({self._place}: {what}.)")


def _is_resource(text: str) -> bool:
    if text in ("*", "${*}"):
        return True
    parts = text.split(":", _ARN_PARTS - 1)
    return parts[0] == "arn" and (len(parts) == _ARN_PARTS or "*" in parts[-1])
