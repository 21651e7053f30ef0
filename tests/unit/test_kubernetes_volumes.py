"""Claims that go, and their folders."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flowmaker.kubernetes import repository
from flowmaker.kubernetes.claims import new_claim
from flowmaker.kubernetes.records import PERSISTENT_VOLUME_CLAIM
from flowmaker.kubernetes.volumes import ALL, PAUSE, VolumesController
from flowmaker.store.database import Database

NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def make(database: Database, name: str) -> str:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    manifest = {"metadata": {"name": name}, "spec": spec}
    claim = new_claim("kubeflow", name, manifest, "maker", NOW)
    await database.write(repository.ensure_made_by, claim)
    return claim.uid


async def remove(database: Database, name: str, remover: str, at: datetime = NOW) -> bool:
    kind = PERSISTENT_VOLUME_CLAIM
    return await database.write(repository.ensure_removed_by, kind, "kubeflow", name, remover, at)


async def test_who_removed_a_claim_may_do_it_again(database: Database) -> None:
    await make(database, "a")
    assert not await remove(database, "b", "one")
    assert await remove(database, "a", "one")
    assert await remove(database, "a", "one")
    assert not await remove(database, "a", "two")
    await make(database, "a")
    assert await remove(database, "a", "one")
    await make(database, "a")
    assert await remove(database, "a", "two", NOW + timedelta(days=30))
    assert not await remove(database, "a", "one")  # so long ago that it is not known any more


async def test_the_folder_of_a_claim_goes_when_nobody_has_it(
    database: Database, tmp_path: Path
) -> None:
    users: dict[str, list[str]] = {}

    async def held(names: Iterable[str]) -> dict[str, list[str]]:
        return {name: users[name] for name in names if name in users}

    uids = {name: await make(database, name) for name in ("kept", "gone", "used")}
    folders = {name: tmp_path / "volumes" / uid for name, uid in uids.items()}
    folders["kept, on its way"] = tmp_path / "volumes" / f"{uids['kept']}.download"
    folders["gone, on its way"] = tmp_path / "volumes" / f"{uids['gone']}.download"
    for folder in folders.values():
        folder.mkdir(parents=True)
        (folder / "file").touch()
    users[uids["used"]] = ["a process"]
    controller = VolumesController(database, tmp_path / "volumes", held)
    assert await controller.open_keys() == (ALL,)
    assert await controller.reconcile(ALL) is None
    for name in ("gone", "used"):
        await remove(database, name, "one")
    assert await controller.reconcile(ALL) == PAUSE
    there = {name for name, folder in folders.items() if (folder / "file").exists()}
    assert there == {"kept", "kept, on its way", "used"}
    users.clear()
    assert await controller.reconcile(ALL) is None
    assert not folders["used"].exists()


async def test_a_folder_that_cannot_be_removed_is_looked_at_again(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def held(_: Iterable[str]) -> dict[str, list[str]]:
        return {}

    folder = tmp_path / "volumes" / "of nobody"
    folder.mkdir(parents=True)
    controller = VolumesController(database, tmp_path / "volumes", held)
    with monkeypatch.context() as patched:
        patched.setattr("shutil.rmtree", lambda *_, **__: None)
        assert await controller.reconcile(ALL) == PAUSE
    assert await controller.reconcile(ALL) is None
    assert not folder.exists()
