"""Instance profiles: the form in which a machine of EC2 has a role."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from flowmaker.aws.auth.changes import changes_of
from flowmaker.aws.iam import new, paging, refusals, roles, shapes
from flowmaker.aws.iam.permissions import Resources, operation
from flowmaker.aws.iam.records import InstanceProfile
from flowmaker.aws.iam.repository import entities, instance_profiles
from flowmaker.aws.iam.tags import merged, tags_of
from flowmaker.aws.service import Answer, Call, Need, Operation
from flowmaker.clock import Clock
from flowmaker.store.database import Database, Transaction

_EC2 = "ec2.amazonaws.com"


class InstanceProfiles:
    """CreateInstanceProfile and what follows."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._changes = changes_of(database)
        self._clock = clock
        self._resources = Resources(database)

    def operations(self) -> Mapping[str, Operation]:
        resources = self._resources
        on_profile = {
            "CreateInstanceProfile": self.create,
            "GetInstanceProfile": self.get,
            "DeleteInstanceProfile": self.delete,
            "AddRoleToInstanceProfile": self.add_role,
            "RemoveRoleFromInstanceProfile": self.remove_role,
            "TagInstanceProfile": self.tag,
            "UntagInstanceProfile": self.untag,
            "ListInstanceProfileTags": self.list_tags,
        }
        found = {
            name: operation(handler, name, resources.instance_profile)
            for name, handler in on_profile.items()
        }
        add = found["AddRoleToInstanceProfile"]
        found["AddRoleToInstanceProfile"] = Operation(
            handler=add.handler, needs=partial(self._also_pass, add)
        )
        return found | {
            "ListInstanceProfiles": operation(
                self.list, "ListInstanceProfiles", resources.instance_profiles
            ),
            "ListInstanceProfilesForRole": operation(
                self.of_role, "ListInstanceProfilesForRole", resources.role
            ),
        }

    async def _also_pass(self, add: Operation, call: Call) -> Iterable[Need]:
        """Whoever gives a role to machines passes it to EC2."""
        role = await self._resources.role(call)
        passing = Need(action="iam:PassRole", resource=role, context={"iam:PassedToService": _EC2})
        return [*await add.needs(call), passing]

    async def create(self, call: Call) -> Answer:
        profile = InstanceProfile(
            account=call.account,
            instance_profile_name=call.parameters["InstanceProfileName"],
            instance_profile_id=new.instance_profile_id(),
            path=call.parameters.get("Path", "/"),
            role_name="",
            tags=tags_of(call.parameters),
            created_at=self._clock.now(),
        )
        await self._changes.write(_create, profile)
        return {"InstanceProfile": shapes.instance_profile(profile, None)}

    async def get(self, call: Call) -> Answer:
        found = await self._database.read(_shape, call.account, _name(call))
        return {"InstanceProfile": found}

    async def list(self, call: Call) -> Answer:
        return await self._listed(call, "")

    async def of_role(self, call: Call) -> Answer:
        role_name: str = call.parameters["RoleName"]
        await self._database.read(roles.require, call.account, role_name)
        return await self._listed(call, role_name)

    async def _listed(self, call: Call, role_name: str) -> Answer:
        parameters = call.parameters
        found = await self._database.read(
            instance_profiles.profiles,
            call.account,
            parameters.get("PathPrefix", "/"),
            paging.after(parameters),
            paging.limit(parameters),
            role_name,
        )
        shown, answer = paging.page(
            parameters, "InstanceProfiles", found, lambda one: one.instance_profile_name
        )
        answer["InstanceProfiles"] = [
            await self._database.read(_shape, call.account, one.instance_profile_name, listed=True)
            for one in shown
        ]
        return answer

    async def delete(self, call: Call) -> Answer:
        await self._changes.write(_delete, call.account, _name(call))
        return {}

    async def add_role(self, call: Call) -> Answer:
        await self._changes.write(_add_role, call.account, _name(call), call.parameters["RoleName"])
        return {}

    async def remove_role(self, call: Call) -> Answer:
        await self._changes.write(
            _remove_role, call.account, _name(call), call.parameters["RoleName"]
        )
        return {}

    async def tag(self, call: Call) -> Answer:
        await self._changes.write(_retag, call.account, _name(call), tags_of(call.parameters), [])
        return {}

    async def untag(self, call: Call) -> Answer:
        await self._changes.write(_retag, call.account, _name(call), {}, call.parameters["TagKeys"])
        return {}

    async def list_tags(self, call: Call) -> Answer:
        profile = await self._database.read(require, call.account, _name(call))
        return {"Tags": shapes.tags(profile.tags), "IsTruncated": False}


def _name(call: Call) -> str:
    return call.parameters["InstanceProfileName"]


def require(tx: Transaction, account: str, name: str) -> InstanceProfile:
    profile = instance_profiles.profile(tx, account, name)
    if profile is None:
        raise refusals.not_found(f"Instance Profile {name} cannot be found.")
    return profile


def _shape(tx: Transaction, account: str, name: str, *, listed: bool = False) -> dict[str, Any]:
    """With the role that is in it."""
    profile = require(tx, account, name)
    role = entities.role(tx, account, profile.role_name) if profile.role_name else None
    return shapes.instance_profile(profile, role, listed=listed)


def _create(tx: Transaction, profile: InstanceProfile) -> None:
    if instance_profiles.exists(tx, profile.account, profile.instance_profile_name):
        raise refusals.exists("Instance Profile", profile.instance_profile_name)
    instance_profiles.add(tx, profile)


def _delete(tx: Transaction, account: str, name: str) -> None:
    if require(tx, account, name).role_name:
        raise refusals.conflict("remove roles from instance profile")
    instance_profiles.remove(tx, account, name)


def _add_role(tx: Transaction, account: str, name: str, role_name: str) -> None:
    profile = require(tx, account, name)
    roles.require(tx, account, role_name)
    if profile.role_name:
        raise refusals.limit("InstanceSessionsPerInstanceProfile", 1)
    instance_profiles.change(tx, account, name, role_name=role_name)


def _remove_role(tx: Transaction, account: str, name: str, role_name: str) -> None:
    profile = require(tx, account, name)
    roles.require(tx, account, role_name)
    if profile.role_name != role_name:
        raise refusals.not_found(f"The role {role_name} is not in the instance profile {name}.")
    instance_profiles.change(tx, account, name, role_name="")


def _retag(
    tx: Transaction, account: str, name: str, add: Mapping[str, str], remove: list[str]
) -> None:
    tags = merged(require(tx, account, name).tags, add, remove)
    instance_profiles.change(tx, account, name, tags=tags)
