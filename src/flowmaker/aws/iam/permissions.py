"""Which permission each operation of IAM needs, on which resource."""

from collections.abc import Awaitable, Callable, Iterable

from flowmaker.aws.iam.repository import credentials, entities, groups, instance_profiles
from flowmaker.aws.service import Call, Handler, Need, Needs, Operation
from flowmaker.ids import arn
from flowmaker.store.database import Database

Resource = Callable[[Call], Awaitable[str]]

#: Parameters that are also condition keys.
_CONTEXT = {"PolicyArn": "iam:PolicyARN", "PermissionsBoundary": "iam:PermissionsBoundary"}


def operation(handler: Handler, action: str, resource: Resource) -> Operation:
    return Operation(handler=handler, needs=_needs(action, resource))


def _needs(action: str, resource: Resource) -> Needs:
    async def needs(call: Call) -> Iterable[Need]:
        on = await resource(call)
        context: dict[str, str | tuple[str, ...]] = {
            key: str(call.parameters[name])
            for name, key in _CONTEXT.items()
            if name in call.parameters and not on.endswith(str(call.parameters[name]))
        }
        for tag in call.parameters.get("Tags", ()):
            context[f"aws:RequestTag/{tag['Key']}"] = tag["Value"]
        return [Need(action=f"iam:{action}", resource=on, context=context)]

    return needs


class Resources:
    """The ARNs that requests are about; with their paths, which only the database knows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def user(self, call: Call) -> str:
        """The user that is named, else the caller's own."""
        return await self._user(call, call.parameters.get("UserName", call.principal.user_name))

    async def role(self, call: Call) -> str:
        name: str = call.parameters["RoleName"]
        found = await self._database.read(entities.role, call.account, name)
        path = found.path if found else call.parameters.get("Path", "/")
        return arn("iam", "", call.account, f"role{path}{name}")

    async def group(self, call: Call) -> str:
        name: str = call.parameters["GroupName"]
        found = await self._database.read(groups.group, call.account, name)
        path = found.path if found else call.parameters.get("Path", "/")
        return arn("iam", "", call.account, f"group{path}{name}")

    async def groups(self, call: Call) -> str:
        prefix = call.parameters.get("PathPrefix", "/")
        return arn("iam", "", call.account, f"group{prefix}")

    async def instance_profile(self, call: Call) -> str:
        name: str = call.parameters["InstanceProfileName"]
        found = await self._database.read(instance_profiles.profile, call.account, name)
        path = found.path if found else call.parameters.get("Path", "/")
        return arn("iam", "", call.account, f"instance-profile{path}{name}")

    async def instance_profiles(self, call: Call) -> str:
        prefix = call.parameters.get("PathPrefix", "/")
        return arn("iam", "", call.account, f"instance-profile{prefix}")

    async def owner(self, call: Call) -> str:
        """The user whose access key it is; a key of another account is none that is known."""
        key = await self._database.read(credentials.key, call.parameters["AccessKeyId"])
        is_own = key is not None and key.account == call.account
        return await self._user(call, key.user_name if key and is_own else "")

    async def _user(self, call: Call, name: str) -> str:
        if not name:
            return arn("iam", "", call.account, "root")
        found = await self._database.read(entities.user, call.account, name)
        path = found.path if found else call.parameters.get("Path", "/")
        return arn("iam", "", call.account, f"user{path}{name}")

    async def policy(self, call: Call) -> str:
        return call.parameters["PolicyArn"]

    async def new_policy(self, call: Call) -> str:
        name = call.parameters["PolicyName"]
        return arn("iam", "", call.account, f"policy{call.parameters.get('Path', '/')}{name}")

    async def users(self, call: Call) -> str:
        prefix = call.parameters.get("PathPrefix", "/")
        return arn("iam", "", call.account, f"user{prefix}")

    async def roles(self, call: Call) -> str:
        prefix = call.parameters.get("PathPrefix", "/")
        return arn("iam", "", call.account, f"role{prefix}")

    async def policies(self, call: Call) -> str:
        return f"policy path {call.parameters.get('PathPrefix', '/')}"

    async def simulated(self, call: Call) -> str:
        return call.parameters["PolicySourceArn"]

    async def anything(self, call: Call) -> str:
        del call
        return "*"
