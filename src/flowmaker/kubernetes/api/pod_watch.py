"""`kubectl get pods -w`: what changed since a list, and what changes, as long as somebody looks.

Pods are kept nowhere, so neither are their changes. What a list told is kept for a while instead,
under the list's resource version: whatever is otherwise now has changed since.
"""

import asyncio
import json
import platform
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flowmaker.clock import Clock
from flowmaker.kubernetes.api.turns import turns
from flowmaker.kubernetes.pod_table import pod_table
from flowmaker.kubernetes.pods import Mark, Pod, PodSource, Scope
from flowmaker.kubernetes.selectors import Selection
from flowmaker.store.news import News

#: Lists whose contents are kept.
KEPT = 16
#: Pods that are read at a time.
AT_ONCE = 200

Marks = Mapping[str, Mark]


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """What somebody watches."""

    scope: Scope
    chosen: Selection
    #: What they have been told already.
    known: Marks
    #: Whether events carry tables, as `kubectl get` prints them.
    as_table: bool
    #: Seconds until it ends; 0: never.
    seconds: int


class Watches:
    """Tells what changes, and keeps what lists told."""

    def __init__(self, news: News, clock: Clock, source: PodSource) -> None:
        self._clock = clock
        self._source = source
        self._kept: OrderedDict[str, tuple[Scope, Marks]] = OrderedDict()
        # Versions grow, over a restart of the server too.
        self._version = int(clock.now().timestamp() * 1000)
        self._news = news

    async def version(self, scope: Scope) -> str:
        """The resource version of how things are now."""
        return self._keep(scope, await self._source.marks(scope))

    def told(self, version: str, scope: Scope) -> Marks | None:
        """What a list of that version told; None when that is not known any more."""
        of, marks = self._kept.get(version, (None, None))
        return marks if of == scope else None

    async def lines(self, watch: Watch) -> AsyncIterator[bytes]:
        """The events, each in a line of JSON."""
        shown = await asyncio.to_thread(_chosen, watch.known, watch.chosen)
        async for _ in turns(self._news, watch.seconds):
            marks = await self._source.marks(watch.scope)
            async for event in self._changes(watch, shown, marks):
                yield event

    async def _changes(
        self, watch: Watch, shown: dict[str, Mark], marks: Marks
    ) -> AsyncIterator[bytes]:
        """The events that lead from what is `shown` to `marks`; `shown` is brought up to them."""
        now = await asyncio.to_thread(_chosen, marks, watch.chosen)
        changed = [name for name, mark in now.items() if shown.get(name) != mark]
        gone = [name for name in shown if name not in now]
        if not changed and not gone:
            return
        version = self._keep(watch.scope, marks)
        async for pod in self._named(changed):
            type_ = "MODIFIED" if pod.name in shown else "ADDED"
            shown[pod.name] = pod.mark
            yield self._event(type_, pod, watch, version)
        lasting = {pod.name: pod async for pod in self._named(gone)}
        for name in gone:
            before = shown.pop(name)
            pod = lasting.get(name) or Pod(
                name=name, mark=before, task_id="", task="", created_at=self._clock.now()
            )
            yield self._event("DELETED", pod, watch, version)

    async def _named(self, names: list[str]) -> AsyncIterator[Pod]:
        for some in _portions(names):
            found = await self._source.named(some)
            for name in some:
                if name in found:
                    yield found[name]

    def _event(self, type_: str, pod: Pod, watch: Watch, version: str) -> bytes:
        told: dict[str, Any]
        node = platform.node()
        if watch.as_table:
            told = pod_table([pod], self._clock.now(), node, {"resourceVersion": version})
            told["rows"][0]["object"]["metadata"]["resourceVersion"] = version
        else:
            told = pod.to_json(node)
            told["metadata"]["resourceVersion"] = version
        return json.dumps({"type": type_, "object": told}).encode() + b"\n"

    def _keep(self, scope: Scope, marks: Marks) -> str:
        latest = next((each for each in reversed(self._kept) if self._kept[each][0] == scope), "")
        if latest and self._kept[latest][1] == marks:
            self._kept.move_to_end(latest)
            return latest
        self._version += 1
        self._kept[str(self._version)] = (scope, marks)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return str(self._version)


def _chosen(marks: Marks, chosen: Selection) -> dict[str, Mark]:
    return {
        name: mark for name, mark in marks.items() if chosen.has(mark.labels, mark.fields(name))
    }


def _portions(names: list[str]) -> Iterator[Iterable[str]]:
    for start in range(0, len(names), AT_ONCE):
        yield names[start : start + AT_ONCE]
