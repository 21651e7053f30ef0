"""Instance profiles in the database."""

from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, select, update

from flowmaker.aws.iam.records import InstanceProfile
from flowmaker.store.database import Transaction
from flowmaker.store.schema.aws import iam_instance_profiles as table


def profile(tx: Transaction, account: str, name: str) -> InstanceProfile | None:
    query = select(table).where(_is(account, name))
    row = tx.execute(query).mappings().first()
    return InstanceProfile(**row) if row else None


def exists(tx: Transaction, account: str, name: str) -> bool:
    """Names that differ only in case are the same to IAM."""
    same = (table.c.account == account) & (
        func.lower(table.c.instance_profile_name) == name.lower()
    )
    return tx.execute(select(table.c.instance_profile_name).where(same)).first() is not None


def profiles(
    tx: Transaction, account: str, prefix: str, after: str, limit: int, role_name: str = ""
) -> list[InstanceProfile]:
    """Those whose path begins so (and that have that role), by name."""
    name = table.c.instance_profile_name
    query = (
        select(table)
        .where(
            table.c.account == account,
            table.c.path.startswith(prefix, autoescape=True),
            name > after,
        )
        .order_by(name)
        .limit(limit)
    )
    if role_name:
        query = query.where(table.c.role_name == role_name)
    return [InstanceProfile(**row) for row in tx.execute(query).mappings()]


def add(tx: Transaction, new: InstanceProfile) -> None:
    values = {name: getattr(new, name) for name in new.__dataclass_fields__}
    tx.execute(insert(table).values(**values))


def change(tx: Transaction, account: str, name: str, **values: Any) -> None:  # noqa: ANN401
    tx.execute(update(table).where(_is(account, name)).values(**values))


def remove(tx: Transaction, account: str, name: str) -> None:
    tx.execute(delete(table).where(_is(account, name)))


def _is(account: str, name: str) -> ColumnElement[bool]:
    return (table.c.account == account) & (table.c.instance_profile_name == name)
