"""Groups and who is in them, in the database."""

from sqlalchemy import ColumnElement, delete, func, insert, select, update

from flowmaker.aws.iam.records import Group, User
from flowmaker.store.database import Transaction
from flowmaker.store.schema.aws import iam_groups, iam_memberships, iam_users


def group(tx: Transaction, account: str, name: str) -> Group | None:
    query = select(iam_groups).where(_is(account, name))
    row = tx.execute(query).mappings().first()
    return Group(**row) if row else None


def exists(tx: Transaction, account: str, name: str) -> bool:
    """Names that differ only in case are the same to IAM."""
    same = (iam_groups.c.account == account) & (func.lower(iam_groups.c.group_name) == name.lower())
    return tx.execute(select(iam_groups.c.group_name).where(same)).first() is not None


def groups(tx: Transaction, account: str, prefix: str, after: str, limit: int) -> list[Group]:
    """Those whose path begins so, by name, `limit` of them after the name `after`."""
    query = (
        select(iam_groups)
        .where(
            iam_groups.c.account == account,
            iam_groups.c.path.startswith(prefix, autoescape=True),
            iam_groups.c.group_name > after,
        )
        .order_by(iam_groups.c.group_name)
        .limit(limit)
    )
    return [Group(**row) for row in tx.execute(query).mappings()]


def add(tx: Transaction, new: Group) -> None:
    values = {name: getattr(new, name) for name in new.__dataclass_fields__}
    tx.execute(insert(iam_groups).values(**values))


def change_path(tx: Transaction, account: str, name: str, path: str) -> None:
    tx.execute(update(iam_groups).where(_is(account, name)).values(path=path))


def remove(tx: Transaction, account: str, name: str) -> None:
    tx.execute(delete(iam_groups).where(_is(account, name)))


def members(tx: Transaction, account: str, name: str, after: str, limit: int) -> list[User]:
    """The users in a group by name, `limit` of them after the name `after`."""
    query = (
        select(iam_users)
        .join(
            iam_memberships,
            (iam_memberships.c.account == iam_users.c.account)
            & (iam_memberships.c.user_name == iam_users.c.user_name),
        )
        .where(
            iam_memberships.c.account == account,
            iam_memberships.c.group_name == name,
            iam_users.c.user_name > after,
        )
        .order_by(iam_users.c.user_name)
        .limit(limit)
    )
    return [User(**row) for row in tx.execute(query).mappings()]


def of_user(tx: Transaction, account: str, user_name: str) -> list[Group]:
    """The groups that a user is in, by name."""
    query = (
        select(iam_groups)
        .join(
            iam_memberships,
            (iam_memberships.c.account == iam_groups.c.account)
            & (iam_memberships.c.group_name == iam_groups.c.group_name),
        )
        .where(iam_memberships.c.account == account, iam_memberships.c.user_name == user_name)
        .order_by(iam_groups.c.group_name)
    )
    return [Group(**row) for row in tx.execute(query).mappings()]


def join(tx: Transaction, account: str, user_name: str, name: str) -> None:
    values = {"account": account, "user_name": user_name, "group_name": name}
    tx.execute(insert(iam_memberships).values(**values))


def leave(tx: Transaction, account: str, user_name: str, name: str) -> bool:
    """Whether the user was in it."""
    place = (
        (iam_memberships.c.account == account)
        & (iam_memberships.c.user_name == user_name)
        & (iam_memberships.c.group_name == name)
    )
    return tx.execute(delete(iam_memberships).where(place)).rowcount == 1


def _is(account: str, name: str) -> ColumnElement[bool]:
    return (iam_groups.c.account == account) & (iam_groups.c.group_name == name)
