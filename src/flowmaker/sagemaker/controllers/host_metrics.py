"""CPUUtilization and MemoryUtilization of instances, for CloudWatch.

Contract: "SageMaker AI jobs and endpoint metrics": in percent, of one core (so 400 is four of them)
and of the memory of the instance's type.
"""

import asyncio
import time
from dataclasses import dataclass

from flowmaker.aws.cloudwatch import repository
from flowmaker.aws.cloudwatch.records import Dimensions, Metric, Point, value
from flowmaker.executors.usage import Usage
from flowmaker.sagemaker.controllers.instance_types import size
from flowmaker.sagemaker.controllers.parts import Parts, log_place
from flowmaker.sagemaker.records.resource import Resource

#: Seconds between two looks at a process that has run for longer than that.
EVERY = 10.0
MINUTE = 60


@dataclass(frozen=True, slots=True)
class _Look:
    """When a process was first and last looked at, and what it had used by then."""

    began: float
    at: float
    usage: Usage


class HostMetrics:
    """Looks at processes, and keeps what they used since it looked last."""

    def __init__(self, parts: Parts, namespace: str) -> None:
        self._parts = parts
        self._namespace = namespace
        self._looks: dict[str, _Look] = {}

    async def look(
        self, owner: Resource, dimensions: Dimensions, process_id: str, instance_type: str
    ) -> None:
        """Call it as often as is convenient while the process runs: most calls cost nothing."""
        now, last = time.monotonic(), self._looks.get(process_id)
        # A second after the first look, then ever less often: a short job has values, too.
        if last and now - last.at < min(EVERY, max(1.0, last.at - last.began)):
            return
        used = await self._parts.executor.usage(process_id)
        if used is None:
            return
        self._looks[process_id] = _Look(last.began if last else now, now, used)
        if last is None:
            return
        whole = await asyncio.to_thread(size, instance_type)
        seconds = max(0.0, used.cpu_seconds - last.usage.cpu_seconds)
        measured = {
            "CPUUtilization": 100.0 * seconds / (now - last.at),
            "MemoryUtilization": 100.0 * used.memory / whole.memory,
        }
        at = self._parts.now().timestamp() // MINUTE * MINUTE
        points = [
            (Metric(self._namespace, name, dimensions), Point(at, "Percent", value(number)))
            for name, number in measured.items()
        ]
        await self._parts.database.write(repository.put, log_place(owner), points)

    def forget(self, process_id: str) -> None:
        """It runs no more."""
        self._looks.pop(process_id, None)


def host(name: str) -> Dimensions:
    """The dimension of an instance of a job: `JOB/algo-1`."""
    return (("Host", name),)
