"""Why a request is allowed or not: every statement that speaks of its action, and what it lacks.

Pure: it looks at the same request and the same policies as `evaluate`.
"""

from dataclasses import dataclass
from enum import Enum

from flowmaker.aws.auth.conditions import Condition, Null
from flowmaker.aws.auth.evaluate import Decision, Layer, Policies, Policy, Request, evaluate
from flowmaker.aws.auth.policy import Statement
from flowmaker.aws.auth.principals import Grant


class Fit(Enum):
    """What a statement has to do with a request."""

    ALLOWS = "allows"
    DENIES = "denies"
    #: It speaks of the action, but not of this request.
    MISSES = "misses"


@dataclass(frozen=True, kw_only=True, slots=True)
class Considered:
    """A statement that speaks of the action."""

    layer: Layer
    policy: str
    #: Its Sid, or its number.
    statement: str
    fit: Fit
    #: Of one that misses: by what.
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """A decision, and what there was to decide by."""

    decision: Decision
    statements: tuple[Considered, ...] = ()
    #: How many policies there are of each kind.
    policies: tuple[tuple[Layer, int], ...] = ()


def explain(request: Request, policies: Policies) -> Explanation:
    """The decision, and all that speaks of it."""
    layers = (
        (Layer.IDENTITY, policies.identity),
        (Layer.RESOURCE, (policies.resource,) if policies.resource else ()),
        (Layer.BOUNDARY, (policies.boundary,) if policies.boundary else ()),
        (Layer.SESSION, policies.session),
    )
    found = [
        _considered(layer, policy, number, statement, request)
        for layer, documents in layers
        for policy in documents
        for number, statement in enumerate(policy.document.statements, 1)
        if statement.actions.match(request.action, request.context) != statement.actions_negated
    ]
    return Explanation(
        decision=evaluate(request, policies),
        statements=tuple(found),
        policies=tuple((layer, len(documents)) for layer, documents in layers),
    )


def _considered(
    layer: Layer, policy: Policy, number: int, statement: Statement, request: Request
) -> Considered:
    why = _misses(statement, request)
    fit = Fit.MISSES if why else Fit.ALLOWS if statement.allow else Fit.DENIES
    if why:
        why = f"would {'allow' if statement.allow else 'deny'} it, but {why}"
    return Considered(
        layer=layer,
        policy=policy.name,
        statement=statement.sid or f"number {number}",
        fit=fit,
        why=why,
    )


def _misses(statement: Statement, request: Request) -> str:
    on = statement.resources
    if on is not None:
        is_named = on.match(request.resource, request.context)
        if is_named == statement.resources_negated:
            named = "NotResource excepts" if is_named else "Resource does not have"
            return f"its {named} {request.resource}"
    if statement.grant(request.caller) is Grant.NONE:
        return f"its Principal does not name {request.caller.arn or 'the caller'}"
    for condition in statement.conditions:
        if not condition.holds(request.context):
            return _unmet(condition, request)
    return ""


def _unmet(condition: Condition | Null, request: Request) -> str:
    has = ", ".join(request.context.get(condition.key, ())) or "no value"
    if isinstance(condition, Null):
        wanted = "absent" if True in condition.absent else "present"
        return f"its Condition wants {condition.key} {wanted}; the request has {has}"
    wanted = ", ".join(value.text for value in condition.values)
    negated = "other than " if condition.negated else ""
    return f"its Condition wants {condition.key} {negated}{wanted}; the request has {has}"
