"""Where requests to endpoints go: in memory until a word comes that an endpoint changed."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from flowmaker.reconcile.hints import Hints
from flowmaker.sagemaker.lifecycle import hosting as lifecycle
from flowmaker.sagemaker.records.document import decode
from flowmaker.sagemaker.records.hosting import EndpointState, Fleet, Variant
from flowmaker.sagemaker.records.resource import Kind
from flowmaker.sagemaker.repository import resources
from flowmaker.store.database import Database

SERVING = {"InService", "Updating", "RollingBack"}

Place = tuple[str, str, str]
"""Account, region, and the endpoint's name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """An endpoint as requests see it."""

    endpoint_id: str
    account: str
    region: str
    name: str
    fleet: Fleet
    #: What takes over, and the part of the requests that it gets by now.
    coming: Fleet | None
    share: float

    def choose(self, chance: random.Random, target: str = "") -> tuple[Fleet, Variant] | None:
        """The fleet and the variant of the next request; None when none is named `target`."""
        first, second = self.fleet, self.coming
        if second is not None and self.share and chance.random() < self.share:
            first, second = second, first
        elif not self.share:
            second = None
        for fleet in (first, second):
            if fleet and (variant := _chosen(fleet, chance, target)):
                return fleet, variant
        return None

    def variants(self) -> Iterator[Variant]:
        for fleet in (self.fleet, self.coming):
            yield from fleet.variants if fleet else ()


class Routes:
    """All of them."""

    def __init__(self, database: Database, hints: Hints) -> None:
        self._database = database
        self._routes: dict[Place, Route] = {}
        #: Counts the words that came: a route read before the last one is not kept.
        self._words = 0
        self._waiting: defaultdict[str, list[asyncio.Future[None]]] = defaultdict(list)
        hints.listen("endpoint_changed", self._forget)

    async def find(self, place: Place) -> Route | None:
        """The route, or None while nothing of that name serves."""
        if route := self._routes.get(place):
            return route
        words = self._words
        endpoint = await self._database.read(resources.find, Kind.ENDPOINT, *place)
        if endpoint is None:
            return None
        state = decode(EndpointState, endpoint.state)
        if state.fleet is None or lifecycle.status(state) not in SERVING:
            return None
        route = Route(
            endpoint_id=endpoint.id,
            account=endpoint.account,
            region=endpoint.region,
            name=endpoint.name,
            fleet=state.fleet,
            coming=state.pending,
            share=state.deployment.share if state.deployment else 0.0,
        )
        if words == self._words:
            self._routes[place] = route
        return route

    def change(self, endpoint_id: str) -> asyncio.Future[None]:
        """Done when the next word of it comes, from now on."""
        word: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[endpoint_id].append(word)
        return word

    def _forget(self, endpoint_id: str) -> None:
        self._words += 1
        for place, route in list(self._routes.items()):
            if route.endpoint_id == endpoint_id:
                del self._routes[place]
        for word in self._waiting.pop(endpoint_id, ()):
            if not word.done():
                word.set_result(None)


def _chosen(fleet: Fleet, chance: random.Random, target: str) -> Variant | None:
    variants = fleet.production
    if target:
        return next((one for one in variants if one.name == target), None)
    if len(variants) == 1:
        return variants[0]
    weights = [variant.weight for variant in variants]
    if not any(weights):
        return None
    return chance.choices(variants, weights)[0]
