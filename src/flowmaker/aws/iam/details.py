"""GetAccountAuthorizationDetails: everything that decides who may what, in one answer."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from flowmaker.aws.auth import managed_policies
from flowmaker.aws.iam import catalog, paging, shapes
from flowmaker.aws.iam.permissions import Resources, operation
from flowmaker.aws.iam.records import Group, Kind, Role, User
from flowmaker.aws.iam.repository import (
    entities,
    groups,
    holdings,
    instance_profiles,
    policies,
)
from flowmaker.aws.service import Answer, Call, Operation
from flowmaker.store.database import Database, Transaction

#: What `Filter` names, and the list of the answer that it stands for; pages go in this order.
_LISTS = {
    "User": "UserDetailList",
    "Role": "RoleDetailList",
    "Group": "GroupDetailList",
    "LocalManagedPolicy": "Policies",
    "AWSManagedPolicy": "Policies",
}
_ALL = 1_000_000

#: Where something stands in the order of all, and how its details are read.
_Entry = tuple[str, Callable[[], dict[str, Any]]]


class Details:
    """The operation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def operations(self) -> Mapping[str, Operation]:
        name = "GetAccountAuthorizationDetails"
        return {name: operation(self.all, name, Resources(self._database).anything)}

    async def all(self, call: Call) -> Answer:
        return await self._database.read(_page, call)


def _page(tx: Transaction, call: Call) -> Answer:
    wanted = call.parameters.get("Filter") or list(_LISTS)
    found = dict(_entries(tx, call.account, wanted))
    places = paging.slice_after(call.parameters, sorted(found))
    shown, answer = paging.page(call.parameters, "Policies", places, str)
    for name in _LISTS.values():
        answer[name] = []
    for place in shown:
        kind = list(_LISTS)[int(place[0])]
        answer[_LISTS[kind]].append(found[place]())
    return answer


def _entries(tx: Transaction, account: str, wanted: Iterable[str]) -> Iterable[_Entry]:
    """All there is of the wanted kinds; of AWS's own policies those that are attached."""
    for place, kind in enumerate(_LISTS):
        if kind not in wanted:
            continue
        for name, read in _of_kind(tx, account, kind):
            yield f"{place} {name}", read


def _of_kind(tx: Transaction, account: str, kind: str) -> Iterable[_Entry]:
    if kind.endswith("Policy"):
        return _policies(tx, account, local=kind.startswith("Local"))
    if kind == "User":
        users = entities.users(tx, account, "/", "", _ALL)
        return [(one.user_name, partial(_user, tx, one)) for one in users]
    if kind == "Role":
        roles = entities.roles(tx, account, "/", "", _ALL)
        return [(one.role_name, partial(_role, tx, one)) for one in roles]
    found = groups.groups(tx, account, "/", "", _ALL)
    return [(one.group_name, partial(_group, tx, one)) for one in found]


def _policies(tx: Transaction, account: str, *, local: bool) -> Iterable[_Entry]:
    if local:
        own = policies.policies(tx, account)
        return [(one.arn, partial(_own_policy, tx, account, one.arn)) for one in own]
    used = {*holdings.attachment_counts(tx, account), *holdings.boundary_counts(tx, account)}
    of_aws = [arn for arn in used if arn.startswith(managed_policies.PREFIX)]
    return [(arn, partial(_aws_policy, tx, account, arn)) for arn in of_aws]


def _user(tx: Transaction, user: User) -> dict[str, Any]:
    account, name = user.account, user.user_name
    return shapes.user(user) | {
        "UserPolicyList": _inline(tx, account, "user", name),
        "GroupList": [group.group_name for group in groups.of_user(tx, account, name)],
        "AttachedManagedPolicies": _attached(tx, account, "user", name),
    }


def _role(tx: Transaction, role: Role) -> dict[str, Any]:
    account, name = role.account, role.role_name
    shape = shapes.role(role)
    del shape["Description"], shape["MaxSessionDuration"]
    return shape | {
        "InstanceProfileList": [
            shapes.instance_profile(one, role, listed=True)
            for one in instance_profiles.profiles(tx, account, "/", "", _ALL, name)
        ],
        "RolePolicyList": _inline(tx, account, "role", name),
        "AttachedManagedPolicies": _attached(tx, account, "role", name),
    }


def _group(tx: Transaction, group: Group) -> dict[str, Any]:
    account, name = group.account, group.group_name
    return shapes.group(group) | {
        "GroupPolicyList": _inline(tx, account, "group", name),
        "AttachedManagedPolicies": _attached(tx, account, "group", name),
    }


def _inline(tx: Transaction, account: str, kind: Kind, name: str) -> list[dict[str, str]]:
    return [
        {"PolicyName": policy, "PolicyDocument": shapes.document(text)}
        for policy, text in holdings.inline(tx, account, kind, name).items()
    ]


def _attached(tx: Transaction, account: str, kind: Kind, name: str) -> list[dict[str, str]]:
    return [
        {"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn}
        for arn in holdings.attached(tx, account, kind, name)
    ]


def _own_policy(tx: Transaction, account: str, arn: str) -> dict[str, Any]:
    shape = catalog.policy(tx, account, arn)
    shape.pop("Tags", None)
    versions = [
        {
            "VersionId": f"v{one.version}",
            "IsDefaultVersion": f"v{one.version}" == shape["DefaultVersionId"],
            "Document": shapes.document(one.policy_text),
            "CreateDate": one.created_at,
        }
        for one in policies.versions(tx, account, shape["PolicyName"])
    ]
    return shape | {"PolicyVersionList": versions}


def _aws_policy(tx: Transaction, account: str, arn: str) -> dict[str, Any]:
    """AWS's policies come in the version in force alone."""
    shape = catalog.policy(tx, account, arn)
    version = {
        "VersionId": shape["DefaultVersionId"],
        "IsDefaultVersion": True,
        "Document": shapes.document(managed_policies.document(arn) or ""),
        "CreateDate": shape["UpdateDate"],
    }
    return shape | {"PolicyVersionList": [version]}
