"""The operations of CloudWatch."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from flowmaker.aws.cloudwatch import putting, queries, repository
from flowmaker.aws.cloudwatch.arithmetic import Series
from flowmaker.aws.cloudwatch.records import Metric, Point, Source, Wanted, dimensions
from flowmaker.aws.cloudwatch.statistics import (
    STATISTICS,
    first_second,
    grouped,
    is_period,
    series,
)
from flowmaker.aws.errors import AwsError
from flowmaker.aws.logs.repository import Place
from flowmaker.aws.service import Call, Handler, Need, Operation
from flowmaker.clock import Clock
from flowmaker.store.database import Database

#: The most points of one answer of GetMetricStatistics, and metrics of one of ListMetrics.
_MOST = 1440
_MOST_LISTED = 500
#: Which metrics are listed: those that were measured within that time.
_LISTED = timedelta(days=14)
_RECENT = timedelta(hours=3)


class Kept:
    """Metrics that are in the database: who put them does not matter."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def metrics(self, place: Place, wanted: Wanted) -> Sequence[Metric]:
        return await self._database.read(repository.listed, place, wanted)

    async def points(
        self, place: Place, metric: Metric, start: float, end: float
    ) -> Sequence[Point]:
        return await self._database.read(repository.points, place, metric, start, end)


class CloudWatchService:
    """ListMetrics, GetMetricData, GetMetricStatistics and PutMetricData."""

    name = "cloudwatch"

    def __init__(self, database: Database, clock: Clock, sources: Sequence[Source] = ()) -> None:
        """`sources` have metrics beside those that are kept in the database."""
        self._database = database
        self._clock = clock
        self._sources: Sequence[Source] = (*sources, Kept(database))

    def operations(self) -> Mapping[str, Operation]:
        handlers: dict[str, Handler] = {
            "GetMetricData": self._data,
            "GetMetricStatistics": self._statistics,
            "ListMetrics": self._list,
            "PutMetricData": self._put,
        }
        return {
            name: Operation(handler=handler, needs=_needs) for name, handler in handlers.items()
        }

    async def _statistics(self, call: Call) -> Mapping[str, Any]:
        given = call.parameters
        _check(given)
        metric = Metric(
            given["Namespace"], given["MetricName"], dimensions(given.get("Dimensions", ()))
        )
        period = given["Period"]
        points = await self._points(call, metric, period)
        groups = grouped(points, period, given.get("Unit"))
        if len(groups) > _MOST:
            raise _invalid(
                f"You have requested up to {len(groups)} datapoints, which exceeds the limit of "
                f"{_MOST}. You may reduce the datapoints requested by increasing Period, or "
                "decreasing the time range."
            )
        return {
            "Label": given["MetricName"],
            "Datapoints": [
                {
                    "Timestamp": datetime.fromtimestamp(start, UTC),
                    "Unit": unit,
                    **{name: float(STATISTICS[name](one)) for name in given["Statistics"]},
                }
                for (start, unit), one in groups.items()
            ],
        }

    async def _data(self, call: Call) -> Mapping[str, Any]:
        given = call.parameters
        queries.check(given)

        async def read(query: Mapping[str, Any]) -> Series:
            stat = query["MetricStat"]
            asked = stat["Metric"]
            metric = Metric(
                asked["Namespace"], asked["MetricName"], dimensions(asked.get("Dimensions", ()))
            )
            points = await self._points(call, metric, stat["Period"])
            return series(points, stat["Period"], stat.get("Unit"), stat["Stat"])

        found = await queries.Answers(given["MetricDataQueries"], read).all()
        return queries.page(given, found, call.region)

    async def _list(self, call: Call) -> Mapping[str, Any]:
        given = call.parameters
        if given.get("OwningAccount") not in (None, call.account):
            return {"Metrics": []}
        recent = _RECENT if given.get("RecentlyActive") else _LISTED
        wanted = Wanted(
            since=self._clock.now() - recent,
            namespace=given.get("Namespace", ""),
            name=given.get("MetricName", ""),
            dimensions=tuple(
                (one["Name"], one.get("Value")) for one in given.get("Dimensions", ())
            ),
        )
        found: set[Metric] = set()
        for source in self._sources:
            found |= {one for one in await source.metrics(_place(call), wanted) if wanted.has(one)}
        ordered = sorted(found, key=lambda one: (one.namespace, one.name, one.dimensions))
        begin = _offset(given.get("NextToken"))
        end = begin + _MOST_LISTED
        answer: dict[str, Any] = {"Metrics": [_described(one) for one in ordered[begin:end]]}
        if given.get("IncludeLinkedAccounts"):
            answer["OwningAccounts"] = [call.account] * len(answer["Metrics"])
        return answer | ({"NextToken": str(end)} if end < len(ordered) else {})

    async def _put(self, call: Call) -> None:
        measured = putting.measured(call.parameters, self._clock.now())
        await self._database.write(repository.put, _place(call), measured)

    async def _points(self, call: Call, metric: Metric, period: int) -> list[Point]:
        """All that there is of a metric in the request's time."""
        start = first_second(call.parameters["StartTime"].timestamp(), period)
        end = call.parameters["EndTime"].timestamp()
        found: list[Point] = []
        for source in self._sources:
            found += await source.points(_place(call), metric, start, end)
        return found


def _check(given: Mapping[str, Any]) -> None:
    """What CloudWatch asks of a request.

    Raises:
        AwsError: it is not so.
    """
    if not is_period(given["Period"]):
        raise _invalid(
            f"The parameter Period must be 1, 5, 10, 20, 30, or a multiple of 60: {given['Period']}"
        )
    if given["StartTime"] >= given["EndTime"]:
        raise _invalid("The parameter StartTime must be less than the parameter EndTime.")
    if given.get("ExtendedStatistics"):
        raise _invalid("ExtendedStatistics are not supported by Flowmaker: use Statistics.")
    if not given.get("Statistics"):
        raise _invalid("At least one of the parameters Statistics must be given.")


def _described(metric: Metric) -> dict[str, Any]:
    return {
        "Namespace": metric.namespace,
        "MetricName": metric.name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
    }


def _offset(token: str | None) -> int:
    if token and not token.isdigit():
        raise _invalid("The value for NextToken is invalid.")
    return int(token or 0)


def _place(call: Call) -> Place:
    return Place(account=call.account, region=call.region)


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterValue", message)


async def _needs(call: Call) -> Iterable[Need]:
    """No operation is of one resource; who may put is told by the namespace."""
    action = f"cloudwatch:{call.operation}"
    if call.operation == "PutMetricData":
        return [Need(action=action, context={"cloudwatch:namespace": call.parameters["Namespace"]})]
    return [Need(action=action)]
