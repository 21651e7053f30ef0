"""What a caller who may not is told: AWS's sentence, then what is missing and where to put it."""

import json

from flowmaker.aws.auth.evaluate import Decision, Layer
from flowmaker.aws.errors import AwsError, access_denied
from flowmaker.aws.service import Need, Principal


def denial(principal: Principal, need: Need, decision: Decision) -> AwsError:
    """AccessDenied, for the person who reads it and for whom they ask to mend it."""
    told = f"{_who(principal)} is not authorized to perform: {need.action}"
    told += f" on resource: {need.resource}" if need.resource else ""
    if decision.explicit:
        article = "an" if decision.layer is Layer.IDENTITY else "a"
        told += f" with an explicit deny in {article} {decision.layer.value}"
    else:
        told += f" because no {decision.layer.value} allows the {need.action} action"
    return access_denied(f"{told}. {_advice(principal, need, decision)}")


def missing(principal: Principal, need: Need, decision: Decision) -> str:
    """The statement (JSON) that would allow it; empty when a statement denies it."""
    if decision.explicit or (decision.layer is Layer.RESOURCE and not _can_be_shared(need)):
        return ""
    named = principal if decision.layer is Layer.RESOURCE else None
    return _statement(need, principal=named)


def _who(principal: Principal) -> str:
    return f"User: {principal.arn or 'anonymous'}"


def _advice(principal: Principal, need: Need, decision: Decision) -> str:
    if decision.explicit:
        tells = decision.sid and not (
            _is_foreign(principal, need) and decision.layer is Layer.RESOURCE
        )
        statement = f" in its statement {decision.sid}" if tells else ""
        return (
            f"The {decision.layer.value} {decision.policy} denies it{statement}; no policy that "
            "allows it can overrule that: change or detach the one that denies."
        )
    if _is_foreign(principal, need) and decision.layer is Layer.RESOURCE:
        return _of_another(principal, need)
    if need.action == "sts:AssumeRole" and not need.resource_policy:
        return f"There is no role {need.resource}: see `aws iam list-roles`."
    if decision.layer is Layer.RESOURCE:
        return (
            f"The policy of {need.resource} must name the caller: add to it "
            f"{_statement(need, principal=principal)}."
        )
    return f"{_where(principal, decision.layer)} {_statement(need)}."


def _is_foreign(principal: Principal, need: Need) -> bool:
    """Whether the resource is another account's than the caller's, who has one."""
    return bool(principal.account and need.account) and need.account != principal.account


def _can_be_shared(need: Need) -> bool:
    """Whether such resources have policies of their own, which can let others in."""
    return need.action.startswith(("s3:", "sts:", "ecr:"))


def _of_another(principal: Principal, need: Need) -> str:
    """It tells nobody what there is in another account: a role that is not there trusts nobody."""
    if not _can_be_shared(need):
        return (
            "It is of another account, and only buckets, roles and repositories of images "
            "let other accounts in."
        )
    what = "The policy of its bucket"
    if need.action.startswith("sts:"):
        what = "There must be such a role, and its trust policy"
    if need.action.startswith("ecr:"):
        what = "There must be such a repository, and its policy"
    return (
        f"It is of another account, and both sides must allow it. {what} must name the caller: add "
        f"to it {_statement(need, principal=principal)}."
    )


def _where(principal: Principal, layer: Layer) -> str:
    if layer is Layer.BOUNDARY:
        return "The permissions boundary limits it, whatever else allows; it lacks"
    if layer is Layer.SESSION:
        return "The session was given narrower policies than its role has; they lack"
    if principal.role_name:
        command = f"`aws iam put-role-policy --role-name {principal.role_name}`"
    elif principal.user_name:
        command = f"`aws iam put-user-policy --user-name {principal.user_name}`"
    else:
        return "Sign the request with the keys of a user or role that has"
    return f"To allow it, add with {command} a policy with this statement:"


def _statement(need: Need, principal: Principal | None = None) -> str:
    """The smallest statement that would allow it."""
    statement: dict[str, object] = {"Effect": "Allow"}
    if principal is not None:
        statement["Principal"] = {"AWS": principal.arn} if principal.arn else "*"
    statement["Action"] = need.action
    speaks_of_itself = need.action == "sts:AssumeRole" or need.action.startswith("ecr:")
    if principal is None or not speaks_of_itself:
        statement["Resource"] = need.resource
    passed_to = need.context.get("iam:PassedToService")
    if passed_to:
        statement["Condition"] = {"StringEquals": {"iam:PassedToService": passed_to}}
    return json.dumps(statement)
