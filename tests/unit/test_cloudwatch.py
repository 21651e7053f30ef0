"""CloudWatch: metric math, labels, pages, and what is put, on a real database."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flowmaker.aws.cloudwatch import arithmetic, labels
from flowmaker.aws.cloudwatch.service import CloudWatchService
from flowmaker.aws.errors import AwsError
from flowmaker.clock import SystemClock
from flowmaker.store.database import Database
from tests.fakes.aws_identity import ROOT
from tests.fakes.sagemaker import Bench

NOW = datetime.now(UTC).replace(second=30, microsecond=0)
MINUTE = timedelta(minutes=1)
SERIES = {"m1": {0: 1.0, 60: 2.0, 120: 0.0}, "m2": {0: 10.0, 60: 30.0, 180: 5.0}}


class Desk:
    """Asks the service as the gateway does."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(folder / "flowmaker.db")
        self.service = CloudWatchService(self.database, SystemClock())

    async def ask(self, operation: str, **parameters: Any) -> Any:
        call = Bench.call(None, operation, **parameters)  # type: ignore[arg-type]
        assert call.principal is ROOT
        return await self.service.operations()[operation].handler(call)

    async def put(self, name: str = "requests", **datum: Any) -> None:
        data = [{"MetricName": name, "Timestamp": NOW, **datum}]
        await self.ask("PutMetricData", Namespace="Mine", MetricData=data)

    async def data(self, *queries: dict[str, Any], **given: Any) -> Any:
        times = {"StartTime": NOW - 60 * MINUTE, "EndTime": NOW + MINUTE}
        return await self.ask("GetMetricData", MetricDataQueries=queries, **(times | given))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.database.close()


def stat(name: str = "m", statistic: str = "Sum", **more: Any) -> dict[str, Any]:
    metric = {"Namespace": "Mine", "MetricName": "requests"}
    return {"Id": name, "MetricStat": {"Metric": metric, "Period": 60, "Stat": statistic}} | more


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("m1 + m2", {0: 11, 60: 32}),
        ("100*m1/m2", {0: 10, 60: 20 / 3}),
        ("m2/m1", {0: 10, 60: 15}),
        ("-m1^2 + (2 - .5) * 2", {0: 2, 60: -1, 120: 3}),
        ("2^3^1 * m1", {0: 8, 60: 16, 120: 0}),
    ],
)
def test_arithmetic(expression: str, values: dict[int, float]) -> None:
    assert arithmetic.compute(expression, SERIES.__getitem__) == pytest.approx(values)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("SUM(METRICS())", "SUM is not supported by Flowmaker"),
        ("SELECT AVG(x) FROM y", "SELECT is not supported"),
        ("m1 +", "ends too early"),
        ("(m1", "a \\) is missing"),
        ("m1 m2", "unexpected 'm2'"),
        ("m1 + $", "unexpected '\\$'"),
        ("1 + 1", "of a metric"),
        ("1 / 0 * m1", "divides by zero"),
        ("(" * 2000 + "m1", "nested too deeply"),
    ],
)
def test_what_is_no_arithmetic_says_why(expression: str, words: str) -> None:
    with pytest.raises(arithmetic.ExpressionError, match=words):
        arithmetic.compute(expression, SERIES.__getitem__)


def test_labels_say_something_of_the_values() -> None:
    label = "${PROP('MetricName')} ${MIN} to ${MAX}, ${LAST} last of ${DATAPOINT_COUNT}"
    assert labels.written(label, stat(), [3, 1, 2.5], "eu") == "requests 1 to 3, 2.5 last of 3"
    with pytest.raises(labels.LabelError, match=r"\$\{LAST_TIME\} is not supported"):
        labels.written("${LAST_TIME}", stat(), [1], "eu")


async def test_values_of_a_minute_are_one_point(desk: Desk) -> None:
    await desk.put(Value=2, Unit="Count")
    await desk.put(Values=[1, 5], Counts=[1, 3], Unit="Count")
    numbers = {"SampleCount": 2.0, "Sum": 7.0, "Minimum": 3.0, "Maximum": 4.0}
    await desk.put(StatisticValues=numbers, Unit="Count")
    await desk.put(Value=1000, Unit="Bytes")
    statistics = ["Sum", "SampleCount", "Minimum", "Maximum", "Average"]
    answer = await desk.ask(
        "GetMetricStatistics",
        Namespace="Mine",
        MetricName="requests",
        StartTime=NOW,
        EndTime=NOW + MINUTE,
        Period=60,
        Statistics=statistics,
    )
    counted = [one for one in answer["Datapoints"] if one["Unit"] == "Count"]
    assert len(answer["Datapoints"]) == 2
    assert [[one[name] for name in statistics] for one in counted] == [[25, 7, 1, 5, 25 / 7]]
    assert counted[0]["Timestamp"] == NOW.replace(second=0)


