"""Access keys and sessions in the database, which only its owner can read."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, delete, insert, select, update

from flowmaker.aws.iam.records import AccessKey, Session
from flowmaker.store.database import Transaction
from flowmaker.store.schema.aws import iam_access_keys, sts_sessions


def key(tx: Transaction, access_key_id: str) -> AccessKey | None:
    """The key of that id, of whichever account."""
    query = select(iam_access_keys).where(iam_access_keys.c.access_key_id == access_key_id)
    row = tx.execute(query).mappings().first()
    return AccessKey(**row) if row else None


def keys(tx: Transaction, account: str, user_name: str) -> list[AccessKey]:
    """The keys of a user, in the order they were made; of the root user for an empty name."""
    query = (
        select(iam_access_keys)
        .where(iam_access_keys.c.account == account, iam_access_keys.c.user_name == user_name)
        .order_by(iam_access_keys.c.created_at, iam_access_keys.c.access_key_id)
    )
    return [AccessKey(**row) for row in tx.execute(query).mappings()]


def add_key(tx: Transaction, new: AccessKey) -> None:
    tx.execute(insert(iam_access_keys).values(**_columns(new)))


def set_status(
    tx: Transaction, account: str, access_key_id: str, user_name: str, status: str
) -> bool:
    """Whether the user has that key."""
    place = _is_of(account, access_key_id, user_name)
    return tx.execute(update(iam_access_keys).where(place).values(status=status)).rowcount == 1


def remove_key(tx: Transaction, account: str, access_key_id: str, user_name: str) -> bool:
    place = _is_of(account, access_key_id, user_name)
    return tx.execute(delete(iam_access_keys).where(place)).rowcount == 1


def session(tx: Transaction, access_key_id: str) -> Session | None:
    query = select(sts_sessions).where(sts_sessions.c.access_key_id == access_key_id)
    row = tx.execute(query).mappings().first()
    return _session(row) if row else None


def kept_session(tx: Transaction, purpose: str) -> Session | None:
    """The session that the server keeps for that purpose."""
    row = tx.execute(select(sts_sessions).where(sts_sessions.c.purpose == purpose)).mappings()
    found = row.first()
    return _session(found) if found else None


def add_session(tx: Transaction, new: Session) -> None:
    """Keep it, and forget those that are over, or whose purpose it takes."""
    over = sts_sessions.c.expires_at <= new.created_at
    if new.purpose:
        over |= sts_sessions.c.purpose == new.purpose
    tx.execute(delete(sts_sessions).where(over))
    values = _columns(new) | {
        "session_policies": list(new.session_policies),
        "tags": [list(tag) for tag in new.tags],
        "transitive": list(new.transitive),
    }
    tx.execute(insert(sts_sessions).values(**values))


def is_over(found: Session, now: datetime) -> bool:
    return found.expires_at <= now


def _is_of(account: str, access_key_id: str, user_name: str) -> ColumnElement[bool]:
    return (
        (iam_access_keys.c.account == account)
        & (iam_access_keys.c.access_key_id == access_key_id)
        & (iam_access_keys.c.user_name == user_name)
    )


def _session(row: RowMapping) -> Session:
    values: dict[str, Any] = dict(row)
    values["session_policies"] = tuple(row["session_policies"])
    values["tags"] = tuple((key, value) for key, value in row["tags"] or ())
    values["transitive"] = tuple(row["transitive"] or ())
    return Session(**values)


def _columns(record: AccessKey | Session) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__dataclass_fields__}
