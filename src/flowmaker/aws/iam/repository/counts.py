"""How many of each kind an account has."""

from sqlalchemy import func, select

from flowmaker.store.database import Transaction
from flowmaker.store.schema.aws import (
    iam_groups,
    iam_instance_profiles,
    iam_policies,
    iam_policy_versions,
    iam_roles,
    iam_users,
)

_TABLES = {
    "Groups": iam_groups,
    "InstanceProfiles": iam_instance_profiles,
    "Policies": iam_policies,
    "PolicyVersionsInUse": iam_policy_versions,
    "Roles": iam_roles,
    "Users": iam_users,
}


def of(tx: Transaction, account: str) -> dict[str, int]:
    return {
        name: tx.execute(
            select(func.count()).select_from(table).where(table.c.account == account)
        ).scalar_one()
        for name, table in _TABLES.items()
    }
