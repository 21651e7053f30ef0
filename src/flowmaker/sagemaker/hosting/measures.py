"""What CloudWatch has of endpoints, in `AWS/SageMaker`: counted in memory, kept minute by minute.

A request costs no write. What the current minute has is in the database when somebody asks for
metrics, when the minute is over, and when the server ends in order; killed, it loses that minute.

Contract: "SageMaker AI endpoint invocation metrics".
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from flowmaker.aws.cloudwatch import repository
from flowmaker.aws.cloudwatch.records import Metric, Point, Summary, Wanted
from flowmaker.aws.logs.repository import Place
from flowmaker.clock import Clock
from flowmaker.sagemaker.hosting.routes import Route
from flowmaker.sagemaker.records.hosting import Fleet, Variant
from flowmaker.store.database import Database

NAMESPACE = "AWS/SageMaker"
MINUTE = 60
_MICROSECONDS = 1_000_000
#: What AWS has of asynchronous endpoints.
_OF_ASYNCHRONOUS = {
    "Invocation4XXErrors",
    "Invocation5XXErrors",
    "InvocationModelErrors",
    "ModelLatency",
}


@dataclass(slots=True)
class Watch:
    """How long a request takes in all, and its models of that, in seconds."""

    began: float = field(default_factory=time.perf_counter)
    models: float = 0.0


@dataclass(slots=True)
class _Values:
    """Values of one metric in one minute."""

    total: float = 0.0
    least: float = float("inf")
    most: float = float("-inf")

    def add(self, value: float) -> None:
        self.total += value
        self.least = min(self.least, value)
        self.most = max(self.most, value)


_Kept = tuple[str, str, str, str, int]
"""Account, region, endpoint, variant, and the second at which the minute begins."""


@dataclass(slots=True)
class _Minute:
    """What happened to a variant in one minute."""

    asynchronous: bool
    count: int = 0
    values: dict[str, _Values] = field(default_factory=dict[str, _Values])

    def points(self, at: int) -> Iterator[tuple[str, Point]]:
        for name, one in self.values.items():
            unit = "Microseconds" if name.endswith("Latency") else "None"
            if not self.asynchronous or name in _OF_ASYNCHRONOUS:
                yield name, Point(at, unit, Summary(self.count, one.total, one.least, one.most))


class Measures:
    """Counts invocations. Use it on one event loop. For CloudWatch it is a source of metrics."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._minutes: dict[_Kept, _Minute] = {}

    def count(
        self, route: Route, fleet: Fleet, variant: Variant, watch: Watch, status: int
    ) -> None:
        """A request that a model was asked; `status` is the model's, 0 for no answer."""
        elapsed = time.perf_counter() - watch.began
        at = int(self._clock.now().timestamp()) // MINUTE * MINUTE
        key = (route.account, route.region, route.name, variant.name, at)
        minute = self._minutes.get(key)
        if minute is None:
            minute = self._minutes[key] = _Minute(asynchronous=bool(fleet.asynchronous))
        minute.count += 1
        client, server = 400 <= status < 500, status >= 500  # noqa: PLR2004 - of HTTP
        measured = {
            "Invocations": 1.0,
            "InvocationsPerInstance": 1.0 / max(variant.count, 1),
            "Invocation4XXErrors": float(client),
            "Invocation5XXErrors": float(server),
            "InvocationModelErrors": float(client or server or not status),
            "ModelLatency": watch.models * _MICROSECONDS,
            "OverheadLatency": max(elapsed - watch.models, 0.0) * _MICROSECONDS,
        }
        for name, value in measured.items():
            values = minute.values.get(name)
            if values is None:
                values = minute.values[name] = _Values()
            values.add(value)

    async def flush(self, *, over: bool = False) -> None:
        """Keep what was counted; `over`: only of minutes that are over."""
        now = self._clock.now().timestamp()
        taken = [key for key in self._minutes if not over or key[-1] + MINUTE <= now]
        if not taken:
            return
        minutes = {key: self._minutes.pop(key) for key in taken}
        measured: dict[Place, list[tuple[Metric, Point]]] = {}
        for (account, region, endpoint, variant, at), minute in minutes.items():
            place = Place(account=account, region=region)
            dimensions = (("EndpointName", endpoint), ("VariantName", variant))
            measured.setdefault(place, []).extend(
                (Metric(NAMESPACE, name, dimensions), point) for name, point in minute.points(at)
            )
        for place, points in measured.items():
            await self._database.write(repository.put, place, points)

    async def metrics(self, place: Place, wanted: Wanted) -> Sequence[Metric]:
        """None of its own: what it has is in the database then."""
        del place
        if wanted.namespace in ("", NAMESPACE):
            await self.flush()
        return []

    async def points(
        self, place: Place, metric: Metric, start: float, end: float
    ) -> Sequence[Point]:
        """As for `metrics`."""
        del place, start, end
        if metric.namespace == NAMESPACE:
            await self.flush()
        return []
