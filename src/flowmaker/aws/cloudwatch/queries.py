"""GetMetricData: several metrics and what is computed of them, a page at a time."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flowmaker.aws.cloudwatch import arithmetic, labels
from flowmaker.aws.cloudwatch.arithmetic import ExpressionError, Series
from flowmaker.aws.cloudwatch.statistics import STATISTICS, is_period
from flowmaker.aws.errors import AwsError

MOST_QUERIES = 500
MOST_POINTS = 100_800
_ID = re.compile(r"[a-z][a-zA-Z0-9_]*")
_TIMEZONE = re.compile(r"[+-]\d{4}")

Query = Mapping[str, Any]
Read = Callable[[Query], Awaitable[Series]]


def check(given: Mapping[str, Any]) -> None:
    """What CloudWatch asks of a request.

    Raises:
        AwsError: it is not so.
    """
    queries: Sequence[Query] = given["MetricDataQueries"]
    if not 1 <= len(queries) <= MOST_QUERIES:
        raise invalid(f"MetricDataQueries must have 1 to {MOST_QUERIES} queries.")
    if given["StartTime"] >= given["EndTime"]:
        raise invalid("The parameter StartTime must be less than the parameter EndTime.")
    ids = [one["Id"] for one in queries]
    for place, name in enumerate(ids):
        if not _ID.fullmatch(name):
            raise invalid(
                f"The Id {name} of a query must begin with a lowercase letter, and have letters, "
                "digits and _ only."
            )
        if name in ids[:place]:
            raise invalid(
                f"The values for parameter Id of MetricDataQueries are not unique: {name}"
            )
    for query in queries:
        _check_query(query)
    timezone = given.get("LabelOptions", {}).get("Timezone", "+0000")
    if not _TIMEZONE.fullmatch(timezone):
        raise invalid(f"The parameter Timezone must be of the form +hhmm or -hhmm: {timezone}")


def _check_query(query: Query) -> None:
    name, stat = query["Id"], query.get("MetricStat")
    if bool(stat) == bool(query.get("Expression")):
        raise invalid(f"The query {name} must have either a MetricStat or an Expression.")
    if query.get("AccountId"):
        raise invalid(f"AccountId of the query {name} is not supported by Flowmaker.")
    if not stat:
        return
    if stat["Stat"] not in STATISTICS:
        raise invalid(
            f"The statistic {stat['Stat']} of the query {name} is not supported by Flowmaker: "
            f"{', '.join(STATISTICS)} are."
        )
    if not is_period(stat["Period"]):
        raise invalid(
            f"Period of the query {name} must be 1, 5, 10, 20, 30, or a multiple of 60: "
            f"{stat['Period']}"
        )
    for member in ("Namespace", "MetricName"):
        if not stat["Metric"].get(member):
            raise invalid(f"The query {name} must have the {member} of its Metric.")


@dataclass(frozen=True, slots=True)
class Answers:
    """Finds the series of queries, each once."""

    queries: Sequence[Query]
    read: Read

    async def all(self) -> dict[str, Series]:
        """By Id.

        Raises:
            AwsError: an expression cannot be computed.
        """
        found = {one["Id"]: await self.read(one) for one in self.queries if one.get("MetricStat")}
        expressions = {
            one["Id"]: one["Expression"] for one in self.queries if one.get("Expression")
        }

        def lookup(name: str, asking: tuple[str, ...]) -> Series:
            if name in found:
                return found[name]
            if name not in expressions:
                raise ExpressionError(f"there is no query {name}")
            if name in asking:
                raise ExpressionError(f"it is of itself: {' -> '.join((*asking, name))}")
            further = (*asking, name)
            found[name] = arithmetic.compute(expressions[name], lambda one: lookup(one, further))
            return found[name]

        for name in expressions:
            try:
                lookup(name, ())
            except ExpressionError as error:
                raise invalid(f"Error in expression '{name}': {error}.") from None
        return found


def page(given: Mapping[str, Any], found: Mapping[str, Series], region: str) -> Mapping[str, Any]:
    """A part of the answer, and the token of the next one if there is one."""
    descending = given.get("ScanBy", "TimestampDescending") == "TimestampDescending"
    shown = [one for one in given["MetricDataQueries"] if one.get("ReturnData", True)]
    if not shown:
        raise invalid("At least one of the queries must return its data.")
    place, after = _position(given.get("NextToken"), len(shown))
    room: int = min(given.get("MaxDatapoints", MOST_POINTS), MOST_POINTS)
    results: list[dict[str, Any]] = []
    for index in range(place, len(shown)):
        series = found[shown[index]["Id"]]
        times = _times(series, after if index == place else None, descending=descending)
        taken = times[:room]
        room -= len(taken)
        whole = len(taken) == len(times)
        results.append(_result(shown[index], series, taken, region, whole=whole))
        if not whole:
            last = taken[-1] if taken else (after if index == place else None)
            return {"MetricDataResults": results, "NextToken": _token(index, last)}
    return {"MetricDataResults": results, "Messages": []}


def _times(series: Series, after: int | None, *, descending: bool) -> list[int]:
    ordered = sorted(series, reverse=descending)
    if after is None:
        return ordered
    return [at for at in ordered if (at < after if descending else at > after)]


def _result(
    query: Query, series: Series, times: Sequence[int], region: str, *, whole: bool
) -> dict[str, Any]:
    default = labels.default_label(query)
    values = [series[at] for at in sorted(series)]
    try:
        label = labels.written(query.get("Label") or default, query, values, region)
    except labels.LabelError as error:
        raise invalid(f"Label of the query {query['Id']}: {error}.") from None
    return {
        "Id": query["Id"],
        "Label": label,
        "Timestamps": [datetime.fromtimestamp(at, UTC) for at in times],
        "Values": [float(series[at]) for at in times],
        "StatusCode": "Complete" if whole else "PartialData",
    }


def _token(index: int, last: int | None) -> str:
    """Which query is next, and after which time: what is measured meanwhile moves nothing."""
    return f"{index}/{'' if last is None else last}"


def _position(token: str | None, queries: int) -> tuple[int, int | None]:
    if not token:
        return 0, None
    index, _, last = token.partition("/")
    if not index.isdigit() or int(index) >= queries or not (last.isdigit() or not last):
        raise AwsError("InvalidNextToken", "The value for NextToken is invalid.")
    return int(index), int(last) if last else None


def invalid(message: str) -> AwsError:
    """A wrong request, as GetMetricData says it."""
    return AwsError("ValidationError", message)
