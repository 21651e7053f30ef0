"""SimulatePrincipalPolicy and SimulateCustomPolicy: the decision without the deed."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from flowmaker.aws.auth import repository, standing
from flowmaker.aws.auth.context_keys import context_keys, missing
from flowmaker.aws.auth.evaluate import (
    Decision,
    Policies,
    Policy,
    Request,
    deciding,
    evaluate,
    permits,
)
from flowmaker.aws.auth.places import Place, of_statements
from flowmaker.aws.auth.policy import Kind, parse
from flowmaker.aws.auth.principals import Caller
from flowmaker.aws.auth.repository import Held
from flowmaker.aws.auth.standing import Standing
from flowmaker.aws.errors import AwsError
from flowmaker.aws.iam import catalog_documents, paging, refusals
from flowmaker.aws.iam.permissions import Resources, operation
from flowmaker.aws.service import Answer, Call, Operation, Parameters
from flowmaker.ids import account_of
from flowmaker.store.database import Database, Transaction

#: What IAM calls policies of principals and of resources.
_IDENTITY, _RESOURCE = "IAM Policy", "Resource Policy"
#: Stands in for the principal's own where only the resource's side is asked for.
_ANYTHING = Policy("", parse('{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'))
_REFUSED = ("PolicyExclusionList", "ResourceHandlingOption", "CallerArn")


class Simulation:
    """What a user, a role or given policies would be allowed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def operations(self) -> Mapping[str, Operation]:
        resources = Resources(self._database)
        return {
            "SimulatePrincipalPolicy": operation(
                self.principal, "SimulatePrincipalPolicy", resources.simulated
            ),
            "SimulateCustomPolicy": operation(
                self.custom, "SimulateCustomPolicy", resources.anything
            ),
            "GetContextKeysForCustomPolicy": operation(
                self.keys_of_custom, "GetContextKeysForCustomPolicy", resources.anything
            ),
            "GetContextKeysForPrincipalPolicy": operation(
                self.keys_of_principal, "GetContextKeysForPrincipalPolicy", resources.simulated
            ),
        }

    async def keys_of_custom(self, call: Call) -> Answer:
        return {"ContextKeyNames": _all_keys(call.parameters["PolicyInputList"])}

    async def keys_of_principal(self, call: Call) -> Answer:
        """Those of all policies of a user, with its groups', or of a role; and of given ones."""
        kind, name = _source(call.parameters["PolicySourceArn"])
        held = await self._database.read(repository.held, call.account, kind, name)
        if held is None or account_of(call.parameters["PolicySourceArn"]) != call.account:
            raise refusals.no_such(kind, name)
        texts = await self._database.read(_texts, call.account, held)
        return {"ContextKeyNames": _all_keys([*texts, *call.parameters.get("PolicyInputList", ())])}

    async def principal(self, call: Call) -> Answer:
        source: str = call.parameters["PolicySourceArn"]
        kind, name = _source(source)
        found = await self._database.read(standing.read, call.account, kind, name)
        if found is None or account_of(source) not in ("", call.account):
            raise refusals.no_such(kind, name)
        return _simulate(call, found)

    async def custom(self, call: Call) -> Answer:
        return _simulate(call, Standing(arn="", unique_id=""))


def _texts(tx: Transaction, account: str, held: Held) -> list[str]:
    attached = [catalog_documents.text_of(tx, account, arn) for arn in held.attached]
    return [*(one.text for one in held.inline), *attached]


def _all_keys(texts: Iterable[str]) -> list[str]:
    return sorted({key for text in texts for key in context_keys(text)})


def _source(arn: str) -> tuple[str, str]:
    resource = arn.rsplit(":", 1)[-1]
    kind, _, rest = resource.partition("/")
    if kind not in ("user", "role") or not rest:
        raise AwsError(
            "InvalidInput",
            f"Invalid Entity Arn: {arn} does not clearly define entity type and name. Give that "
            "of a user or a role; a group is simulated as a user who is in it.",
        )
    return kind, rest.rsplit("/", 1)[-1]


def _simulate(call: Call, source: Standing) -> Answer:
    for name in _REFUSED:
        if name in call.parameters:
            raise refusals.unsupported(f"{name} of {call.operation}")
    policies = _policies(call.parameters, source)
    kind, _, _ = source.arn.rpartition(":")[2].partition("/")
    request = Request(
        caller=Caller(
            account=call.account,
            arn=source.arn,
            role_arn=source.arn if kind == "role" else "",
        ),
        action="",
        context=_context(call, source),
        owner=_owner(call.parameters),
    )
    asked = [
        replace(request, action=action, resource=resource)
        for action in call.parameters["ActionNames"]
        for resource in call.parameters.get("ResourceArns", ["*"])
    ]
    begin = int(paging.after(call.parameters) or -1) + 1
    indexes = list(range(begin, len(asked)))[: paging.limit(call.parameters)]
    shown, answer = paging.page(call.parameters, "EvaluationResults", indexes, str)
    answer["EvaluationResults"] = [_result(asked[index], policies) for index in shown]
    return answer


