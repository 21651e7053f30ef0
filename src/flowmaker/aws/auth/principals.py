"""Who a policy's `Principal` names, and who asks."""

import json
import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, cast

_ACCOUNT = re.compile(r"\d{12}")
_ROOT = re.compile(r"arn:[a-z-]+:iam::(\d{12}):root")
_ARN = re.compile(r"arn:[a-z-]+:(iam|sts)::\d{12}:[\w+=,.@/-]+")
_UNIQUE_ID = re.compile(r"A[A-Z]{3}[A-Z0-9]{12,}")
_KINDS = ("AWS", "Service", "Federated", "CanonicalUser")


class Grant(IntEnum):
    """How directly a statement names the caller: the more, the less else can limit it."""

    NONE = 0
    #: The account: it delegates to the account, whose own policies must allow too.
    ACCOUNT = 1
    #: Everybody, or the role of the session: boundary and session policies still limit it.
    WIDE = 2
    #: The user, the session or the service itself: nothing but a deny limits it.
    PRINCIPAL = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Whoever asks, by all the names that a policy may call it."""

    account: str = ""
    #: The user or the session. Empty for an anonymous caller and for a service.
    arn: str = ""
    #: The role, with its path, when it is a session of one.
    role_arn: str = ""
    #: A service principal, `sagemaker.amazonaws.com`.
    service: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Principals:
    """The `Principal` or `NotPrincipal` of a statement."""

    everyone: bool = False
    accounts: frozenset[str] = frozenset()
    arns: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()

    def grant(self, caller: Caller) -> Grant:
        if caller.service:
            named = self.everyone or caller.service in self.services
            return Grant.PRINCIPAL if named else Grant.NONE
        if caller.arn in self.arns:
            return Grant.PRINCIPAL
        if self.everyone or (caller.role_arn and caller.role_arn in self.arns):
            return Grant.WIDE
        if caller.account and caller.account in self.accounts:
            return Grant.PRINCIPAL if caller.arn.endswith(":root") else Grant.ACCOUNT
        return Grant.NONE

    def excepts(self, caller: Caller) -> bool:
        """Whether `NotPrincipal` leaves the caller out.

        Of a session both the role and the session must be listed; an account stands for its
        root user alone, as AWS's own examples have it.
        """
        if caller.service:
            return caller.service in self.services
        if caller.arn.endswith(":root"):
            return caller.account in self.accounts
        names = {caller.arn, caller.role_arn or caller.arn}
        return self.everyone or names <= self.arns


def principals(raw: Any) -> Principals:  # noqa: ANN401 - any JSON
    """The principals that a policy's JSON names.

    Raises:
        ValueError: it is no principal; the message quotes it.
    """
    if raw == "*":
        return Principals(everyone=True)
    if not isinstance(raw, dict) or not raw:
        raise ValueError(json.dumps(raw))
    pairs = _pairs(cast("dict[str, Any]", raw))
    named = [value for kind, value in pairs if kind == "AWS"]
    accounts = {value: account for value in named if (account := _account(value))}
    arns = [value for value in named if value != "*" and value not in accounts]
    for value in arns:
        if not _ARN.fullmatch(value) and not _UNIQUE_ID.fullmatch(value):
            raise ValueError(f'"AWS":"{value}"')
    return Principals(
        everyone="*" in named,
        accounts=frozenset(accounts.values()),
        arns=frozenset(arns),
        services=frozenset(value for kind, value in pairs if kind == "Service"),
    )


def _pairs(raw: dict[str, Any]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for kind, values in raw.items():
        if kind not in _KINDS:
            raise ValueError(f'"{kind}"')
        for value in cast("list[Any]", values) if isinstance(values, list) else [values]:
            if not isinstance(value, str) or not value:
                raise ValueError(f'"{kind}":{value!r}')
            pairs.append((kind, value))
    return pairs


def _account(text: str) -> str:
    if _ACCOUNT.fullmatch(text):
        return text
    found = _ROOT.fullmatch(text)
    return found.group(1) if found else ""
