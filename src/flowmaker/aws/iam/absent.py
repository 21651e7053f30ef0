"""What no account here has, told as IAM tells it: nothing is in the lists, nothing is found.

Passwords, MFA devices, SSH keys, certificates and identity providers cannot be made. Tools that
look for them, or make sure that they have gone, get the answer of an account without them.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from flowmaker.aws.iam import refusals, users
from flowmaker.aws.iam.permissions import Resources, operation
from flowmaker.aws.service import Answer, Call, Handler, Operation
from flowmaker.store.database import Database

#: The list of each answer.
OF_USERS = {
    "ListMFADevices": "MFADevices",
    "ListSSHPublicKeys": "SSHPublicKeys",
    "ListServiceSpecificCredentials": "ServiceSpecificCredentials",
    "ListSigningCertificates": "Certificates",
}
OF_THE_ACCOUNT = {
    "ListAccountAliases": "AccountAliases",
    "ListOpenIDConnectProviders": "OpenIDConnectProviderList",
    "ListSAMLProviders": "SAMLProviderList",
    "ListServerCertificates": "ServerCertificateMetadataList",
    "ListVirtualMFADevices": "VirtualMFADevices",
}
#: Answers that say whether there is more.
_TRUNCATED = frozenset({*OF_USERS, *OF_THE_ACCOUNT}) - {
    "ListOpenIDConnectProviders",
    "ListSAMLProviders",
    "ListServiceSpecificCredentials",
}


class Absent:
    """The operations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def operations(self) -> Mapping[str, Operation]:
        resources = Resources(self._database)
        of_users: dict[str, Handler] = {
            name: partial(self._of_user, partial(_none, name, member))
            for name, member in OF_USERS.items()
        }
        of_users["GetLoginProfile"] = partial(self._of_user, _no_password)
        of_users["DeleteLoginProfile"] = partial(self._of_user, _no_password)
        of_all: dict[str, Handler] = {
            name: partial(_of_account, partial(_none, name, member))
            for name, member in OF_THE_ACCOUNT.items()
        }
        of_all["GetAccountPasswordPolicy"] = _no_password_policy
        return {
            name: operation(handler, name, resources.user) for name, handler in of_users.items()
        } | {name: operation(handler, name, resources.anything) for name, handler in of_all.items()}

    async def _of_user(self, answer: Callable[[str], Answer], call: Call) -> Answer:
        name: str = call.parameters.get("UserName", call.principal.user_name)
        if name or not call.principal.is_root:
            await self._database.read(users.require, call.account, name)
        return answer(name)


async def _of_account(answer: Callable[[str], Answer], call: Call) -> Answer:
    del call
    return answer("")


def _none(operation_name: str, member: str, name: str) -> Answer:
    del name
    nothing: dict[str, Any] = {member: []}
    return nothing | ({"IsTruncated": False} if operation_name in _TRUNCATED else {})


def _no_password(name: str) -> Answer:
    raise refusals.not_found(f"Login Profile for User {name} cannot be found.")


async def _no_password_policy(call: Call) -> Answer:
    message = f"The Password Policy with domain name {call.account} cannot be found."
    raise refusals.not_found(message)
