"""Which policies users and roles hold: attached by ARN, or written into them."""

from sqlalchemy import ColumnElement, Table, delete, func, insert, select, update

from flowmaker.aws.iam.records import Kind
from flowmaker.store.database import Transaction
from flowmaker.store.schema.aws import iam_attachments, iam_inline_policies, iam_roles, iam_users


def attached(tx: Transaction, account: str, kind: Kind, holder: str) -> list[str]:
    """The ARNs of the attached policies."""
    query = (
        select(iam_attachments.c.policy_arn)
        .where(_is_of(iam_attachments, account, kind, holder))
        .order_by(iam_attachments.c.policy_arn)
    )
    return list(tx.scalars(query))


def attach(tx: Transaction, account: str, kind: Kind, holder: str, policy_arn: str) -> None:
    """Once: attaching again changes nothing."""
    if policy_arn not in attached(tx, account, kind, holder):
        tx.execute(
            insert(iam_attachments).values(
                account=account, holder_kind=kind, holder=holder, policy_arn=policy_arn
            )
        )


def detach(tx: Transaction, account: str, kind: Kind, holder: str, policy_arn: str) -> bool:
    """Whether it was attached."""
    place = _is_of(iam_attachments, account, kind, holder) & (
        iam_attachments.c.policy_arn == policy_arn
    )
    return tx.execute(delete(iam_attachments).where(place)).rowcount == 1


def attachment_counts(tx: Transaction, account: str) -> dict[str, int]:
    """How many users, roles and groups of the account each policy is attached to."""
    query = (
        select(iam_attachments.c.policy_arn, func.count())
        .where(iam_attachments.c.account == account)
        .group_by(iam_attachments.c.policy_arn)
    )
    return {arn: count for arn, count in tx.execute(query).all()}  # noqa: C416 - typed rows


def boundary_counts(tx: Transaction, account: str) -> dict[str, int]:
    """How many users and roles of the account each policy is the boundary of."""
    counts: dict[str, int] = {}
    for table in (iam_users, iam_roles):
        query = select(table.c.boundary).where(table.c.account == account, table.c.boundary != "")
        for boundary in tx.scalars(query):
            counts[boundary] = counts.get(boundary, 0) + 1
    return counts


def holders(tx: Transaction, account: str, policy_arn: str) -> list[tuple[str, str]]:
    """Kind and name of whom in the account a policy is attached to."""
    query = (
        select(iam_attachments.c.holder_kind, iam_attachments.c.holder)
        .where(iam_attachments.c.account == account, iam_attachments.c.policy_arn == policy_arn)
        .order_by(iam_attachments.c.holder)
    )
    return [(row.holder_kind, row.holder) for row in tx.execute(query)]


def inline(tx: Transaction, account: str, kind: Kind, holder: str) -> dict[str, str]:
    """Name and JSON text of the policies written into a user, role or group."""
    query = (
        select(iam_inline_policies.c.policy_name, iam_inline_policies.c.policy_text)
        .where(_is_of(iam_inline_policies, account, kind, holder))
        .order_by(iam_inline_policies.c.policy_name)
    )
    return {row.policy_name: row.policy_text for row in tx.execute(query)}


def put_inline(
    tx: Transaction, account: str, kind: Kind, holder: str, name: str, text: str
) -> None:
    place = _is_of(iam_inline_policies, account, kind, holder) & (
        iam_inline_policies.c.policy_name == name
    )
    changed = tx.execute(update(iam_inline_policies).where(place).values(policy_text=text))
    if changed.rowcount == 0:
        tx.execute(
            insert(iam_inline_policies).values(
                account=account,
                holder_kind=kind,
                holder=holder,
                policy_name=name,
                policy_text=text,
            )
        )


def remove_inline(tx: Transaction, account: str, kind: Kind, holder: str, name: str) -> bool:
    place = _is_of(iam_inline_policies, account, kind, holder) & (
        iam_inline_policies.c.policy_name == name
    )
    return tx.execute(delete(iam_inline_policies).where(place)).rowcount == 1


def _is_of(table: Table, account: str, kind: Kind, holder: str) -> ColumnElement[bool]:
    return (table.c.account == account) & (table.c.holder_kind == kind) & (table.c.holder == holder)
