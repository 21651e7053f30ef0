"""`cloudwatch`: metrics of training jobs, read from their logs when they are asked for.

Contract: the API reference of GetMetricStatistics, and "Monitor training jobs with Amazon
CloudWatch Metrics": the namespace, and the dimension with the job's name. There is nobody else who
puts metrics here, so other namespaces are empty, as they would be on AWS.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from statistics import fmean
from typing import Any

from flowmaker.aws.errors import AwsError
from flowmaker.aws.logs import repository as logs
from flowmaker.aws.logs.repository import Place
from flowmaker.aws.service import Call, Need, Operation
from flowmaker.sagemaker.algorithms import registry
from flowmaker.sagemaker.container.series import Series
from flowmaker.sagemaker.records.resource import Kind
from flowmaker.sagemaker.repository import resources
from flowmaker.store.database import Database

NAMESPACE = "/aws/sagemaker/TrainingJobs"
DIMENSION = "TrainingJobName"
#: The most points of one answer.
_MOST = 1440
#: Periods below a minute.
_SHORT = (1, 5, 10, 20, 30)
_MINUTE = 60

_STATISTICS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "Average": fmean,
    "Sum": sum,
    "Minimum": min,
    "Maximum": max,
    "SampleCount": len,
}


class CloudWatchService:
    """GetMetricStatistics of the metrics of training jobs."""

    name = "cloudwatch"

    def __init__(self, database: Database) -> None:
        self._database = database
        self._series = Series()

    def operations(self) -> Mapping[str, Operation]:
        return {"GetMetricStatistics": Operation(handler=self.statistics, needs=_needs)}

    async def statistics(self, call: Call) -> Mapping[str, Any]:
        given = call.parameters
        _check(given)
        points = await self._points(call)
        period = given["Period"]
        groups: dict[int, list[float]] = {}
        for at, value in points:
            if given["StartTime"] <= at < given["EndTime"]:
                groups.setdefault(int(at.timestamp()) // period * period, []).append(value)
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
                    "Unit": "None",
                    **{name: float(_STATISTICS[name](values)) for name in given["Statistics"]},
                }
                for start, values in sorted(groups.items())
            ],
        }

    async def _points(self, call: Call) -> list[tuple[datetime, float]]:
        """All values of the metric of the job that the dimensions name."""
        given = call.parameters
        names = [one["Value"] for one in given.get("Dimensions", ()) if one["Name"] == DIMENSION]
        if given["Namespace"] != NAMESPACE or len(names) != 1 or len(given["Dimensions"]) > 1:
            return []
        job = await self._database.read(
            resources.find, Kind.TRAINING_JOB, call.account, call.region, names[0]
        )
        if job is None:
            return []
        definitions = registry.metric_definitions(job.request["AlgorithmSpecification"])
        regex = definitions.get(given["MetricName"])
        place = Place(account=call.account, region=call.region)
        prefix = f"{job.name}/algo-1-"
        streams = await self._database.read(logs.streams, place, NAMESPACE, prefix)
        if regex is None:
            return []
        found = [
            await asyncio.to_thread(
                self._series.timed, one.file, one.marks, regex, closed=one.closed
            )
            for one in streams
        ]
        return [point for each in found for point in each]


def _check(given: Mapping[str, Any]) -> None:
    """What CloudWatch asks of a request.

    Raises:
        AwsError: it is not so.
    """
    period = given["Period"]
    if period not in _SHORT and period % _MINUTE:
        raise _invalid(
            f"The parameter Period must be 1, 5, 10, 20, 30, or a multiple of 60: {period}"
        )
    if given["StartTime"] >= given["EndTime"]:
        raise _invalid("The parameter StartTime must be less than the parameter EndTime.")
    if given.get("ExtendedStatistics"):
        raise _invalid("ExtendedStatistics are not supported by Flowmaker: use Statistics.")
    if not given.get("Statistics"):
        raise _invalid("At least one of the parameters Statistics must be given.")


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterValue", message)


async def _needs(_: Call) -> Iterable[Need]:
    return [Need(action="cloudwatch:GetMetricStatistics")]