def _policies(parameters: Parameters, source: Standing) -> Policies:
    given = _given(parameters.get("PolicyInputList", ()), "PolicyInputList")
    boundaries = _given(
        parameters.get("PermissionsBoundaryPolicyInputList", ()),
        "PermissionsBoundaryPolicyInputList",
    )
    if len(boundaries) > 1:
        raise AwsError("InvalidInput", "There can be one permissions boundary only.")
    text = parameters.get("ResourcePolicy", "")
    return Policies(
        identity=(*source.identity, *given),
        boundary=boundaries[0] if boundaries else source.boundary,
        resource=Policy("ResourcePolicy", parse(text, Kind.RESOURCE)) if text else None,
    )


def _given(texts: Iterable[str], name: str) -> tuple[Policy, ...]:
    return tuple(
        Policy(f"{name}.{number}", parse(text)) for number, text in enumerate(texts, start=1)
    )


def _owner(parameters: Parameters) -> str:
    """The account that owns the resources: an ARN's, or what is given."""
    owner: str = parameters.get("ResourceOwner", "")
    return owner.split(":")[4] if owner.startswith("arn:") and owner.count(":") > 4 else owner  # noqa: PLR2004


def _context(call: Call, source: Standing) -> Mapping[str, tuple[str, ...]]:
    """What is given, and what is always so of the source."""
    context: dict[str, tuple[str, ...]] = {}
    if source.arn:
        context["aws:principalarn"] = (source.arn,)
        context["aws:principalaccount"] = (call.account,)
        name = source.arn.rsplit("/", 1)[-1]
        if ":user/" in source.arn:
            context["aws:username"] = (name,)
            context["aws:userid"] = (source.unique_id,)
    for key, value in source.tags.items():
        context[f"aws:principaltag/{key}".lower()] = (value,)
    for entry in call.parameters.get("ContextEntries", ()):
        values = tuple(entry.get("ContextKeyValues", ()))
        context[entry.get("ContextKeyName", "").lower()] = values
    return context


def _result(request: Request, policies: Policies) -> dict[str, Any]:
    decision = evaluate(request, policies)
    matched = [
        _matched(policy, number, is_resource=policy is policies.resource)
        for policy, number in deciding(request, policies, decision)
    ]
    told = {"MatchedStatements": matched, "MissingContextValues": _missing(request, policies)}
    limit: dict[str, Any] = {}
    if policies.boundary is not None:
        allowed = permits(policies.boundary, request)
        limit = {"PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": allowed}}
    word, details = _word(decision), _details(request, policies)
    result: dict[str, Any] = {
        "EvalActionName": request.action,
        "EvalResourceName": request.resource,
        "EvalDecision": word,
        **told,
        **limit,
    }
    if request.resource == "*":
        return result
    on_resource = {"EvalResourceName": request.resource, "EvalResourceDecision": word}
    return {
        **result,
        "EvalDecisionDetails": details,
        "ResourceSpecificResults": [
            {
                **on_resource,
                **told,
                **limit,
                **({"EvalDecisionDetails": details} if details else {}),
            }
        ],
    }


def _matched(policy: Policy, number: int, *, is_resource: bool) -> dict[str, Any]:
    start, end = of_statements(policy.document.text)[number]
    return {
        "SourcePolicyId": policy.source or policy.name,
        "SourcePolicyType": _RESOURCE if is_resource else _IDENTITY,
        "StartPosition": _position(start),
        "EndPosition": _position(end),
    }


def _position(place: Place) -> dict[str, int]:
    return {"Line": place.line, "Column": place.column}


def _details(request: Request, policies: Policies) -> dict[str, str]:
    """What each side says to a request across accounts; within one it is empty."""
    if not request.owner or request.owner == request.caller.account:
        return {}
    found = {
        _IDENTITY: _word(evaluate(replace(request, owner=""), Policies(identity=policies.identity)))
    }
    if policies.resource is not None:
        alone = evaluate(request, replace(policies, identity=(_ANYTHING,), boundary=None))
        found[_RESOURCE] = _word(alone)
    return found


def _missing(request: Request, policies: Policies) -> list[str]:
    limits = [one for one in (policies.boundary, policies.resource) if one]
    return sorted(
        {
            key
            for policy in (*policies.identity, *limits)
            for key in missing(policy.document, request.action, request.context)
        }
    )


def _word(decision: Decision) -> str:
    if decision.allowed:
        return "allowed"
    return "explicitDeny" if decision.explicit else "implicitDeny"
