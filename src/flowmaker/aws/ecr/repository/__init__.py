"""Repositories of images in the database: those that were made, tagged or given a policy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Row, and_, delete, select
from sqlalchemy.dialects.sqlite import insert

from flowmaker.store.database import Transaction
from flowmaker.store.schema.aws import ecr_repositories

_PARTS = 6
_NAME = "repository/"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Whose registry: an account in a region."""

    account: str
    region: str


class Named(NamedTuple):
    """What an ARN says."""

    place: Place
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Repository:
    """A repository as it was made, or as it is by itself when it has an image."""

    name: str
    created_at: datetime
    #: JSON text as it was given; empty: none.
    policy: str = ""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


def place_of(resource: str) -> Named | None:
    """The repository that an ARN names; None when it is not one's."""
    parts = resource.split(":", _PARTS - 1)
    if len(parts) < _PARTS or parts[0] != "arn" or parts[2] != "ecr":
        return None
    *_, region, account, name = parts
    if not name.startswith(_NAME):
        return None
    return Named(Place(account=account, region=region), name.removeprefix(_NAME))


def find(tx: Transaction, place: Place, name: str) -> Repository | None:
    row = tx.execute(select(ecr_repositories).where(_is(place, name))).first()
    return _repository(row) if row else None


def every(tx: Transaction, place: Place) -> list[Repository]:
    """All of a registry."""
    of = ecr_repositories.c
    where = and_(of.account == place.account, of.region == place.region)
    return [_repository(row) for row in tx.execute(select(ecr_repositories).where(where))]


def put(tx: Transaction, place: Place, repository: Repository) -> None:
    """Write it, in place of what there is of its name."""
    said = {
        "created_at": repository.created_at,
        "policy": repository.policy,
        "tags": dict(repository.tags),
    }
    key = {"account": place.account, "region": place.region, "name": repository.name}
    statement = insert(ecr_repositories).values(key | said)
    tx.execute(statement.on_conflict_do_update(index_elements=list(key), set_=said))


def remove(tx: Transaction, place: Place, name: str) -> None:
    tx.execute(delete(ecr_repositories).where(_is(place, name)))


def _is(place: Place, name: str) -> ColumnElement[bool]:
    of = ecr_repositories.c
    return and_(of.account == place.account, of.region == place.region, of.name == name)


def _repository(row: Row[tuple[object, ...]]) -> Repository:
    return Repository(
        name=row.name,
        created_at=row.created_at,
        policy=row.policy,
        tags=row.tags,
    )
