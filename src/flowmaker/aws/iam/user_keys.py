"""Operations on the access keys of users (and of the root user, for the root user)."""

from collections.abc import Mapping

from flowmaker.aws.auth.changes import changes_of
from flowmaker.aws.iam import new, paging, refusals, shapes, users
from flowmaker.aws.iam.permissions import Resources, operation
from flowmaker.aws.iam.records import AccessKey
from flowmaker.aws.iam.repository import credentials
from flowmaker.aws.service import Answer, Call, Operation
from flowmaker.clock import Clock
from flowmaker.store.database import Database, Transaction

#: IAM's quota.
MOST = 2


class UserKeys:
    """CreateAccessKey and what follows."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._changes = changes_of(database)
        self._clock = clock

    def operations(self) -> Mapping[str, Operation]:
        resources = Resources(self._database)
        on_user = {
            "CreateAccessKey": self.create,
            "ListAccessKeys": self.list,
            "UpdateAccessKey": self.update,
            "DeleteAccessKey": self.delete,
        }
        found = {
            name: operation(handler, name, resources.user) for name, handler in on_user.items()
        }
        last_used = operation(self.last_used, "GetAccessKeyLastUsed", resources.owner)
        return found | {"GetAccessKeyLastUsed": last_used}

    async def create(self, call: Call) -> Answer:
        key = new.access_key(call.account, _user_name(call), self._clock)
        await self._changes.write(_create, key)
        return {"AccessKey": shapes.key(key) | {"SecretAccessKey": key.secret_access_key}}

    async def list(self, call: Call) -> Answer:
        found = {key.access_key_id: key for key in await self._keys(call)}
        ids = paging.slice_after(call.parameters, sorted(found))
        shown, answer = paging.page(call.parameters, "AccessKeyMetadata", ids, str)
        answer["AccessKeyMetadata"] = [shapes.key(found[one]) for one in shown]
        return answer

    async def _keys(self, call: Call) -> "list[AccessKey]":
        return await self._database.read(_list, call.account, _user_name(call))

    async def update(self, call: Call) -> Answer:
        key_id: str = call.parameters["AccessKeyId"]
        status: str = call.parameters["Status"]
        if status not in ("Active", "Inactive"):
            raise refusals.unsupported(f"the status {status} of an access key")
        changed = await self._changes.write(
            credentials.set_status, call.account, key_id, _user_name(call), status
        )
        if not changed:
            raise refusals.no_such_key(key_id)
        return {}

    async def delete(self, call: Call) -> Answer:
        key_id: str = call.parameters["AccessKeyId"]
        removed = await self._changes.write(
            credentials.remove_key, call.account, key_id, _user_name(call)
        )
        if not removed:
            raise refusals.no_such_key(key_id)
        return {}

    async def last_used(self, call: Call) -> Answer:
        key_id: str = call.parameters["AccessKeyId"]
        key = await self._database.read(credentials.key, key_id)
        if key is None or key.account != call.account:
            raise refusals.no_such_key(key_id)
        used = {"ServiceName": "N/A", "Region": "N/A"}
        if key.last_used_at:
            used = {
                "LastUsedDate": key.last_used_at,
                "ServiceName": key.last_used_service,
                "Region": key.last_used_region or "N/A",
            }
        return {"UserName": key.user_name or None, "AccessKeyLastUsed": used}


def _user_name(call: Call) -> str:
    """The user that is named, else the caller; empty for the root user."""
    name: str = call.parameters.get("UserName", call.principal.user_name)
    if not name and not call.principal.is_root:
        raise refusals.validation("Must specify userName when calling with non-User credentials")
    return name


def _list(tx: Transaction, account: str, user_name: str) -> list[AccessKey]:
    if user_name:
        users.require(tx, account, user_name)
    return credentials.keys(tx, account, user_name)


def _create(tx: Transaction, key: AccessKey) -> None:
    if len(_list(tx, key.account, key.user_name)) >= MOST:
        raise refusals.limit("AccessKeysPerUser", MOST)
    credentials.add_key(tx, key)
