"""The decisions of late, kept for whoever asks what is missing or what was needed.

Noting one costs a look into a dictionary: what changed is written down once a second. A crash
takes the last second of it, and nothing that anybody relies on to decide.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from flowmaker import ids
from flowmaker.aws.auth import repository
from flowmaker.aws.auth.denials import denial, missing
from flowmaker.aws.auth.evaluate import Decision
from flowmaker.aws.auth.observed import Observation, Wanted
from flowmaker.aws.service import Need, Principal
from flowmaker.clock import Clock
from flowmaker.store.database import Database

#: How many are kept at most; the oldest go first.
MOST = 20_000
#: After a longer pause the same need is another observation.
PAUSE = timedelta(minutes=1)
#: How many that go on are remembered at most between two looks into the database.
_REMEMBERED = 4096
_WRITTEN_EVERY = 1.0

_log = logging.getLogger(__name__)

_Key = tuple[str, str, str, str, str, bool]


class Observations:
    """What was decided lately."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._going: dict[_Key, Observation] = {}
        self._changed: dict[str, Observation] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None

    def note(self, principal: Principal, need: Need, decision: Decision) -> None:
        """Remember a decision. It is called on the event loop."""
        now = self._clock.now()
        passed_to = _text(need.context, "iam:PassedToService")
        app = _app(_text(need.context, "aws:UserAgent"))
        key = (principal.arn, app, need.action, need.resource, passed_to, decision.allowed)
        seen = self._going.get(key)
        if seen is not None and now - seen.last_at < PAUSE:
            seen = replace(seen, last_at=now, count=seen.count + 1)
        else:
            seen = Observation(
                id=ids.new(),
                principal=principal.arn,
                app=app,
                action=need.action,
                resource=need.resource,
                passed_to=passed_to,
                allowed=decision.allowed,
                explicit=decision.explicit,
                told="" if decision.allowed else denial(principal, need, decision).message,
                missing="" if decision.allowed else missing(principal, need, decision),
                count=1,
                first_at=now,
                last_at=now,
            )
        self._going[key] = seen
        self._changed[seen.id] = seen
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(_WRITTEN_EVERY, self._begin_to_write)

    async def read(self, wanted: Wanted) -> list[Observation]:
        """Those that are wanted, also of the last moment, the latest first."""
        await self.flush()
        return await self._database.read(repository.observations, wanted)

    async def flush(self) -> None:
        """Write down what is not yet."""
        changed, self._changed = list(self._changed.values()), {}
        if len(self._going) > _REMEMBERED:
            self._going.clear()
        if changed:
            await self._database.write(repository.keep_observations, changed, MOST)

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._writing is not None:
            await self._writing
        await self.flush()

    def _begin_to_write(self) -> None:
        self._timer = None
        self._writing = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        try:
            await self.flush()
        except Exception:  # noqa: BLE001 - what is lost is a record, not a decision
            _log.exception("Decisions about permissions were not written down")


def _text(context: Mapping[str, str | tuple[str, ...]], key: str) -> str:
    found = context.get(key, "")
    return found if isinstance(found, str) else " ".join(found)


def _app(agent: str) -> str:
    """What an AWS SDK was told that it is part of (`AWS_SDK_UA_APP_ID`)."""
    _, found, rest = f" {agent}".partition(" app/")
    return rest.split(" ", 1)[0] if found else ""
