"""A user or a group gets another name: everywhere, in one transaction."""

from sqlalchemy import update

from flowmaker.aws.iam.records import Kind
from flowmaker.store.database import Transaction
from flowmaker.store.schema.aws import (
    iam_access_keys,
    iam_attachments,
    iam_groups,
    iam_inline_policies,
    iam_memberships,
    iam_users,
    sts_sessions,
)


def rename_user(tx: Transaction, account: str, name: str, new: str) -> None:
    for table in (iam_users, iam_access_keys, iam_memberships):
        is_it = (table.c.account == account) & (table.c.user_name == name)
        tx.execute(update(table).where(is_it).values(user_name=new))
    _rename_holder(tx, account, "user", name, new)


def rename_group(tx: Transaction, account: str, name: str, new: str) -> None:
    for table in (iam_groups, iam_memberships):
        is_it = (table.c.account == account) & (table.c.group_name == name)
        tx.execute(update(table).where(is_it).values(group_name=new))
    _rename_holder(tx, account, "group", name, new)


def move_sessions(tx: Transaction, before: str, after: str) -> None:
    """Sessions of a user whose ARN is another now go on."""
    mine = sts_sessions.c.principal_arn == before
    tx.execute(update(sts_sessions).where(mine).values(principal_arn=after))


def _rename_holder(tx: Transaction, account: str, kind: Kind, name: str, new: str) -> None:
    for table in (iam_attachments, iam_inline_policies):
        held = (
            (table.c.account == account) & (table.c.holder_kind == kind) & (table.c.holder == name)
        )
        tx.execute(update(table).where(held).values(holder=new))
