"""What PutMetricData brings."""

import math
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from flowmaker.aws.cloudwatch.records import Metric, Point, Summary, dimensions
from flowmaker.aws.cloudwatch.statistics import MINUTE
from flowmaker.aws.errors import AwsError

#: How far a time may be away from now, as on AWS.
OLDEST = timedelta(days=14)
NEWEST = timedelta(hours=2)
MOST_METRICS = 1000
MOST_VALUES = 150


def measured(given: Mapping[str, Any], now: datetime) -> list[tuple[Metric, Point]]:
    """The values of a request.

    Raises:
        AwsError: it is not as CloudWatch wants it.
    """
    namespace = given["Namespace"]
    if given.get("EntityMetricData"):
        raise AwsError(
            "InvalidParameterValue",
            "EntityMetricData is not supported by Flowmaker: put it as MetricData.",
        )
    if namespace.startswith("AWS/"):
        raise AwsError(
            "InvalidParameterValue",
            "The value AWS/ for parameter Namespace is invalid: it is reserved for AWS services.",
        )
    data = given.get("MetricData") or ()
    if not data:
        raise AwsError("MissingParameter", "The parameter MetricData is required.")
    if len(data) > MOST_METRICS:
        raise AwsError(
            "InvalidParameterValue",
            f"The collection MetricData must not have a size greater than {MOST_METRICS}.",
        )
    return [
        (Metric(namespace, one["MetricName"], dimensions(one.get("Dimensions", ()))), point)
        for place, one in enumerate(data, start=1)
        for point in _points(one, f"MetricData.member.{place}", now)
    ]


def _points(datum: Mapping[str, Any], where: str, now: datetime) -> Iterator[Point]:
    at: datetime = datum.get("Timestamp", now)
    if not now - OLDEST <= at <= now + NEWEST:
        raise AwsError(
            "InvalidParameterValue",
            f"The parameter {where}.Timestamp must specify a time no more than two weeks in the "
            "past, and no more than two hours in the future.",
        )
    resolution = datum.get("StorageResolution", MINUTE)
    if resolution not in (1, MINUTE):
        raise AwsError(
            "InvalidParameterValue", f"The parameter {where}.StorageResolution must be 1 or 60."
        )
    second = at.timestamp() // resolution * resolution
    yield Point(second, datum.get("Unit", "None"), _summary(datum, where))


def _summary(datum: Mapping[str, Any], where: str) -> Summary:
    kinds = [one for one in ("Value", "Values", "StatisticValues") if datum.get(one) is not None]
    if len(kinds) != 1:
        raise AwsError(
            "InvalidParameterCombination" if kinds else "MissingParameter",
            f"Exactly one of Value, Values and StatisticValues must be given for {where}.",
        )
    if kinds == ["StatisticValues"]:
        given = datum["StatisticValues"]
        numbers = [given[one] for one in ("SampleCount", "Sum", "Minimum", "Maximum")]
        summary = Summary(*(_finite(one, where) for one in numbers))
        if summary.count <= 0 or summary.least > summary.most:
            raise AwsError(
                "InvalidParameterValue",
                f"{where}.StatisticValues: SampleCount must be above zero, and Minimum not above "
                "Maximum.",
            )
        return summary
    values = [_finite(one, where) for one in datum.get("Values") or (datum.get("Value"),)]
    counts = datum.get("Counts") or [1.0] * len(values)
    if len(counts) != len(values) or len(values) > MOST_VALUES or min(counts) <= 0:
        raise AwsError(
            "InvalidParameterValue",
            f"{where}: Values and Counts must be of the same size, which is {MOST_VALUES} at most, "
            "and Counts above zero.",
        )
    total = math.fsum(value * count for value, count in zip(values, counts, strict=True))
    return Summary(math.fsum(counts), total, min(values), max(values))


def _finite(number: Any, where: str) -> float:  # noqa: ANN401 - as it was sent
    if number is None or not math.isfinite(number):
        raise AwsError(
            "InvalidParameterValue", f"{where}: NaN and infinite values are not supported."
        )
    return float(number)
