"""The folders of persistent volume claims: each goes once its claim has gone and nobody has it.

On a cluster that is the reclaim policy `Delete`, with the finalizer `pvc-protection` before it.
"""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path

from flowmaker.kubernetes import repository
from flowmaker.kubernetes.records import PERSISTENT_VOLUME_CLAIM
from flowmaker.store.database import Database

#: A claim has gone, whichever it was.
TOPIC = "volumes"
ALL = "all"
#: Seconds until a folder that somebody still has is looked at again.
PAUSE = 5.0


#: Of the names of volumes' folders, those that processes have: the names of the processes.
Held = Callable[[Iterable[str]], Awaitable[Mapping[str, Sequence[str]]]]


class VolumesController:
    """Implements `Controller`; its one key is `ALL`.

    Args:
        folder: It has the folder of each claim, by its uid; a name may go on after a dot.
        held: Who has the folders of such names: processes that run.
    """

    topic = TOPIC

    def __init__(
        self,
        database: Database,
        folder: Path,
        held: Held,
    ) -> None:
        self._database = database
        self._folder = folder
        self._held = held

    async def open_keys(self) -> Iterable[str]:
        return (ALL,)

    async def reconcile(self, key: str) -> float | None:
        del key
        # The folders first: a claim is there before its folder.
        there = await asyncio.to_thread(lambda: [*self._folder.glob("*/")])
        claims = await self._database.read(repository.listing, PERSISTENT_VOLUME_CLAIM, "")
        uids = {claim.uid for claim in claims}
        orphans = [each for each in there if each.name.partition(".")[0] not in uids]
        if not orphans:
            return None
        held = await self._held(each.name for each in orphans)
        for orphan in orphans:
            if orphan.name not in held:
                await asyncio.to_thread(shutil.rmtree, orphan, ignore_errors=True)
        left = await asyncio.to_thread(lambda: [each for each in orphans if each.exists()])
        return PAUSE if left else None
