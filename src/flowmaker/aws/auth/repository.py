"""What IAM has on a user or a role, read in one go for a decision."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Table, delete, func, insert, select, update

from flowmaker.aws.auth.observed import Observation, Wanted
from flowmaker.store.database import Transaction
from flowmaker.store.schema.aws import (
    iam_access_keys,
    iam_attachments,
    iam_decisions,
    iam_inline_policies,
    iam_memberships,
    iam_policies,
    iam_policy_versions,
    iam_roles,
    iam_users,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Inline:
    """An inline policy, and whose it is: the user's or role's own, or that of a group."""

    holder_kind: str
    holder: str
    name: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """Whatever decides what a user or role may do."""

    #: `AIDA…` or `AROA…`: another than before when it was deleted and made again.
    unique_id: str
    path: str
    tags: dict[str, str]
    #: ARN of the permissions boundary; empty for none.
    boundary: str
    inline: tuple[Inline, ...]
    #: ARNs of the attached managed policies.
    attached: tuple[str, ...]
    #: JSON text of those that are the account's own (also of the boundary), by ARN.
    texts: dict[str, str]


def held(tx: Transaction, account: str, kind: str, name: str) -> Held | None:
    """What the `user` or `role` of that name in the account holds."""
    if kind == "user":
        entity = select(
            iam_users.c.user_id, iam_users.c.path, iam_users.c.tags, iam_users.c.boundary
        ).where(iam_users.c.account == account, iam_users.c.user_name == name)
    else:
        entity = select(
            iam_roles.c.role_id, iam_roles.c.path, iam_roles.c.tags, iam_roles.c.boundary
        ).where(iam_roles.c.account == account, iam_roles.c.role_name == name)
    row = tx.execute(entity).one_or_none()
    if row is None:
        return None
    unique_id, path, tags, boundary = row
    inline = tx.execute(
        select(
            iam_inline_policies.c.holder_kind,
            iam_inline_policies.c.holder,
            iam_inline_policies.c.policy_name.label("name"),
            iam_inline_policies.c.policy_text.label("text"),
        )
        .where(_is_of(iam_inline_policies, account, kind, name))
        .order_by(iam_inline_policies.c.policy_name)
    ).mappings()
    attached = tx.scalars(
        select(iam_attachments.c.policy_arn)
        .where(_is_of(iam_attachments, account, kind, name))
        .distinct()
        .order_by(iam_attachments.c.policy_arn)
    ).all()
    return Held(
        unique_id=unique_id,
        path=path,
        tags=tags,
        boundary=boundary,
        inline=tuple(Inline(**one) for one in inline),
        attached=tuple(attached),
        texts=policy_texts(tx, account, [*attached, boundary]),
    )


def _is_of(table: Table, account: str, kind: str, name: str) -> ColumnElement[bool]:
    """Whether a policy is the holder's own, or that of a group which the user is in."""
    of = (table.c.holder_kind == kind) & (table.c.holder == name)
    if kind == "user":
        joined = select(iam_memberships.c.group_name).where(
            iam_memberships.c.account == account, iam_memberships.c.user_name == name
        )
        of |= (table.c.holder_kind == "group") & table.c.holder.in_(joined)
    return (table.c.account == account) & of


def policy_texts(tx: Transaction, account: str, arns: list[str]) -> dict[str, str]:
    """The default version of those managed policies that are the account's own, by ARN."""
    rows = tx.execute(
        select(iam_policies.c.arn, iam_policy_versions.c.policy_text)
        .join(
            iam_policy_versions,
            (iam_policy_versions.c.account == iam_policies.c.account)
            & (iam_policy_versions.c.policy_name == iam_policies.c.policy_name)
            & (iam_policy_versions.c.version == iam_policies.c.default_version),
        )
        .where(iam_policies.c.account == account, iam_policies.c.arn.in_(arns))
    )
    return {row.arn: row.policy_text for row in rows}


def note_use(tx: Transaction, access_key_id: str, service: str, region: str, now: datetime) -> None:
    """Remember when and for what an access key was used last."""
    tx.execute(
        update(iam_access_keys)
        .where(iam_access_keys.c.access_key_id == access_key_id)
        .values(last_used_at=now, last_used_service=service, last_used_region=region)
    )


def keep_observations(tx: Transaction, changed: list[Observation], most: int) -> None:
    """Write down what is new of them, and forget the oldest above `most`."""
    tx.execute(delete(iam_decisions).where(iam_decisions.c.id.in_([one.id for one in changed])))
    tx.execute(
        insert(iam_decisions),
        [{name: getattr(one, name) for name in one.__dataclass_fields__} for one in changed],
    )
    above = (tx.scalar(select(func.count()).select_from(iam_decisions)) or 0) - most
    if above > 0:
        oldest = select(iam_decisions.c.id).order_by(iam_decisions.c.last_at).limit(above)
        tx.execute(delete(iam_decisions).where(iam_decisions.c.id.in_(oldest)))


def observations(tx: Transaction, wanted: Wanted) -> list[Observation]:
    """Those that are wanted, the latest first."""
    query = select(iam_decisions).order_by(iam_decisions.c.last_at.desc()).limit(wanted.limit)
    if wanted.since:
        query = query.where(iam_decisions.c.last_at >= wanted.since)
    if wanted.until:
        query = query.where(iam_decisions.c.first_at <= wanted.until)
    if wanted.principal:
        of = iam_decisions.c.principal
        below = of.startswith(f"{wanted.principal}/", autoescape=True)
        query = query.where((of == wanted.principal) | below)
    if wanted.tasks:
        names = [f"task-{task}" for task in wanted.tasks]
        session = func.substr(iam_decisions.c.principal, -len(names[0]))
        query = query.where(iam_decisions.c.app.in_(names) | session.in_(names))
    if wanted.denied:
        query = query.where(iam_decisions.c.allowed.is_(False))
    return [Observation(**row) for row in tx.execute(query).mappings()]
