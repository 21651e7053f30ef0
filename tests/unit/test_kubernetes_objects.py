"""Stored objects: who owns their fields, and what is remembered of their changes."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from flowmaker.kubernetes import ownership, repository
from flowmaker.kubernetes.ownership import FieldConflict
from flowmaker.kubernetes.records import APPLIED, SECRET, KubernetesObject
from flowmaker.kubernetes.repository import changes
from flowmaker.store.database import Database

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def made(name: str, **data: str) -> KubernetesObject:
    return KubernetesObject(
        kind=SECRET,
        namespace="kubeflow",
        name=name,
        uid=name,
        created_at=NOW,
        annotations={APPLIED: str(data), "note": "n"},
        document={"type": "Opaque", "data": data},
    )


def test_what_two_apply_stays_until_neither_wants_it() -> None:
    first, owners = ownership.applied({}, {}, {"data": {"a": "1", "b": "1"}}, "x", force=False)
    both, owners = ownership.applied(first, owners, {"data": {"a": "1"}}, "y", force=False)
    assert both["data"] == {"a": "1", "b": "1"}
    left, owners = ownership.applied(both, owners, {"data": {"c": "1"}}, "x", force=False)
    assert left["data"] == {"a": "1", "c": "1"}
    left, owners = ownership.applied(left, owners, {"metadata": {}}, "y", force=False)
    assert left["data"] == {"c": "1"}
    assert owners == {("Apply", "x"): frozenset({("data", "c")})}


def test_what_is_written_otherwise_is_a_conflict() -> None:
    first, owners = ownership.applied({}, {}, {"data": {"a": "1", "b": "1"}}, "x", force=False)
    now = {"data": {"a": "2", "b": "1"}}
    owners = ownership.updated(first, owners, now, "editor")
    with pytest.raises(FieldConflict) as raised:
        ownership.applied(now, owners, {"data": {"a": "1"}}, "x", force=False)
    assert raised.value.causes == [("editor", ".data.a")]
    same, _ = ownership.applied(now, owners, {"data": {"a": "2"}}, "x", force=False)
    assert same["data"] == {"a": "2"}, "b was x's alone"
    forced, after = ownership.applied(now, owners, {"data": {"a": "1"}}, "x", force=True)
    assert forced["data"] == {"a": "1"}
    assert after == {("Apply", "x"): frozenset({("data", "a")})}


async def test_changes_are_told_from_a_version_on(database: Database) -> None:
    def write(tx: repository.Transaction) -> int:
        repository.create(tx, made("a", k="secret"))
        start = changes.version(tx)
        repository.create(tx, made("b", k="secret"))
        stored = repository.get(tx, SECRET, "kubeflow", "a")
        assert stored
        repository.replace(tx, replace(stored, labels={"team": "x"}))
        repository.remove(tx, SECRET, "kubeflow", "a")
        return start

    start = await database.write(write)
    found = await database.read(changes.since, SECRET, "kubeflow", start)
    assert found is not None
    assert [(one.name, one.labels_before) for one in found] == [
        ("b", None),
        ("a", {}),
        ("a", {"team": "x"}),
    ]
    gone = found[-1].gone
    assert gone is not None
    assert (gone.labels, gone.annotations) == ({"team": "x"}, {"note": "n"})
    assert gone.document == {"type": "Opaque", "data": {"k": ""}}, "no value is remembered"
    assert await database.read(changes.since, SECRET, "other", start) == []


async def test_versions_never_come_again_and_old_changes_are_forgotten(database: Database) -> None:
    def write(tx: repository.Transaction) -> list[int]:
        seen: list[int] = []
        for _ in range(changes.KEPT):
            seen.append(repository.create(tx, made("a")).resource_version)
            repository.remove(tx, SECRET, "kubeflow", "a")
        return seen

    seen = await database.write(write)
    assert seen == sorted(set(seen))
    now = await database.read(changes.version)
    assert await database.read(changes.since, SECRET, "", now) == []
    assert await database.read(changes.since, SECRET, "", seen[0]) is None
    assert await database.read(changes.since, SECRET, "", now + 1) is None
    last = await database.read(changes.since, SECRET, "", now - changes.KEPT)
    assert last is not None
    assert len(last) == changes.KEPT
