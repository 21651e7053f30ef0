"""Groups: users who share policies. Nobody signs as a group, and no policy names one."""

from collections.abc import Mapping

from flowmaker.aws.auth.changes import changes_of
from flowmaker.aws.iam import new, paging, refusals, shapes, users
from flowmaker.aws.iam.permissions import Resources, operation
from flowmaker.aws.iam.records import Group, User
from flowmaker.aws.iam.repository import groups, holdings, renaming
from flowmaker.aws.service import Answer, Call, Operation
from flowmaker.clock import Clock
from flowmaker.store.database import Database, Transaction

#: IAM's quota.
MOST = 10


class Groups:
    """CreateGroup and what follows."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._changes = changes_of(database)
        self._clock = clock

    def operations(self) -> Mapping[str, Operation]:
        resources = Resources(self._database)
        on_group = {
            "CreateGroup": self.create,
            "GetGroup": self.get,
            "UpdateGroup": self.update,
            "DeleteGroup": self.delete,
            "AddUserToGroup": self.add_user,
            "RemoveUserFromGroup": self.remove_user,
        }
        found = {
            name: operation(handler, name, resources.group) for name, handler in on_group.items()
        }
        return found | {
            "ListGroups": operation(self.list, "ListGroups", resources.groups),
            "ListGroupsForUser": operation(self.of_user, "ListGroupsForUser", resources.user),
        }

    async def create(self, call: Call) -> Answer:
        group = Group(
            account=call.account,
            group_name=call.parameters["GroupName"],
            group_id=new.group_id(),
            path=call.parameters.get("Path", "/"),
            created_at=self._clock.now(),
        )
        await self._changes.write(_create, group)
        return {"Group": shapes.group(group)}

    async def get(self, call: Call) -> Answer:
        """The group and a page of who is in it."""
        parameters = call.parameters
        group, found = await self._database.read(
            _members,
            call.account,
            parameters["GroupName"],
            paging.after(parameters),
            paging.limit(parameters),
        )
        shown, answer = paging.page(parameters, "Users", found, lambda user: user.user_name)
        answer["Group"] = shapes.group(group)
        answer["Users"] = [shapes.user(user, listed=True) for user in shown]
        return answer

    async def list(self, call: Call) -> Answer:
        parameters = call.parameters
        found = await self._database.read(
            groups.groups,
            call.account,
            parameters.get("PathPrefix", "/"),
            paging.after(parameters),
            paging.limit(parameters),
        )
        shown, answer = paging.page(parameters, "Groups", found, lambda group: group.group_name)
        answer["Groups"] = [shapes.group(group) for group in shown]
        return answer

    async def of_user(self, call: Call) -> Answer:
        found = await self._database.read(_of_user, call.account, call.parameters["UserName"])
        by_name = {group.group_name: group for group in found}
        names = paging.slice_after(call.parameters, sorted(by_name))
        shown, answer = paging.page(call.parameters, "Groups", names, str)
        answer["Groups"] = [shapes.group(by_name[name]) for name in shown]
        return answer

    async def update(self, call: Call) -> Answer:
        name: str = call.parameters["GroupName"]
        new_name: str = call.parameters.get("NewGroupName", name)
        path: str = call.parameters.get("NewPath", "")
        await self._changes.write(_update, call.account, name, new_name, path)
        return {}

    async def delete(self, call: Call) -> Answer:
        await self._changes.write(_delete, call.account, call.parameters["GroupName"])
        return {}

    async def add_user(self, call: Call) -> Answer:
        user, group = call.parameters["UserName"], call.parameters["GroupName"]
        await self._changes.write(_join, call.account, user, group)
        return {}

    async def remove_user(self, call: Call) -> Answer:
        user, group = call.parameters["UserName"], call.parameters["GroupName"]
        await self._changes.write(_leave, call.account, user, group)
        return {}


def require(tx: Transaction, account: str, name: str) -> Group:
    group = groups.group(tx, account, name)
    if group is None:
        raise refusals.no_such("group", name)
    return group


def _create(tx: Transaction, group: Group) -> None:
    if groups.exists(tx, group.account, group.group_name):
        raise refusals.exists("Group", group.group_name)
    groups.add(tx, group)


def _members(
    tx: Transaction, account: str, name: str, after: str, limit: int
) -> tuple[Group, list[User]]:
    return require(tx, account, name), groups.members(tx, account, name, after, limit)


def _of_user(tx: Transaction, account: str, user_name: str) -> list[Group]:
    users.require(tx, account, user_name)
    return groups.of_user(tx, account, user_name)


def _update(tx: Transaction, account: str, name: str, new_name: str, path: str) -> None:
    require(tx, account, name)
    if new_name.lower() != name.lower() and groups.exists(tx, account, new_name):
        raise refusals.exists("Group", new_name)
    renaming.rename_group(tx, account, name, new_name)
    if path:
        groups.change_path(tx, account, new_name, path)


def _delete(tx: Transaction, account: str, name: str) -> None:
    require(tx, account, name)
    if groups.members(tx, account, name, "", 1):
        raise refusals.conflict("remove users from group")
    if holdings.attached(tx, account, "group", name):
        raise refusals.conflict("detach all policies")
    if holdings.inline(tx, account, "group", name):
        raise refusals.conflict("delete policies")
    groups.remove(tx, account, name)


def _join(tx: Transaction, account: str, user_name: str, name: str) -> None:
    """Once: joining again changes nothing."""
    require(tx, account, name)
    joined = {group.group_name for group in _of_user(tx, account, user_name)}
    if name in joined:
        return
    if len(joined) >= MOST:
        raise refusals.limit("GroupsPerUser", MOST)
    groups.join(tx, account, user_name, name)


def _leave(tx: Transaction, account: str, user_name: str, name: str) -> None:
    require(tx, account, name)
    users.require(tx, account, user_name)
    if not groups.leave(tx, account, user_name, name):
        raise refusals.not_found(f"User {user_name} is not in the group {name}.")
