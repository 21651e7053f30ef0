"""Whether a request is allowed: "Policy evaluation logic" of the IAM user guide, as a function.

An explicit deny anywhere ends it. Else something must allow, and everything that limits (a
permissions boundary, session policies) must allow as well. A resource's own policy may allow by
itself within the account; from another account both sides must.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from flowmaker.aws.auth.patterns import Context
from flowmaker.aws.auth.policy import Document, Statement
from flowmaker.aws.auth.principals import Caller, Grant

#: A role's trust policy is a resource policy that must always allow, also within the account.
_NEEDS_RESOURCE_POLICY = (
    "sts:assumerole",
    "sts:assumerolewithwebidentity",
    "sts:tagsession",
    "sts:setsourceidentity",
)


class Layer(Enum):
    """The kinds of policies, as AWS's messages call them."""

    IDENTITY = "identity-based policy"
    RESOURCE = "resource-based policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"


@dataclass(frozen=True, slots=True)
class Policy:
    """A document and what people call it."""

    name: str
    document: Document
    #: What IAM's simulator calls it, where that is more than the name.
    source: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """May this caller do this to that?"""

    caller: Caller
    action: str
    resource: str = "*"
    #: Condition keys in lower case.
    context: Context = field(default_factory=dict[str, tuple[str, ...]])
    #: The account of the resource.
    owner: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Policies:
    """All the policies that apply to a request."""

    identity: tuple[Policy, ...] = ()
    resource: Policy | None = None
    boundary: Policy | None = None
    #: Empty: the session has none, and they limit nothing.
    session: tuple[Policy, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """The verdict, and whose it is."""

    allowed: bool
    #: The policy that decided; for an implicit deny the kind of which none allows.
    layer: Layer
    #: Whether a statement denies, rather than none allowing.
    explicit: bool = False
    policy: str = ""
    sid: str = ""


def evaluate(request: Request, policies: Policies) -> Decision:
    """The decision that AWS would make."""
    for layer, documents in _layers(policies):
        for policy, statement, _ in _matching(documents, request, allow=False):
            return Decision(
                allowed=False, explicit=True, layer=layer, policy=policy.name, sid=statement.sid
            )
    identity = _allowed_by(Layer.IDENTITY, policies.identity, request)
    resource, grant = _allowed_by_resource(policies.resource, request)
    if _both_sides(request):
        decision = _by_both(request, identity, resource, grant)
    elif grant >= Grant.WIDE and resource is not None:
        decision = resource
    else:
        decision = identity or _nobody_allows(Layer.IDENTITY)
    if not decision.allowed or (decision is resource and grant is Grant.PRINCIPAL):
        return decision
    return _limit(request, policies) or decision


def deciding(request: Request, policies: Policies, decision: Decision) -> list[tuple[Policy, int]]:
    """The statements that decided: each by its policy, and its number there, from 0 on.

    They are all that deny, or all that allow; of an implicit deny there are none.
    """
    if not decision.allowed and not decision.explicit:
        return []
    layers = dict(_layers(policies))
    if decision.allowed:
        layers = {layer: layers[layer] for layer in (Layer.IDENTITY, Layer.RESOURCE)}
    return [
        (policy, policy.document.statements.index(statement))
        for documents in layers.values()
        for policy, statement, _ in _matching(documents, request, allow=decision.allowed)
    ]


def permits(policy: Policy, request: Request) -> bool:
    """Whether a policy alone allows it, as one that limits must."""
    denied = next(iter(_matching((policy,), request, allow=False)), None)
    return denied is None and _allowed_by(Layer.BOUNDARY, (policy,), request) is not None


def _layers(policies: Policies) -> Iterable[tuple[Layer, tuple[Policy, ...]]]:
    yield Layer.IDENTITY, policies.identity
    yield Layer.RESOURCE, (policies.resource,) if policies.resource else ()
    yield Layer.BOUNDARY, (policies.boundary,) if policies.boundary else ()
    yield Layer.SESSION, policies.session


def _matching(
    documents: Iterable[Policy], request: Request, *, allow: bool
) -> Iterable[tuple[Policy, Statement, Grant]]:
    """The statements of that effect that speak of the request."""
    for policy in documents:
        for statement in policy.document.statements:
            if statement.allow is not allow:
                continue
            if not statement.applies(request.action, request.resource, request.context):
                continue
            grant = statement.grant(request.caller)
            if grant is not Grant.NONE:
                yield policy, statement, grant


def _allowed_by(layer: Layer, documents: Iterable[Policy], request: Request) -> Decision | None:
    for policy, statement, _ in _matching(documents, request, allow=True):
        return Decision(allowed=True, layer=layer, policy=policy.name, sid=statement.sid)
    return None


def _allowed_by_resource(policy: Policy | None, request: Request) -> tuple[Decision | None, Grant]:
    """What the resource's policy allows, by the statement that names the caller most directly."""
    found = _matching((policy,) if policy else (), request, allow=True)
    best = max(found, key=lambda one: one[2], default=None)
    if best is None:
        return None, Grant.NONE
    by, statement, grant = best
    decision = Decision(allowed=True, layer=Layer.RESOURCE, policy=by.name, sid=statement.sid)
    return decision, grant


def _both_sides(request: Request) -> bool:
    """Whether the resource's policy cannot be done without, whoever else allows."""
    if request.action.lower() in _NEEDS_RESOURCE_POLICY:
        return True
    return bool(request.owner) and request.caller.account != request.owner


def _by_both(
    request: Request, identity: Decision | None, resource: Decision | None, grant: Grant
) -> Decision:
    if resource is None:
        return _nobody_allows(Layer.RESOURCE)
    anonymous = not request.caller.account
    same = not request.owner or request.caller.account == request.owner
    if grant >= Grant.WIDE and (anonymous or same):
        return resource
    return identity or _nobody_allows(Layer.IDENTITY)


def _limit(request: Request, policies: Policies) -> Decision | None:
    """What limits the caller to less."""
    boundary = (policies.boundary,) if policies.boundary else ()
    for layer, documents in ((Layer.BOUNDARY, boundary), (Layer.SESSION, policies.session)):
        if documents and _allowed_by(layer, documents, request) is None:
            return _nobody_allows(layer)
    return None


def _nobody_allows(layer: Layer) -> Decision:
    return Decision(allowed=False, layer=layer)
