"""The account's managed policies and their versions in the database."""

from sqlalchemy import ColumnElement, Table, delete, func, insert, select, update

from flowmaker.aws.iam.records import ManagedPolicy, PolicyVersion
from flowmaker.store.database import Transaction
from flowmaker.store.schema.aws import iam_policies, iam_policy_versions


def policy(tx: Transaction, account: str, arn: str) -> ManagedPolicy | None:
    """Nothing when it is another account's."""
    query = select(iam_policies).where(iam_policies.c.account == account, iam_policies.c.arn == arn)
    row = tx.execute(query).mappings().first()
    return ManagedPolicy(**row) if row else None


def exists(tx: Transaction, account: str, name: str) -> bool:
    same = (iam_policies.c.account == account) & (
        func.lower(iam_policies.c.policy_name) == name.lower()
    )
    return tx.execute(select(iam_policies.c.policy_name).where(same)).first() is not None


def policies(tx: Transaction, account: str) -> list[ManagedPolicy]:
    query = (
        select(iam_policies)
        .where(iam_policies.c.account == account)
        .order_by(iam_policies.c.policy_name)
    )
    return [ManagedPolicy(**row) for row in tx.execute(query).mappings()]


def add(tx: Transaction, new: ManagedPolicy, text: str) -> None:
    """A policy and its first version."""
    values = {name: getattr(new, name) for name in new.__dataclass_fields__}
    tx.execute(insert(iam_policies).values(**values))
    first = PolicyVersion(
        account=new.account,
        policy_name=new.policy_name,
        version=new.last_version,
        policy_text=text,
        created_at=new.created_at,
    )
    add_version(tx, first)


def remove(tx: Transaction, account: str, name: str) -> None:
    """A policy with all its versions."""
    tx.execute(delete(iam_policy_versions).where(_is_of(iam_policy_versions, account, name)))
    tx.execute(delete(iam_policies).where(_is_of(iam_policies, account, name)))


def change(tx: Transaction, account: str, name: str, **values: object) -> None:
    changed = update(iam_policies).where(_is_of(iam_policies, account, name))
    tx.execute(changed.values(**values))


def versions(tx: Transaction, account: str, name: str) -> list[PolicyVersion]:
    """The newest first, as IAM lists them."""
    query = (
        select(iam_policy_versions)
        .where(_is_of(iam_policy_versions, account, name))
        .order_by(iam_policy_versions.c.version.desc())
    )
    return [PolicyVersion(**row) for row in tx.execute(query).mappings()]


def add_version(tx: Transaction, new: PolicyVersion) -> None:
    values = {name: getattr(new, name) for name in new.__dataclass_fields__}
    tx.execute(insert(iam_policy_versions).values(**values))


def remove_version(tx: Transaction, account: str, name: str, version: int) -> bool:
    place = _is_of(iam_policy_versions, account, name) & (iam_policy_versions.c.version == version)
    return tx.execute(delete(iam_policy_versions).where(place)).rowcount == 1


def _is_of(table: Table, account: str, name: str) -> ColumnElement[bool]:
    return (table.c.account == account) & (table.c.policy_name == name)
