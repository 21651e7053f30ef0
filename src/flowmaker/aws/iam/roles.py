"""Roles and who may assume them."""

from collections.abc import Mapping
from functools import partial

from flowmaker.aws.auth.changes import changes_of
from flowmaker.aws.iam import documents, new, paging, refusals, shapes
from flowmaker.aws.iam.attachable import require_attachable
from flowmaker.aws.iam.permissions import Resources, operation
from flowmaker.aws.iam.records import Role
from flowmaker.aws.iam.repository import entities, holdings, instance_profiles
from flowmaker.aws.iam.tags import merged, tags_of
from flowmaker.aws.service import Answer, Call, Operation
from flowmaker.clock import Clock
from flowmaker.store.database import Database, Transaction

_DURATION = 3600


class Roles:
    """CreateRole and what follows."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._changes = changes_of(database)
        self._clock = clock

    def operations(self) -> Mapping[str, Operation]:
        resources = Resources(self._database)
        on_role = {
            "CreateRole": self.create,
            "GetRole": self.get,
            "UpdateRole": self.update,
            "UpdateRoleDescription": self.update_description,
            "UpdateAssumeRolePolicy": self.update_trust,
            "DeleteRole": self.delete,
            "TagRole": self.tag,
            "UntagRole": self.untag,
            "ListRoleTags": self.list_tags,
            "PutRolePermissionsBoundary": self.put_boundary,
            "DeleteRolePermissionsBoundary": self.delete_boundary,
        }
        found = {
            name: operation(handler, name, resources.role) for name, handler in on_role.items()
        }
        return found | {"ListRoles": operation(self.list, "ListRoles", resources.roles)}

    async def create(self, call: Call) -> Answer:
        role = Role(
            account=call.account,
            role_name=call.parameters["RoleName"],
            role_id=new.role_id(),
            path=call.parameters.get("Path", "/"),
            trust_policy=documents.trust(call.parameters["AssumeRolePolicyDocument"]),
            description=call.parameters.get("Description", ""),
            max_session_duration=call.parameters.get("MaxSessionDuration", _DURATION),
            boundary=call.parameters.get("PermissionsBoundary", ""),
            tags=tags_of(call.parameters),
            created_at=self._clock.now(),
        )
        await self._changes.write(_create, role)
        return {"Role": shapes.role(role)}

    async def get(self, call: Call) -> Answer:
        role = await self._database.read(require, call.account, call.parameters["RoleName"])
        return {"Role": shapes.role(role)}

    async def list(self, call: Call) -> Answer:
        parameters = call.parameters
        found = await self._database.read(
            entities.roles,
            call.account,
            parameters.get("PathPrefix", "/"),
            paging.after(parameters),
            paging.limit(parameters),
        )
        shown, answer = paging.page(parameters, "Roles", found, lambda role: role.role_name)
        answer["Roles"] = [shapes.role(role, listed=True) for role in shown]
        return answer

    async def update(self, call: Call) -> Answer:
        """What is not given stays, though the reference speaks of a default."""
        columns = {"Description": "description", "MaxSessionDuration": "max_session_duration"}
        given = {
            column: call.parameters[name]
            for name, column in columns.items()
            if name in call.parameters
        }
        if given:
            await self._change(call, **given)
        else:
            await self.get(call)  # there must be one, too, when nothing is changed
        return {}

    async def update_description(self, call: Call) -> Answer:
        await self._change(call, description=call.parameters["Description"])
        return await self.get(call)

    async def update_trust(self, call: Call) -> Answer:
        await self._change(call, trust_policy=documents.trust(call.parameters["PolicyDocument"]))
        return {}

    async def delete(self, call: Call) -> Answer:
        await self._changes.write(_delete, call.account, call.parameters["RoleName"])
        return {}

    async def tag(self, call: Call) -> Answer:
        await self._changes.write(
            partial(_retag, add=tags_of(call.parameters)),
            call.account,
            call.parameters["RoleName"],
        )
        return {}

    async def untag(self, call: Call) -> Answer:
        await self._changes.write(
            partial(_retag, remove=call.parameters["TagKeys"]),
            call.account,
            call.parameters["RoleName"],
        )
        return {}

    async def list_tags(self, call: Call) -> Answer:
        role = await self._database.read(require, call.account, call.parameters["RoleName"])
        return {"Tags": shapes.tags(role.tags), "IsTruncated": False}

    async def put_boundary(self, call: Call) -> Answer:
        boundary: str = call.parameters["PermissionsBoundary"]
        await self._database.read(require_attachable, call.account, boundary)
        await self._change(call, boundary=boundary)
        return {}

    async def delete_boundary(self, call: Call) -> Answer:
        await self._change(call, boundary="")
        return {}

    async def _change(self, call: Call, **values: str | int) -> None:
        name: str = call.parameters["RoleName"]
        change = partial(entities.change_role, **values)
        if not await self._changes.write(change, call.account, name):
            raise refusals.no_such("role", name)


def require(tx: Transaction, account: str, name: str) -> Role:
    role = entities.role(tx, account, name)
    if role is None:
        raise refusals.no_such("role", name)
    return role


def _create(tx: Transaction, role: Role) -> None:
    if entities.role_exists(tx, role.account, role.role_name):
        raise refusals.exists("Role", role.role_name)
    if role.boundary:
        require_attachable(tx, role.account, role.boundary)
    entities.add_role(tx, role)


def _delete(tx: Transaction, account: str, name: str) -> None:
    require(tx, account, name)
    if instance_profiles.profiles(tx, account, "/", "", 1, name):
        raise refusals.conflict("remove roles from instance profile")
    if holdings.attached(tx, account, "role", name):
        raise refusals.conflict("detach all policies")
    if holdings.inline(tx, account, "role", name):
        raise refusals.conflict("delete policies")
    entities.remove_role(tx, account, name)


def _retag(
    tx: Transaction,
    account: str,
    name: str,
    *,
    add: Mapping[str, str] | None = None,
    remove: "list[str] | None" = None,
) -> None:
    tags = merged(require(tx, account, name).tags, add or {}, remove or [])
    entities.change_role(tx, account, name, tags=tags)
