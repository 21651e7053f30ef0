"""AssumeRole: the role's trust policy and the caller's own policies decide, as AWS has it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from flowmaker.aws.auth.policy import Kind, parse
from flowmaker.aws.errors import AwsError, access_denied
from flowmaker.aws.iam import catalog_documents, refusals, sessions
from flowmaker.aws.iam.records import Role
from flowmaker.aws.iam.repository import entities
from flowmaker.aws.identity import SessionCredentials
from flowmaker.aws.service import Answer, Call, Need, Principal
from flowmaker.aws.sts.shapes import credentials
from flowmaker.clock import Clock
from flowmaker.ids import account_of
from flowmaker.store.database import Database, Transaction

_DEFAULT = 3600
#: A role that assumes another can have its session for an hour at most.
_CHAINED = 3600
_POLICY_SIZE = 2048
_REFUSED = (
    "SerialNumber",
    "TokenCode",
    "ProvidedContexts",
)


class AssumeRole:
    """The operation, and what must be allowed for it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def needs(self, call: Call) -> Iterable[Need]:
        """The trust policy goes along. A role that is not there trusts nobody."""
        if call.principal.is_root:
            raise access_denied("Roles may not be assumed by root accounts.")
        role_arn: str = call.parameters["RoleArn"]
        role = await self._database.read(entities.role_of_arn, role_arn)
        context: dict[str, str | tuple[str, ...]] = {
            "sts:RoleSessionName": call.parameters["RoleSessionName"]
        }
        if "ExternalId" in call.parameters:
            context["sts:ExternalId"] = call.parameters["ExternalId"]
        for key, value in (role.tags if role else {}).items():
            context[f"iam:ResourceTag/{key}"] = value
        tagged = _of_tags(call.parameters)
        actions = ["sts:AssumeRole"]
        if tagged:
            actions.append("sts:TagSession")
        if identity := _source_identity(call):
            context["sts:SourceIdentity"] = identity
            actions.append("sts:SetSourceIdentity")
        return [
            Need(
                action=action,
                resource=role_arn,
                context=context | tagged,
                resource_policy=role.trust_policy if role else "",
                owner=account_of(role_arn) or call.account,
            )
            for action in actions
        ]

    async def __call__(self, call: Call) -> Answer:
        for name in _REFUSED:
            if name in call.parameters:
                raise refusals.unsupported(f"{name} of AssumeRole")
        lasting = timedelta(seconds=call.parameters.get("DurationSeconds", _DEFAULT))
        assumed = await self._database.write(_assume, call, self._clock.now(), lasting)
        who = assumed.principal
        identity = {"SourceIdentity": who.source_identity} if who.source_identity else {}
        return {
            "Credentials": credentials(assumed),
            "AssumedRoleUser": {"AssumedRoleId": who.user_id, "Arn": who.arn},
            **identity,
            **_packed(call.parameters),
        }


def _assume(tx: Transaction, call: Call, now: datetime, lasting: timedelta) -> SessionCredentials:
    role = entities.role_of_arn(tx, call.parameters["RoleArn"])
    if role is None:
        raise access_denied(f"The role {call.parameters['RoleArn']} was deleted meanwhile.")
    _refuse_long(role, call.principal, lasting)
    who = sessions.of_role(role, call.parameters["RoleSessionName"])
    limited = Principal(
        account=who.account,
        arn=who.arn,
        user_id=who.user_id,
        session_policies=tuple(_session_policies(tx, role.account, call.parameters)),
        source_identity=_source_identity(call),
        **_tags(call),
    )
    return sessions.issue(tx, limited, now, lasting)


def _source_identity(call: Call) -> str:
    """What is said, or was said before: it stays the same in all that follows.

    Raises:
        AwsError: it is said otherwise than before, or begins as AWS's own do.
    """
    said: str = call.parameters.get("SourceIdentity", "")
    before = call.principal.source_identity
    if said.startswith("aws:"):
        raise refusals.validation("A SourceIdentity must not begin with aws:")
    if said and before and said != before:
        raise access_denied(
            f"The session's source identity is {before}: it cannot be changed to {said} in a "
            "further session."
        )
    return said or before


def _of_tags(parameters: dict[str, Any]) -> dict[str, str | tuple[str, ...]]:
    """What policies may ask of the tags that a session is to have; nothing without tags."""
    tags: list[dict[str, str]] = parameters.get("Tags") or []
    transitive: list[str] = parameters.get("TransitiveTagKeys") or []
    asked: dict[str, str | tuple[str, ...]] = {
        f"aws:RequestTag/{tag['Key']}": tag["Value"] for tag in tags
    }
    if tags:
        asked["aws:TagKeys"] = tuple(tag["Key"] for tag in tags)
    if transitive:
        asked["sts:TransitiveTagKeys"] = tuple(transitive)
    return asked


def _tags(call: Call) -> dict[str, Any]:
    """The session's tags: those that it is given, and those that come along from the caller's.

    Raises:
        AwsError: a tag is given twice, or one that comes along.
    """
    given: list[dict[str, str]] = call.parameters.get("Tags") or []
    transitive: list[str] = call.parameters.get("TransitiveTagKeys") or []
    along = [one for one in call.principal.session_tags if one[0] in call.principal.transitive_tags]
    keys = [key.lower() for key, _ in along] + [tag["Key"].lower() for tag in given]
    for key in keys:
        if keys.count(key) > 1:
            raise AwsError("InvalidParameterValue", f"Tag key {key} is given twice, or inherited.")
    for key in transitive:
        if key not in [tag["Key"] for tag in given]:
            raise refusals.validation(
                f"The transitive tag key {key} is none of the session's tags."
            )
    return {
        "session_tags": (*along, *((tag["Key"], tag["Value"]) for tag in given)),
        "transitive_tags": (*(key for key, _ in along), *transitive),
    }


def _refuse_long(role: Role, caller: Principal, lasting: timedelta) -> None:
    if lasting > timedelta(seconds=role.max_session_duration):
        raise refusals.validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        )
    if caller.role_name and lasting > timedelta(seconds=_CHAINED):
        raise refusals.validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by "
            "role chaining."
        )


def _session_policies(tx: Transaction, account: str, parameters: dict[str, Any]) -> Iterable[str]:
    text: str = parameters.get("Policy", "")
    if text:
        parse(text, Kind.IDENTITY)
        if len(text) > _POLICY_SIZE:
            raise AwsError(
                "PackedPolicyTooLarge",
                f"The session policy is longer than {_POLICY_SIZE} characters.",
            )
        yield text
    for one in parameters.get("PolicyArns", ()):
        yield catalog_documents.text_of(tx, account, one.get("arn", ""))


def _packed(parameters: dict[str, Any]) -> dict[str, int]:
    """How much of the allowed size a session policy takes, in percent."""
    text: str = parameters.get("Policy", "")
    return {"PackedPolicySize": -(-len(text) * 100 // _POLICY_SIZE)} if text else {}
