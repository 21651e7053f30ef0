"""The instances of a job: its processes, their logs, and what its state machine sees of them."""

from collections.abc import Awaitable, Callable, Sequence

from flowmaker.errors import FlowmakerError
from flowmaker.executors.executor import Observation, ProcessSpec, ProcessState
from flowmaker.sagemaker.container.training import hosts
from flowmaker.sagemaker.controllers.host_metrics import HostMetrics, host
from flowmaker.sagemaker.controllers.parts import Parts, log_place
from flowmaker.sagemaker.records.resource import Resource
from flowmaker.sagemaker.records.training import Instance

#: Seconds from SIGTERM to SIGKILL, as SageMaker gives to training and processing.
GRACE = 120.0
#: Seconds between looks at how far the logs have grown (the precision of their times), and at what
#: is uploaded while a job runs.
LOOK = 1.0

_PLAIN = {
    ProcessState.ABSENT: Instance.ABSENT,
    ProcessState.RUNNING: Instance.RUNNING,
    ProcessState.LOST: Instance.LOST,
}


def instance(seen: Observation) -> Instance:
    """What the state machine makes of a process."""
    if seen.state in _PLAIN:
        return _PLAIN[seen.state]
    assert seen.outcome is not None, "an ended process has an outcome"
    if seen.outcome.reason == "timeout":
        return Instance.TIMEOUT
    if seen.outcome.reason:
        return Instance.STOPPED
    return Instance.SUCCEEDED if seen.outcome.exit_code == 0 else Instance.FAILED


def lost(seen: Sequence[Observation]) -> str:
    """Why a job failed of which an instance was lost; empty if none was."""
    for name, one in zip(hosts(len(seen)), seen, strict=True):
        if one.state is ProcessState.LOST:
            killed = f"the process of {name} was killed together with its supervisor"
            return f"InternalServerError: {killed}"
    return ""


def first_failed(seen: Sequence[Observation]) -> tuple[int, int]:
    """Which failed first by itself, and its exit code; others may have failed for want of it."""
    failures = [
        (one.outcome.ended_at, index, one.outcome.exit_code)
        for index, one in enumerate(seen)
        if one.outcome and not one.outcome.succeeded and not one.outcome.reason
    ]
    assert failures, "a job that has failed, with no instance lost, has one"
    _, index, code = min(failures)
    return index, code


def failed(blame: str, text: str, exit_code: int, longest: int) -> str:
    """Why a job failed whose program did, in at most `longest` characters: the code is kept."""
    head, ending = f"{blame}: ", f", exit code: {exit_code}"
    return f"{head}{text[: longest - len(head) - len(ending)]}{ending}"


class Instances:
    """Starts, follows and stops them: `named` are their processes, `streams` of their logs."""

    def __init__(self, parts: Parts, log_group: str) -> None:
        self._parts = parts
        self._log_group = log_group
        self._hosts = HostMetrics(parts, log_group)

    async def observe(self, named: Sequence[str]) -> list[Observation]:
        return [await self._parts.executor.observe(process) for process in named]

    async def start(
        self,
        job: Resource,
        named: Sequence[str],
        streams: Sequence[str],
        seen: Sequence[Observation],
        spec: Callable[[int], Awaitable[ProcessSpec]],
    ) -> str:
        """Start those that were not. Why one cannot be started; empty when all were."""
        for index, (process, stream) in enumerate(zip(named, streams, strict=True)):
            log = self._parts.executor.log(process)
            await self._parts.logs.open(log_place(job), self._log_group, stream, log)
            if seen[index].state is ProcessState.ABSENT:
                try:
                    await self._parts.executor.ensure_started(await spec(index))
                except FlowmakerError as error:
                    return f"ClientError: {error.message}"
        return ""

    async def look(
        self,
        job: Resource,
        named: Sequence[str],
        streams: Sequence[str],
        seen: Sequence[Observation],
        instance_type: str,
    ) -> None:
        """Note how far the logs have grown, and what the instances use."""
        place, names = log_place(job), hosts(len(named))
        for name, process, one, stream in zip(names, named, seen, streams, strict=True):
            if one.state is ProcessState.RUNNING:
                await self._parts.logs.look(place, self._log_group, stream)
                await self._hosts.look(job, host(f"{job.name}/{name}"), process, instance_type)
                continue
            self._hosts.forget(process)
            if one.state is not ProcessState.ABSENT:
                await self._parts.logs.close(place, self._log_group, stream)

    async def stop(self, named: Sequence[str]) -> None:
        for process in named:
            await self._parts.executor.stop(process, grace=GRACE)