async def test_pages_go_on_where_the_last_one_ended(desk: Desk) -> None:
    for minute in range(5):
        await desk.put(Value=minute, Timestamp=NOW - minute * MINUTE)
    queries = (stat("m", ReturnData=False), stat("a"), {"Id": "e", "Expression": "m * 10 + m"})
    seen: list[tuple[str, list[float], str]] = []
    token: dict[str, str] = {}
    while True:
        page = await desk.data(*queries, MaxDatapoints=3, **token)
        seen += [(one["Id"], one["Values"], one["StatusCode"]) for one in page["MetricDataResults"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
        if len(seen) == 1:
            # Newer than what was answered: it is in no page of `a`, and moves nothing.
            await desk.put(Value=99, Timestamp=NOW + MINUTE)
    assert seen == [
        ("a", [0, 1, 2], "PartialData"),
        ("a", [3, 4], "Complete"),
        ("e", [11 * 99], "PartialData"),
        ("e", [0, 11, 22], "PartialData"),
        ("e", [33, 44], "Complete"),
    ]
    ascending = await desk.data(stat(), ScanBy="TimestampAscending")
    assert ascending["MetricDataResults"][0]["Values"] == [4, 3, 2, 1, 0, 99]


async def test_metrics_are_listed_by_their_dimensions(desk: Desk) -> None:
    for host in ("a", "b"):
        dimensions = [{"Name": "Host", "Value": host}, {"Name": "App", "Value": "x"}]
        await desk.put(Value=1, Dimensions=dimensions)
    await desk.put("old", Value=1, Timestamp=NOW - timedelta(hours=4))

    async def listed(**given: Any) -> list[Any]:
        return (await desk.ask("ListMetrics", **given))["Metrics"]

    assert len(await listed(Namespace="Mine")) == 3
    assert len(await listed(Dimensions=[{"Name": "App"}])) == 2
    (one,) = await listed(Dimensions=[{"Name": "Host", "Value": "b"}])
    assert one["Dimensions"] == [{"Name": "App", "Value": "x"}, {"Name": "Host", "Value": "b"}]
    assert len(await listed(MetricName="old")) == 1
    assert await listed(MetricName="old", RecentlyActive="PT3H") == []
    assert await listed(Namespace="Other") == []


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (stat("M"), "Id M of a query must begin"),
        (stat("m", "p90"), "The statistic p90 of the query m is not supported"),
        ({"Id": "e", "Expression": "AVG(m)"}, "Error in expression 'e': AVG is not supported"),
        ({"Id": "e", "Expression": "e + 1"}, "it is of itself: e -> e"),
        ({"Id": "e", "Expression": "x + 1"}, "there is no query x"),
        (stat("m", Label="${MAX_TIME}"), "Label of the query m"),
        (stat("m", ReturnData=False), "must return its data"),
    ],
)
async def test_a_query_that_cannot_be_is_told(
    desk: Desk, query: dict[str, Any], words: str
) -> None:
    with pytest.raises(AwsError, match=words) as refused:
        await desk.data(query)
    assert refused.value.code == "ValidationError"


@pytest.mark.parametrize(
    ("datum", "words"),
    [
        ({}, "Exactly one of Value"),
        ({"Value": 1, "Values": [1]}, "Exactly one of Value"),
        ({"Value": float("nan")}, "NaN and infinite"),
        ({"Values": [1, 2], "Counts": [1]}, "of the same size"),
        ({"Value": 1, "StorageResolution": 7}, "must be 1 or 60"),
        ({"Value": 1, "Timestamp": NOW - timedelta(days=15)}, "two weeks"),
    ],
)
async def test_data_that_cannot_be_is_told(desk: Desk, datum: dict[str, Any], words: str) -> None:
    with pytest.raises(AwsError, match=words):
        await desk.put(**datum)
