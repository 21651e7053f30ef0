"""Managed policies: the account's own, which change, and AWS's, which are only read."""

from collections.abc import Mapping, Sequence

from flowmaker.aws.auth import managed_policies
from flowmaker.aws.auth.changes import changes_of
from flowmaker.aws.errors import AwsError
from flowmaker.aws.iam import catalog, documents, new, paging, refusals, shapes
from flowmaker.aws.iam.permissions import Resources, operation
from flowmaker.aws.iam.records import ManagedPolicy
from flowmaker.aws.iam.repository import holdings, policies
from flowmaker.aws.iam.tags import merged, tags_of
from flowmaker.aws.service import Answer, Call, Operation
from flowmaker.clock import Clock
from flowmaker.ids import arn
from flowmaker.store.database import Database, Transaction


class Policies:
    """CreatePolicy and what follows; its versions are in `policy_versions`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._changes = changes_of(database)
        self._clock = clock

    def operations(self) -> Mapping[str, Operation]:
        resources = Resources(self._database)
        on_policy = {
            "GetPolicy": self.get,
            "DeletePolicy": self.delete,
            "ListEntitiesForPolicy": self.entities,
            "ListPolicyTags": self.list_tags,
            "TagPolicy": self.tag,
            "UntagPolicy": self.untag,
        }
        found = {
            name: operation(handler, name, resources.policy) for name, handler in on_policy.items()
        }
        found["CreatePolicy"] = operation(self.create, "CreatePolicy", resources.new_policy)
        found["ListPolicies"] = operation(self.list, "ListPolicies", resources.policies)
        return found

    async def create(self, call: Call) -> Answer:
        name, path = call.parameters["PolicyName"], call.parameters.get("Path", "/")
        now = self._clock.now()
        policy = ManagedPolicy(
            account=call.account,
            policy_name=name,
            policy_id=new.policy_id(),
            arn=arn("iam", "", call.account, f"policy{path}{name}"),
            path=path,
            description=call.parameters.get("Description", ""),
            tags=tags_of(call.parameters),
            default_version=1,
            last_version=1,
            created_at=now,
            updated_at=now,
        )
        text = documents.managed(call.parameters["PolicyDocument"])
        await self._changes.write(_create, policy, text)
        return {"Policy": shapes.policy(policy, 0, 0)}

    async def get(self, call: Call) -> Answer:
        found = await self._database.read(
            catalog.policy, call.account, call.parameters["PolicyArn"]
        )
        return {"Policy": found}

    async def list(self, call: Call) -> Answer:
        found = await self._database.read(catalog.policies, call.account, call.parameters)
        by_name = {f"{one['PolicyName']} {one['Arn']}": one for one in found}
        names = paging.slice_after(call.parameters, sorted(by_name))
        shown, answer = paging.page(call.parameters, "Policies", names, str)
        answer["Policies"] = [by_name[name] for name in shown]
        return answer

    async def delete(self, call: Call) -> Answer:
        policy_arn: str = call.parameters["PolicyArn"]
        refuse_aws_managed(policy_arn)
        await self._changes.write(_delete, call.account, policy_arn)
        return {}

    async def entities(self, call: Call) -> Answer:
        refuse_usage_filter(call)
        policy_arn: str = call.parameters["PolicyArn"]
        await self._database.read(catalog.policy, call.account, policy_arn)
        wanted = call.parameters.get("EntityFilter")
        holders = await self._database.read(catalog.holders, call.account, policy_arn)
        kinds = {"User": "user", "Role": "role", "Group": "group"}
        if wanted is not None:
            holders = [one for one in holders if one[0] == kinds.get(wanted, "")]
        by_key = {f"{kind} {name}": (kind, name, unique_id) for kind, name, unique_id in holders}
        keys = paging.slice_after(call.parameters, sorted(by_key))
        shown, answer = paging.page(call.parameters, "PolicyRoles", keys, str)
        page = [by_key[key] for key in shown]
        answer["PolicyGroups"] = [
            {"GroupName": name, "GroupId": unique} for kind, name, unique in page if kind == "group"
        ]
        answer["PolicyUsers"] = [
            {"UserName": name, "UserId": unique} for kind, name, unique in page if kind == "user"
        ]
        answer["PolicyRoles"] = [
            {"RoleName": name, "RoleId": unique} for kind, name, unique in page if kind == "role"
        ]
        return answer

    async def list_tags(self, call: Call) -> Answer:
        policy_arn: str = call.parameters["PolicyArn"]
        found = await self._database.read(policies.policy, call.account, policy_arn)
        if found is None:
            await self._database.read(catalog.policy, call.account, policy_arn)
        return {"Tags": shapes.tags(found.tags) if found else [], "IsTruncated": False}

    async def tag(self, call: Call) -> Answer:
        return await self._retag(call, tags_of(call.parameters), ())

    async def untag(self, call: Call) -> Answer:
        return await self._retag(call, {}, call.parameters["TagKeys"])

    async def _retag(self, call: Call, add: Mapping[str, str], remove: Sequence[str]) -> Answer:
        policy_arn: str = call.parameters["PolicyArn"]
        refuse_aws_managed(policy_arn)
        await self._changes.write(_retag, call.account, policy_arn, add, remove)
        return {}


def refuse_usage_filter(call: Call) -> None:
    for name in ("PolicyUsageFilter", "PathPrefix"):
        if name in call.parameters:
            raise refusals.unsupported(f"{name} of {call.operation}")


def refuse_aws_managed(policy_arn: str) -> None:
    if policy_arn.startswith(managed_policies.PREFIX):
        raise AwsError(
            "AccessDenied", f"Policy {policy_arn} is managed by AWS: it cannot be changed.", 403
        )


def require(tx: Transaction, account: str, policy_arn: str) -> ManagedPolicy:
    """A policy of the account's own."""
    found = policies.policy(tx, account, policy_arn)
    if found is None:
        raise refusals.no_such_policy(policy_arn)
    return found


def _create(tx: Transaction, policy: ManagedPolicy, text: str) -> None:
    if policies.exists(tx, policy.account, policy.policy_name):
        raise AwsError(
            "EntityAlreadyExists",
            f"A policy called {policy.policy_name} already exists. "
            "Duplicate names are not allowed.",
            409,
        )
    policies.add(tx, policy, text)


def _delete(tx: Transaction, account: str, policy_arn: str) -> None:
    policy = require(tx, account, policy_arn)
    bounds = holdings.boundary_counts(tx, account)
    if holdings.holders(tx, account, policy_arn) or policy_arn in bounds:
        raise AwsError("DeleteConflict", "Cannot delete a policy attached to entities.", 409)
    if len(policies.versions(tx, account, policy.policy_name)) > 1:
        raise AwsError(
            "DeleteConflict",
            "This policy has more than one version. Before you delete a policy, you must delete "
            "the policy's versions. The default version is deleted with the policy.",
            409,
        )
    policies.remove(tx, account, policy.policy_name)


def _retag(
    tx: Transaction, account: str, policy_arn: str, add: Mapping[str, str], remove: Sequence[str]
) -> None:
    policy = require(tx, account, policy_arn)
    tags = merged(policy.tags, add, remove)
    policies.change(tx, account, policy.policy_name, tags=tags)
