"""`sagemaker-metrics`: the metrics of trial components, value by value."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean, pstdev
from typing import Any

from flowmaker.aws.errors import AwsError
from flowmaker.aws.service import Call, Need, Operation
from flowmaker.sagemaker.api.desk import arn
from flowmaker.sagemaker.records.resource import Kind
from flowmaker.sagemaker.repository import experiments as repository
from flowmaker.sagemaker.repository import resources
from flowmaker.sagemaker.repository.experiments import Metric
from flowmaker.store.database import Database

_STATISTICS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "Min": min,
    "Max": max,
    "Avg": fmean,
    "StdDev": pstdev,
    "Count": len,
    "Last": lambda values: values[-1],
}


class SageMakerMetricsService:
    """BatchPutMetrics and BatchGetMetrics."""

    name = "sagemaker-metrics"

    def __init__(self, database: Database) -> None:
        self._database = database

    def operations(self) -> Mapping[str, Operation]:
        return {
            "BatchPutMetrics": Operation(handler=self.put, needs=_put_needs),
            "BatchGetMetrics": Operation(handler=self.get, needs=_get_needs),
        }

    async def put(self, call: Call) -> Mapping[str, Any]:
        given = call.parameters
        name = given["TrialComponentName"]
        found = await self._database.read(
            resources.find, Kind.TRIAL_COMPONENT, call.account, call.region, name
        )
        if found is None:
            raise AwsError("ResourceNotFound", f"Trial Component '{name}' does not exist.", 404)
        values = [
            Metric(one["MetricName"], one.get("Step"), one["Timestamp"], one["Value"])
            for one in given["MetricData"]
        ]
        await self._database.write(repository.put_metrics, found.arn, values)
        return {"Errors": []}

    async def get(self, call: Call) -> Mapping[str, Any]:
        queries = call.parameters["MetricQueries"]
        return {"MetricQueryResults": [await self._result(one) for one in queries]}

    async def _result(self, query: Mapping[str, Any]) -> Mapping[str, Any]:
        """The values of one metric, each step or each period with the statistic that is asked."""
        statistic = query["MetricStat"]
        found = await self._database.read(
            repository.metrics_of, query["ResourceArn"], query["MetricName"]
        )
        groups: dict[int, list[float]] = {}
        for one in found:
            groups.setdefault(_place(one, query), []).append(one.value)
        low, high = query.get("Start", min(groups, default=0)), query.get("End")
        shown = {
            place: values
            for place, values in sorted(groups.items())
            if place >= low and (high is None or place <= high)
        }
        compute = _STATISTICS[statistic]
        return {
            "Status": "Complete",
            "XAxisValues": list(shown),
            "MetricValues": [float(compute(values)) for values in shown.values()],
        }


#: Seconds of each Period.
_PERIODS = {"OneMinute": 60, "FiveMinute": 300, "OneHour": 3600}


def _place(one: Metric, query: Mapping[str, Any]) -> int:
    """Where a value is on the axis: its step, or the seconds at which its period begins."""
    seconds = _PERIODS.get(query["Period"])
    if query["XAxisType"] == "IterationNumber" or seconds is None:
        return one.step or 0
    return int(one.at.timestamp()) // seconds * seconds


async def _put_needs(call: Call) -> Iterable[Need]:
    component = arn(call, Kind.TRIAL_COMPONENT, call.parameters["TrialComponentName"])
    return [Need(action="sagemaker:BatchPutMetrics", resource=component)]


async def _get_needs(call: Call) -> Iterable[Need]:
    return [
        Need(action="sagemaker:BatchGetMetrics", resource=one["ResourceArn"])
        for one in call.parameters["MetricQueries"]
    ]
