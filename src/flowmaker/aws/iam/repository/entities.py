"""Users and roles in the database."""

from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, select, update

from flowmaker.aws.iam.records import Role, User
from flowmaker.ids import account_of
from flowmaker.store.database import Transaction
from flowmaker.store.schema.aws import iam_roles, iam_users


def user(tx: Transaction, account: str, name: str) -> User | None:
    query = select(iam_users).where(_is_user(account, name))
    row = tx.execute(query).mappings().first()
    return User(**row) if row else None


def role(tx: Transaction, account: str, name: str) -> Role | None:
    query = select(iam_roles).where(_is_role(account, name))
    row = tx.execute(query).mappings().first()
    return Role(**row) if row else None


def role_of_arn(tx: Transaction, arn: str) -> Role | None:
    """The role of exactly that ARN, in the account that it names."""
    found = role(tx, account_of(arn), arn.rpartition("/")[2])
    return found if found is not None and found.arn == arn else None


def user_exists(tx: Transaction, account: str, name: str) -> bool:
    """Names that differ only in case are the same to IAM."""
    same = (iam_users.c.account == account) & (func.lower(iam_users.c.user_name) == name.lower())
    return tx.execute(select(iam_users.c.user_name).where(same)).first() is not None


def role_exists(tx: Transaction, account: str, name: str) -> bool:
    same = (iam_roles.c.account == account) & (func.lower(iam_roles.c.role_name) == name.lower())
    return tx.execute(select(iam_roles.c.role_name).where(same)).first() is not None


def users(tx: Transaction, account: str, prefix: str, after: str, limit: int) -> list[User]:
    """Those whose path begins so, by name, `limit` of them after the name `after`."""
    query = (
        select(iam_users)
        .where(
            iam_users.c.account == account,
            iam_users.c.path.startswith(prefix, autoescape=True),
            iam_users.c.user_name > after,
        )
        .order_by(iam_users.c.user_name)
        .limit(limit)
    )
    return [User(**row) for row in tx.execute(query).mappings()]


def roles(tx: Transaction, account: str, prefix: str, after: str, limit: int) -> list[Role]:
    query = (
        select(iam_roles)
        .where(
            iam_roles.c.account == account,
            iam_roles.c.path.startswith(prefix, autoescape=True),
            iam_roles.c.role_name > after,
        )
        .order_by(iam_roles.c.role_name)
        .limit(limit)
    )
    return [Role(**row) for row in tx.execute(query).mappings()]


def add_user(tx: Transaction, new: User) -> None:
    tx.execute(insert(iam_users).values(**_columns(new)))


def add_role(tx: Transaction, new: Role) -> None:
    tx.execute(insert(iam_roles).values(**_columns(new)))


def change_user(tx: Transaction, account: str, name: str, **values: Any) -> bool:  # noqa: ANN401
    """Whether there was one to change."""
    changed = tx.execute(update(iam_users).where(_is_user(account, name)).values(**values))
    return changed.rowcount == 1


def change_role(tx: Transaction, account: str, name: str, **values: Any) -> bool:  # noqa: ANN401
    changed = tx.execute(update(iam_roles).where(_is_role(account, name)).values(**values))
    return changed.rowcount == 1


def remove_user(tx: Transaction, account: str, name: str) -> bool:
    return tx.execute(delete(iam_users).where(_is_user(account, name))).rowcount == 1


def remove_role(tx: Transaction, account: str, name: str) -> bool:
    return tx.execute(delete(iam_roles).where(_is_role(account, name))).rowcount == 1


def _is_user(account: str, name: str) -> ColumnElement[bool]:
    return (iam_users.c.account == account) & (iam_users.c.user_name == name)


def _is_role(account: str, name: str) -> ColumnElement[bool]:
    return (iam_roles.c.account == account) & (iam_roles.c.role_name == name)


def _columns(record: User | Role) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__dataclass_fields__}
