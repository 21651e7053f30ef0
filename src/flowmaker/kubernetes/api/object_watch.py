"""`kubectl get -w` of what is stored: secrets, config maps, claims and namespaces."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from flowmaker.clock import Clock
from flowmaker.kubernetes import ownership, repository
from flowmaker.kubernetes.api import status
from flowmaker.kubernetes.api.turns import turns
from flowmaker.kubernetes.records import Kind, KubernetesObject
from flowmaker.kubernetes.repository import changes
from flowmaker.kubernetes.repository.changes import Change
from flowmaker.kubernetes.selectors import Selection
from flowmaker.kubernetes.table import table
from flowmaker.store.database import Database, Transaction
from flowmaker.store.news import News

#: What happened, and the object as it is, or was.
Event = tuple[str, KubernetesObject]


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectWatch:
    """What somebody watches."""

    kind: Kind
    namespace: str
    chosen: Selection
    #: The version that they know; 0: they know nothing.
    version: int
    as_table: bool
    #: Seconds until it ends; 0: never.
    seconds: int


async def lines(
    database: Database, clock: Clock, news: News, watch: ObjectWatch
) -> AsyncIterator[bytes]:
    """The events, each in a line of JSON."""
    seen = watch.version
    async for _ in turns(news, watch.seconds):
        found = await database.read(events, watch, seen)
        if found is None:
            message = f"too old resource version: {seen}"
            yield _line("ERROR", status.told(410, "Expired", message))
            return
        for type_, each in found[1]:
            yield _line(type_, _told(each, watch, clock))
        seen = found[0]


def events(tx: Transaction, watch: ObjectWatch, seen: int) -> tuple[int, Sequence[Event]] | None:
    """The version of now, and what leads to it; None when too much was forgotten."""
    there = {
        (each.namespace, each.name): each
        for each in repository.listing(tx, watch.kind, watch.namespace)
    }
    if not seen:
        return changes.version(tx), [
            ("ADDED", each) for each in there.values() if watch.chosen.of(each)
        ]
    found = changes.since(tx, watch.kind, watch.namespace, seen)
    if found is None:
        return None
    told = list(_events(found, there, watch.chosen))
    return changes.version(tx), sorted(told, key=lambda event: event[1].resource_version)


def _events(
    found: Sequence[Change],
    there: Mapping[tuple[str, str], KubernetesObject],
    chosen: Selection,
) -> Iterator[Event]:
    """Object by object: each of its lives that has ended, and how it is now."""

    def place(change: Change) -> tuple[str, str]:
        return change.namespace, change.name

    for key, of_one in groupby(sorted(found, key=place), place):
        life: list[Change] = []
        for change in of_one:
            life.append(change)
            if change.gone:
                yield from _event(life[0], None, change.gone, chosen)
                life = []
        if life and key in there:
            yield from _event(life[0], there[key], there[key], chosen)


def _event(
    first: Change, now: KubernetesObject | None, told: KubernetesObject, chosen: Selection
) -> Iterator[Event]:
    before = first.labels_before
    was = before is not None and chosen.of(told, before)
    if now is not None and chosen.of(now):
        yield ("MODIFIED" if was else "ADDED"), told
    elif was:
        yield "DELETED", told


def _told(each: KubernetesObject, watch: ObjectWatch, clock: Clock) -> dict[str, Any]:
    if watch.as_table:
        return table(watch.kind.name, [each], clock.now(), str(each.resource_version))
    return ownership.shown(each)


def _line(type_: str, told: Mapping[str, Any]) -> bytes:
    return json.dumps({"type": type_, "object": told}).encode() + b"\n"
