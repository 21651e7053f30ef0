"""Persistent volume claims, as runs of pipelines ask for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowmaker.clock import Clock
from flowmaker.kubernetes import repository, volumes
from flowmaker.kubernetes.claims import new_claim
from flowmaker.kubernetes.records import PERSISTENT_VOLUME_CLAIM
from flowmaker.reconcile.hints import Hints
from flowmaker.store.database import Database


@dataclass(frozen=True, kw_only=True, slots=True)
class Claims:
    """The methods are those of `RunSettings`, which says what they do."""

    database: Database
    hints: Hints
    clock: Clock
    #: It has the folder of each claim.
    volumes: Path

    async def folder(self, namespace: str, name: str) -> Path | None:
        kind = PERSISTENT_VOLUME_CLAIM
        found = await self.database.read(repository.get, kind, namespace, name)
        return self.volumes / found.uid if found else None

    async def all(self) -> list[tuple[str, str]]:
        found = await self.database.read(repository.listing, PERSISTENT_VOLUME_CLAIM, "")
        return [(each.namespace, each.name) for each in found]

    async def make(
        self, namespace: str, name: str, manifest: Mapping[str, Any], maker: str
    ) -> None:
        made = new_claim(namespace, name, manifest, maker, self.clock.now())
        await self.database.write(repository.ensure_made_by, made)

    async def remove(self, namespace: str, name: str, remover: str) -> bool:
        kind, now = PERSISTENT_VOLUME_CLAIM, self.clock.now()
        removed = await self.database.write(
            repository.ensure_removed_by, kind, namespace, name, remover, now
        )
        self.hints.hint(volumes.TOPIC, volumes.ALL)
        return removed
