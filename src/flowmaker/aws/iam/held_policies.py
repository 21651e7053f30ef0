"""The policies that users, roles and groups hold: attached ones and those written into them."""

from collections.abc import Mapping

from flowmaker.aws.auth.changes import changes_of
from flowmaker.aws.iam import documents, groups, paging, refusals, roles, shapes, users
from flowmaker.aws.iam.attachable import require_attachable
from flowmaker.aws.iam.permissions import Resources, operation
from flowmaker.aws.iam.records import Kind
from flowmaker.aws.iam.repository import holdings
from flowmaker.aws.service import Answer, Call, Operation
from flowmaker.store.database import Database, Transaction

#: IAM's quota of attached policies.
MOST = 10


class HeldPolicies:
    """AttachUserPolicy, PutUserPolicy and so on; the same for roles and groups."""

    def __init__(self, database: Database, kind: Kind) -> None:
        self._database = database
        self._changes = changes_of(database)
        self._kind: Kind = kind
        self._word = kind.capitalize()

    def operations(self) -> Mapping[str, Operation]:
        resources = Resources(self._database)
        resource = {
            "user": resources.user,
            "role": resources.role,
            "group": resources.group,
        }[self._kind]
        handlers = {
            f"Attach{self._word}Policy": self.attach,
            f"Detach{self._word}Policy": self.detach,
            f"ListAttached{self._word}Policies": self.list_attached,
            f"Put{self._word}Policy": self.put,
            f"Get{self._word}Policy": self.get,
            f"List{self._word}Policies": self.list,
            f"Delete{self._word}Policy": self.delete,
        }
        return {name: operation(handler, name, resource) for name, handler in handlers.items()}

    def _holder(self, call: Call) -> str:
        return call.parameters[f"{self._word}Name"]

    async def attach(self, call: Call) -> Answer:
        arn: str = call.parameters["PolicyArn"]
        await self._changes.write(_attach, call.account, self._kind, self._holder(call), arn)
        return {}

    async def detach(self, call: Call) -> Answer:
        arn: str = call.parameters["PolicyArn"]
        await self._changes.write(_detach, call.account, self._kind, self._holder(call), arn)
        return {}

    async def list_attached(self, call: Call) -> Answer:
        found = await self._database.read(_attached, call.account, self._kind, self._holder(call))
        prefix = call.parameters.get("PathPrefix", "/")
        by_name = {_name(arn): arn for arn in found if _path(arn).startswith(prefix)}
        names = paging.slice_after(call.parameters, sorted(by_name))
        shown, answer = paging.page(call.parameters, "AttachedPolicies", names, str)
        answer["AttachedPolicies"] = [
            {"PolicyName": name, "PolicyArn": by_name[name]} for name in shown
        ]
        return answer

    async def put(self, call: Call) -> Answer:
        name: str = call.parameters["PolicyName"]
        text: str = call.parameters["PolicyDocument"]
        await self._changes.write(_put, call.account, self._kind, self._holder(call), name, text)
        return {}

    async def get(self, call: Call) -> Answer:
        holder, name = self._holder(call), call.parameters["PolicyName"]
        found = await self._database.read(_inline, call.account, self._kind, holder)
        if name not in found:
            raise refusals.no_such(f"{self._kind} policy", name)
        return {
            f"{self._word}Name": holder,
            "PolicyName": name,
            "PolicyDocument": shapes.document(found[name]),
        }

    async def list(self, call: Call) -> Answer:
        found = await self._database.read(_inline, call.account, self._kind, self._holder(call))
        names = paging.slice_after(call.parameters, sorted(found))
        shown, answer = paging.page(call.parameters, "PolicyNames", names, str)
        answer["PolicyNames"] = shown
        return answer

    async def delete(self, call: Call) -> Answer:
        name: str = call.parameters["PolicyName"]
        await self._changes.write(_delete, call.account, self._kind, self._holder(call), name)
        return {}


def _require(tx: Transaction, account: str, kind: Kind, holder: str) -> None:
    if kind == "user":
        users.require(tx, account, holder)
    elif kind == "group":
        groups.require(tx, account, holder)
    else:
        roles.require(tx, account, holder)


def _attach(tx: Transaction, account: str, kind: Kind, holder: str, arn: str) -> None:
    _require(tx, account, kind, holder)
    require_attachable(tx, account, arn)
    others = set(holdings.attached(tx, account, kind, holder)) - {arn}
    if len(others) >= MOST:
        raise refusals.limit(f"PoliciesPer{kind.capitalize()}", MOST)
    holdings.attach(tx, account, kind, holder, arn)


def _detach(tx: Transaction, account: str, kind: Kind, holder: str, arn: str) -> None:
    _require(tx, account, kind, holder)
    if not holdings.detach(tx, account, kind, holder, arn):
        raise refusals.no_such_policy(arn)


def _attached(tx: Transaction, account: str, kind: Kind, holder: str) -> list[str]:
    _require(tx, account, kind, holder)
    return holdings.attached(tx, account, kind, holder)


def _inline(tx: Transaction, account: str, kind: Kind, holder: str) -> dict[str, str]:
    _require(tx, account, kind, holder)
    return holdings.inline(tx, account, kind, holder)


def _put(tx: Transaction, account: str, kind: Kind, holder: str, name: str, text: str) -> None:
    _require(tx, account, kind, holder)
    others = holdings.inline(tx, account, kind, holder)
    others.pop(name, None)
    documents.inline(text, kind, list(others.values()))
    holdings.put_inline(tx, account, kind, holder, name, text)


def _delete(tx: Transaction, account: str, kind: Kind, holder: str, name: str) -> None:
    _require(tx, account, kind, holder)
    if not holdings.remove_inline(tx, account, kind, holder, name):
        raise refusals.no_such(f"{kind} policy", name)


def _name(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]


def _path(arn: str) -> str:
    return arn.partition(":policy")[2].rsplit("/", 1)[0] + "/"
