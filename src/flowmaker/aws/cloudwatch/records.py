"""What a metric is, and its values."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from flowmaker.aws.logs.repository import Place

Dimensions = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric is told from others by all three: those with other dimensions are other metrics."""

    namespace: str
    name: str
    #: Names and values, in the order of the names.
    dimensions: Dimensions = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """Any number of values, as far as statistics need them."""

    count: float
    total: float
    least: float
    most: float

    def __add__(self, other: "Summary") -> "Summary":
        return Summary(
            self.count + other.count,
            self.total + other.total,
            min(self.least, other.least),
            max(self.most, other.most),
        )


@dataclass(frozen=True, slots=True)
class Point:
    """Values of a metric at a time, in seconds since 1970."""

    at: float
    unit: str
    summary: Summary


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which metrics ListMetrics asks for."""

    #: Those that nobody has measured since then are not told.
    since: datetime
    namespace: str = ""
    name: str = ""
    #: Dimensions that they must have; a value of None stands for any.
    dimensions: tuple[tuple[str, str | None], ...] = ()

    def has(self, metric: Metric) -> bool:
        return (
            (not self.namespace or metric.namespace == self.namespace)
            and (not self.name or metric.name == self.name)
            and all(_has(metric, name, value) for name, value in self.dimensions)
        )


class Source(Protocol):
    """Who has metrics."""

    async def metrics(self, place: Place, wanted: Wanted) -> Sequence[Metric]:
        """Those that it has; it may leave out only what `wanted` does not have."""
        ...

    async def points(
        self, place: Place, metric: Metric, start: float, end: float
    ) -> Sequence[Point]:
        """What was measured from `start` until before `end`, in any order."""
        ...


def value(measured: float) -> Summary:
    """One value."""
    return Summary(1.0, measured, measured, measured)


def dimensions(given: Iterable[Mapping[str, Any]]) -> Dimensions:
    """As a request has them."""
    return tuple(sorted((one["Name"], one["Value"]) for one in given))


def _has(metric: Metric, name: str, wanted: str | None) -> bool:
    return any(each == name and wanted in (None, has) for each, has in metric.dimensions)
