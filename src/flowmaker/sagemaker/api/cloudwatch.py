"""What training jobs print, as metrics of CloudWatch: read from their logs when it is asked for.

Contract: "Monitor training jobs with Amazon CloudWatch Metrics": the namespace, and the dimension
with the job's name.
"""

import asyncio
from collections.abc import Sequence

from flowmaker.aws.cloudwatch.records import Metric, Point, Wanted
from flowmaker.aws.logs import repository as logs
from flowmaker.aws.logs.repository import Place, Stream
from flowmaker.sagemaker.algorithms import registry
from flowmaker.sagemaker.container.series import Series
from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.records.resource import Search as SearchResources
from flowmaker.sagemaker.repository import resources
from flowmaker.store.database import Database

NAMESPACE = "/aws/sagemaker/TrainingJobs"
DIMENSION = "TrainingJobName"
#: The most jobs whose metrics are listed; the newest.
MOST_JOBS = 1000


class TrainingMetrics:
    """The metrics of training jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._series = Series()

    async def metrics(self, place: Place, wanted: Wanted) -> Sequence[Metric]:
        if wanted.namespace not in ("", NAMESPACE):
            return []
        asked = dict(wanted.dimensions).get(DIMENSION)
        search = SearchResources(
            kind=Kind.TRAINING_JOB,
            account=place.account,
            region=place.region,
            names=(asked,) if asked else None,
            modified_after=wanted.since,
            descending=True,
            limit=MOST_JOBS,
        )
        jobs = await self._database.read(resources.search, search)
        found: list[Metric] = []
        for job in jobs[:MOST_JOBS]:
            found += [_metric(job, name) for name in await self._printed(place, job, wanted)]
        return found

    async def points(
        self, place: Place, metric: Metric, start: float, end: float
    ) -> Sequence[Point]:
        names = dict(metric.dimensions)
        if metric.namespace != NAMESPACE or names.keys() != {DIMENSION}:
            return []
        job = await self._database.read(
            resources.find, Kind.TRAINING_JOB, place.account, place.region, names[DIMENSION]
        )
        regex = _definitions(job).get(metric.name) if job else None
        if job is None or regex is None:
            return []
        return [
            Point(at, "None", summary)
            for stream in await self._streams(place, job)
            for at, summary in await asyncio.to_thread(
                self._series.timed, stream.file, stream.marks, regex, closed=stream.closed
            )
            if start <= at < end
        ]

    async def _printed(self, place: Place, job: Resource, wanted: Wanted) -> list[str]:
        """The names of the job's metrics that have a value."""
        if not job.open:
            return [one["name"] for one in job.state.get("metrics", ())]
        named = {
            name: regex for name, regex in _definitions(job).items() if wanted.name in ("", name)
        }
        streams = await self._streams(place, job)
        found: list[str] = []
        for name, regex in named.items():
            for stream in streams:
                if await asyncio.to_thread(self._series.values, stream.file, regex):
                    found.append(name)
                    break
        return found

    async def _streams(self, place: Place, job: Resource) -> Sequence[Stream]:
        """What the first instance printed, each time that the job began."""
        return await self._database.read(logs.streams, place, NAMESPACE, f"{job.name}/algo-1-")


def _definitions(job: Resource) -> dict[str, str]:
    return registry.metric_definitions(job.request["AlgorithmSpecification"])


def _metric(job: Resource, name: str) -> Metric:
    return Metric(NAMESPACE, name, ((DIMENSION, job.name),))
