"""GetAccountSummary: how much of everything there is, and how much there may be."""

from collections.abc import Mapping

from flowmaker.aws.iam.permissions import Resources, operation
from flowmaker.aws.iam.repository import counts, credentials
from flowmaker.aws.service import Answer, Call, Operation
from flowmaker.store.database import Database, Transaction

#: What AWS allows by default.
QUOTAS = {
    "AccessKeysPerUserQuota": 2,
    "AssumeRolePolicySizeQuota": 2048,
    "AttachedPoliciesPerGroupQuota": 10,
    "AttachedPoliciesPerRoleQuota": 10,
    "AttachedPoliciesPerUserQuota": 10,
    "GroupPolicySizeQuota": 5120,
    "GroupsPerUserQuota": 10,
    "GroupsQuota": 300,
    "InstanceProfilesQuota": 1000,
    "PoliciesQuota": 1500,
    "PolicySizeQuota": 6144,
    "RolePolicySizeQuota": 10240,
    "RolesQuota": 1000,
    "UserPolicySizeQuota": 2048,
    "UsersQuota": 5000,
    "VersionsPerPolicyQuota": 5,
}
#: There are no such things here.
NONE = (
    *("AccountMFAEnabled", "AccountPasswordPresent", "AccountSigningCertificatesPresent"),
    *("MFADevices", "MFADevicesInUse", "Providers", "ServerCertificates"),
)


class Summary:
    """The operation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def operations(self) -> Mapping[str, Operation]:
        name = "GetAccountSummary"
        return {name: operation(self.summary, name, Resources(self._database).anything)}

    async def summary(self, call: Call) -> Answer:
        counted = await self._database.read(_counted, call.account)
        return {"SummaryMap": {**QUOTAS, **dict.fromkeys(NONE, 0), **counted}}


def _counted(tx: Transaction, account: str) -> dict[str, int]:
    keys = credentials.keys(tx, account, "")
    return {**counts.of(tx, account), "AccountAccessKeysPresent": int(bool(keys))}
