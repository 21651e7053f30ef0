"""Room for jobs: their instances begin together, when there is room for all of them.

A kind of job takes part so: its controller calls `register` when it is made, `admits` before it
prepares its instances, and `left` when they have all ended. Who holds room is on no record of its
own: it follows from the jobs' states, by the `standing` that was registered.
"""

import asyncio
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from flowmaker.executors.machine import capacity
from flowmaker.executors.room import Demand, Room
from flowmaker.reconcile.hints import Hints
from flowmaker.sagemaker.controllers.instance_types import size
from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.repository import resources
from flowmaker.store.database import Database

#: Bytes that must be free for a job to be started.
LEAST_DISK = 1 << 30


class Standing(StrEnum):
    """Where an open job stands, by what is on record of it."""

    #: It needs no room any more.
    OUTSIDE = "outside"
    #: It asks for room: it waits, or has prepared nothing yet that takes any.
    WAITING = "waiting"
    HOLDING = "holding"


@dataclass(frozen=True, kw_only=True, slots=True)
class Claimants:
    """A kind of job that asks for room."""

    kind: Kind
    #: Of hints: what its controller listens to.
    topic: str
    #: The kind as a person calls it: `training job`.
    called: str
    #: The member of its request with InstanceType and InstanceCount.
    instances: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    standing: Callable[[Resource], Standing]


@dataclass(frozen=True, slots=True)
class JobRoom:
    """Which jobs hold room or wait for it."""

    room: Room = field(default_factory=lambda: Room(capacity()))
    _claimants: dict[Kind, Claimants] = field(default_factory=dict[Kind, Claimants])
    #: Who asks first is answered first, though reading the instance types takes its time.
    _in_order: asyncio.Lock = field(default_factory=asyncio.Lock)

    def register(self, claimants: Claimants) -> None:
        self._claimants[claimants.kind] = claimants

    async def recover(self, database: Database, hints: Hints) -> None:
        """Know again, before anybody asks, who held room when the server ended, and who waited."""
        for claimants in self._claimants.values():
            for job in await database.read(resources.open_resources, claimants.kind):
                match claimants.standing(job):
                    case Standing.HOLDING:
                        self.room.hold(await self._demand(job))
                    case Standing.WAITING:
                        then = partial(hints.hint, claimants.topic, job.id)
                        self.room.queue(await self._demand(job), then)
                    case Standing.OUTSIDE:
                        pass

    async def admits(self, job: Resource, then: Callable[[], None]) -> bool:
        """Whether all its instances may begin; if not, `then()` when it is worth asking again.

        It is called too when what the job waits for has changed: see `why`.
        """
        async with self._in_order:
            demand = await self._demand(job)
            held = self.room.holds(job.id)
            admitted = self.room.ask(demand, then)
        if admitted and not held:
            self.room.tell_all()
        return admitted

    def why(self, job: Resource) -> str:
        """What it waits for, for a person; empty if it does not."""
        return self.room.why(job.id)

    def left(self, job: Resource) -> None:
        """None of its instances runs any more, or ever will."""
        if self.room.leave(job.id):
            self.room.tell_all()

    async def begin_log(self, job: Resource, log: Path) -> None:
        """Of a job that asks for more than there is, say so in a log that is not there yet."""
        if note := await self._note(job):
            await asyncio.to_thread(_begin, log, note)

    async def _note(self, job: Resource) -> str:
        demand = await self._demand(job)
        whole = self.room.capacity
        if demand.amount.fits(whole):
            return ""
        asked = self._instances(job)
        return (
            f"{asked.get('InstanceCount', 1)} x {asked['InstanceType']} are {demand.amount}; this "
            f"machine has {whole}: no other job runs beside this one"
        )

    def _instances(self, job: Resource) -> Mapping[str, Any]:
        return self._claimants[job.kind].instances(job.request)

    async def _demand(self, job: Resource) -> Demand:
        asked = self._instances(job)
        # Records from before it was required may be without: no server may fail to start by one.
        one = await asyncio.to_thread(size, asked.get("InstanceType", ""))
        return Demand(
            id=job.id,
            amount=one * asked.get("InstanceCount", 1),
            since=job.created_at,
            what=f"{self._claimants[job.kind].called} {job.name}",
        )


def _begin(log: Path, note: str) -> None:
    if not log.exists():
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(f"[flowmaker] {note}\n")


def disk(folder: Path) -> str:
    """Why a job whose files go there cannot be started; empty if it can.

    VolumeSizeInGB is not reserved: inputs are links, and how much a job writes is not known.
    """
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free >= LEAST_DISK:
        return ""
    return (
        f"the disk of {folder} has {free / 1e9:.1f} GB free: too little to start a job. "
        "`flowmaker gc` may free some"
    )
