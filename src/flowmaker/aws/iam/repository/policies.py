"""The account's managed policies and their versions in the database."""

from datetime import datetime

from sqlalchemy import delete, func, insert, select, update

from flowmaker.aws.iam.records import ManagedPolicy, PolicyVersion
from flowmaker.store.database import Transaction
from flowmaker.store.schema.aws import iam_policies, iam_policy_versions


def policy(tx: Transaction, arn: str) -> ManagedPolicy | None:
    row = tx.execute(select(iam_policies).where(iam_policies.c.arn == arn)).mappings().first()
    return ManagedPolicy(**row) if row else None


def exists(tx: Transaction, name: str) -> bool:
    same = func.lower(iam_policies.c.policy_name) == name.lower()
    return tx.execute(select(iam_policies.c.policy_name).where(same)).first() is not None


def policies(tx: Transaction) -> list[ManagedPolicy]:
    rows = tx.execute(select(iam_policies).order_by(iam_policies.c.policy_name)).mappings()
    return [ManagedPolicy(**row) for row in rows]


def add(tx: Transaction, new: ManagedPolicy, text: str) -> None:
    """A policy and its first version."""
    values = {name: getattr(new, name) for name in new.__dataclass_fields__}
    tx.execute(insert(iam_policies).values(**values))
    add_version(tx, new.policy_name, new.last_version, text, new.created_at)


def remove(tx: Transaction, name: str) -> None:
    """A policy with all its versions."""
    tx.execute(delete(iam_policy_versions).where(iam_policy_versions.c.policy_name == name))
    tx.execute(delete(iam_policies).where(iam_policies.c.policy_name == name))


def change(tx: Transaction, name: str, **values: object) -> None:
    tx.execute(update(iam_policies).where(iam_policies.c.policy_name == name).values(**values))


def versions(tx: Transaction, name: str) -> list[PolicyVersion]:
    """The newest first, as IAM lists them."""
    query = (
        select(iam_policy_versions)
        .where(iam_policy_versions.c.policy_name == name)
        .order_by(iam_policy_versions.c.version.desc())
    )
    return [PolicyVersion(**row) for row in tx.execute(query).mappings()]


def add_version(tx: Transaction, name: str, version: int, text: str, now: datetime) -> None:
    tx.execute(
        insert(iam_policy_versions).values(
            policy_name=name, version=version, policy_text=text, created_at=now
        )
    )


def remove_version(tx: Transaction, name: str, version: int) -> bool:
    return (
        tx.execute(
            delete(iam_policy_versions).where(
                iam_policy_versions.c.policy_name == name, iam_policy_versions.c.version == version
            )
        ).rowcount
        == 1
    )
