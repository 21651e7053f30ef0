"""Users."""

from collections.abc import Mapping
from functools import partial

from flowmaker.aws.auth.changes import changes_of
from flowmaker.aws.iam import new, paging, refusals, shapes
from flowmaker.aws.iam.attachable import require_attachable
from flowmaker.aws.iam.permissions import Resources, operation
from flowmaker.aws.iam.records import User
from flowmaker.aws.iam.repository import credentials, entities, groups, holdings, renaming
from flowmaker.aws.iam.tags import merged, tags_of
from flowmaker.aws.service import Answer, Call, Operation
from flowmaker.clock import Clock
from flowmaker.store.database import Database, Transaction


class Users:
    """CreateUser and what follows."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._changes = changes_of(database)
        self._clock = clock

    def operations(self) -> Mapping[str, Operation]:
        resources = Resources(self._database)
        on_user = {
            "CreateUser": self.create,
            "GetUser": self.get,
            "UpdateUser": self.update,
            "DeleteUser": self.delete,
            "TagUser": self.tag,
            "UntagUser": self.untag,
            "ListUserTags": self.list_tags,
            "PutUserPermissionsBoundary": self.put_boundary,
            "DeleteUserPermissionsBoundary": self.delete_boundary,
        }
        found = {
            name: operation(handler, name, resources.user) for name, handler in on_user.items()
        }
        return found | {"ListUsers": operation(self.list, "ListUsers", resources.users)}

    async def create(self, call: Call) -> Answer:
        user = User(
            account=call.account,
            user_name=call.parameters["UserName"],
            user_id=new.user_id(),
            path=call.parameters.get("Path", "/"),
            boundary=call.parameters.get("PermissionsBoundary", ""),
            tags=tags_of(call.parameters),
            created_at=self._clock.now(),
        )
        await self._changes.write(_create, user)
        return {"User": shapes.user(user)}

    async def get(self, call: Call) -> Answer:
        name = call.parameters.get("UserName", call.principal.user_name)
        if not name and call.principal.is_root:
            return {"User": await self._root(call)}
        if not name:
            raise refusals.validation(
                "Must specify userName when calling with non-User credentials"
            )
        return {"User": shapes.user(await self._database.read(require, call.account, name))}

    async def _root(self, call: Call) -> dict[str, object]:
        keys = await self._database.read(credentials.keys, call.account, "")
        since = keys[0].created_at if keys else self._clock.now()
        arn = call.principal.arn
        return {"Path": "/", "UserId": call.account, "Arn": arn, "CreateDate": since}

    async def list(self, call: Call) -> Answer:
        parameters = call.parameters
        found = await self._database.read(
            entities.users,
            call.account,
            parameters.get("PathPrefix", "/"),
            paging.after(parameters),
            paging.limit(parameters),
        )
        shown, answer = paging.page(parameters, "Users", found, lambda user: user.user_name)
        answer["Users"] = [shapes.user(user, listed=True) for user in shown]
        return answer

    async def update(self, call: Call) -> Answer:
        name: str = call.parameters["UserName"]
        new_name: str = call.parameters.get("NewUserName", name)
        path: str | None = call.parameters.get("NewPath")
        await self._changes.write(_update, call.account, name, new_name, path)
        return {}

    async def delete(self, call: Call) -> Answer:
        await self._changes.write(_delete, call.account, call.parameters["UserName"])
        return {}

    async def tag(self, call: Call) -> Answer:
        await self._changes.write(
            partial(_retag, add=tags_of(call.parameters)),
            call.account,
            call.parameters["UserName"],
        )
        return {}

    async def untag(self, call: Call) -> Answer:
        await self._changes.write(
            partial(_retag, remove=call.parameters["TagKeys"]),
            call.account,
            call.parameters["UserName"],
        )
        return {}

    async def list_tags(self, call: Call) -> Answer:
        user = await self._database.read(require, call.account, call.parameters["UserName"])
        return {"Tags": shapes.tags(user.tags), "IsTruncated": False}

    async def put_boundary(self, call: Call) -> Answer:
        boundary: str = call.parameters["PermissionsBoundary"]
        await self._database.read(require_attachable, call.account, boundary)
        await self._change(call, boundary=boundary)
        return {}

    async def delete_boundary(self, call: Call) -> Answer:
        await self._change(call, boundary="")
        return {}

    async def _change(self, call: Call, **values: str) -> None:
        name: str = call.parameters["UserName"]
        change = partial(entities.change_user, **values)
        if not await self._changes.write(change, call.account, name):
            raise refusals.no_such("user", name)


def require(tx: Transaction, account: str, name: str) -> User:
    user = entities.user(tx, account, name)
    if user is None:
        raise refusals.no_such("user", name)
    return user


def _create(tx: Transaction, user: User) -> None:
    if entities.user_exists(tx, user.account, user.user_name):
        raise refusals.exists("User", user.user_name)
    if user.boundary:
        require_attachable(tx, user.account, user.boundary)
    entities.add_user(tx, user)


def _update(tx: Transaction, account: str, name: str, new_name: str, path: str | None) -> None:
    before = require(tx, account, name)
    if new_name.lower() != name.lower() and entities.user_exists(tx, account, new_name):
        raise refusals.exists("User", new_name)
    renaming.rename_user(tx, account, name, new_name)
    if path is not None:
        entities.change_user(tx, account, new_name, path=path)
    renaming.move_sessions(tx, before.arn, require(tx, account, new_name).arn)


def _delete(tx: Transaction, account: str, name: str) -> None:
    require(tx, account, name)
    if credentials.keys(tx, account, name):
        raise refusals.conflict("delete access keys")
    if holdings.attached(tx, account, "user", name):
        raise refusals.conflict("detach all policies")
    if holdings.inline(tx, account, "user", name):
        raise refusals.conflict("delete policies")
    if groups.of_user(tx, account, name):
        raise refusals.conflict("remove user from all groups")
    entities.remove_user(tx, account, name)


def _retag(
    tx: Transaction,
    account: str,
    name: str,
    *,
    add: Mapping[str, str] | None = None,
    remove: "list[str] | None" = None,
) -> None:
    tags = merged(require(tx, account, name).tags, add or {}, remove or [])
    entities.change_user(tx, account, name, tags=tags)
