"""Versions of managed policies: at most five, one of them in force."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flowmaker.aws.auth import managed_policies
from flowmaker.aws.auth.changes import changes_of
from flowmaker.aws.errors import AwsError
from flowmaker.aws.iam import documents, paging, refusals, shapes
from flowmaker.aws.iam.permissions import Resources, operation
from flowmaker.aws.iam.policies import refuse_aws_managed, require
from flowmaker.aws.iam.records import PolicyVersion
from flowmaker.aws.iam.repository import policies
from flowmaker.aws.service import Answer, Call, Operation
from flowmaker.clock import Clock
from flowmaker.store.database import Database, Transaction

#: IAM's quota.
MOST = 5


class PolicyVersions:
    """CreatePolicyVersion and what follows."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._changes = changes_of(database)
        self._clock = clock

    def operations(self) -> Mapping[str, Operation]:
        resources = Resources(self._database)
        handlers = {
            "CreatePolicyVersion": self.create,
            "GetPolicyVersion": self.get,
            "ListPolicyVersions": self.list,
            "SetDefaultPolicyVersion": self.set_default,
            "DeletePolicyVersion": self.delete,
        }
        return {
            name: operation(handler, name, resources.policy) for name, handler in handlers.items()
        }

    async def create(self, call: Call) -> Answer:
        arn: str = call.parameters["PolicyArn"]
        refuse_aws_managed(arn)
        text = documents.managed(call.parameters["PolicyDocument"])
        default = bool(call.parameters.get("SetAsDefault", False))
        now = self._clock.now()
        version = await self._changes.write(_create, call.account, arn, text, now, default=default)
        return {
            "PolicyVersion": {
                "VersionId": f"v{version}",
                "IsDefaultVersion": default,
                "CreateDate": now,
            }
        }

    async def get(self, call: Call) -> Answer:
        arn, wanted = call.parameters["PolicyArn"], call.parameters["VersionId"]
        found = await self._database.read(_versions, call.account, arn)
        if wanted not in found:
            raise _no_such(arn, wanted)
        return {"PolicyVersion": found[wanted]}

    async def list(self, call: Call) -> Answer:
        found = await self._database.read(_versions, call.account, call.parameters["PolicyArn"])
        size = paging.limit(call.parameters) - 1
        begin = paging.after(call.parameters)
        ids = list(found)
        rest = ids[ids.index(begin) + 1 :] if begin in ids else ids
        shown, answer = paging.page(call.parameters, "Versions", rest[: size + 1], str)
        answer["Versions"] = [
            {name: value for name, value in found[one].items() if name != "Document"}
            for one in shown
        ]
        return answer

    async def set_default(self, call: Call) -> Answer:
        arn: str = call.parameters["PolicyArn"]
        refuse_aws_managed(arn)
        now = self._clock.now()
        await self._changes.write(
            _set_default, call.account, arn, call.parameters["VersionId"], now
        )
        return {}

    async def delete(self, call: Call) -> Answer:
        arn: str = call.parameters["PolicyArn"]
        refuse_aws_managed(arn)
        await self._changes.write(_delete, call.account, arn, call.parameters["VersionId"])
        return {}


def _versions(tx: Transaction, account: str, arn: str) -> dict[str, dict[str, Any]]:
    """As answers show them, the newest first. Of AWS's policies there is the one in force."""
    aws = managed_policies.find(arn)
    if aws is not None:
        text = managed_policies.document(arn) or ""
        return {aws.default_version: _shape(text, aws.default_version, aws.updated_at)}
    policy = require(tx, account, arn)
    return {
        f"v{one.version}": _shape(one.policy_text, f"v{one.version}", one.created_at)
        | {"IsDefaultVersion": one.version == policy.default_version}
        for one in policies.versions(tx, account, policy.policy_name)
    }


def _shape(text: str, version: str, created_at: datetime) -> dict[str, Any]:
    return {
        "Document": shapes.document(text),
        "VersionId": version,
        "IsDefaultVersion": True,
        "CreateDate": created_at,
    }


def _create(
    tx: Transaction, account: str, arn: str, text: str, now: datetime, *, default: bool
) -> int:
    policy = require(tx, account, arn)
    if len(policies.versions(tx, account, policy.policy_name)) >= MOST:
        raise AwsError(
            "LimitExceeded",
            f"A managed policy can have up to {MOST} versions. Before you create a new version, "
            "you must delete an existing version.",
            409,
        )
    version = policy.last_version + 1
    added = PolicyVersion(
        account=account,
        policy_name=policy.policy_name,
        version=version,
        policy_text=text,
        created_at=now,
    )
    policies.add_version(tx, added)
    policies.change(tx, account, policy.policy_name, last_version=version)
    if default:
        policies.change(tx, account, policy.policy_name, default_version=version, updated_at=now)
    return version


def _set_default(tx: Transaction, account: str, arn: str, version_id: str, now: datetime) -> None:
    policy = require(tx, account, arn)
    version = _number(tx, account, arn, version_id)
    policies.change(tx, account, policy.policy_name, default_version=version, updated_at=now)


def _delete(tx: Transaction, account: str, arn: str, version_id: str) -> None:
    policy = require(tx, account, arn)
    version = _number(tx, account, arn, version_id)
    if version == policy.default_version:
        raise AwsError("DeleteConflict", "Cannot delete the default version of a policy.", 409)
    policies.remove_version(tx, account, policy.policy_name, version)


def _number(tx: Transaction, account: str, arn: str, version_id: str) -> int:
    if version_id not in _versions(tx, account, arn):
        raise _no_such(arn, version_id)
    return int(version_id.removeprefix("v"))


def _no_such(arn: str, version_id: str) -> AwsError:
    message = f"Policy {arn} version {version_id} does not exist or is not attachable."
    return refusals.not_found(message)
