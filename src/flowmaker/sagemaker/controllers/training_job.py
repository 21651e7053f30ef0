"""Makes training jobs happen. Each step may be taken again after a crash, with the same effect."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from flowmaker.errors import FlowmakerError
from flowmaker.executors.executor import Mount, Observation, ProcessSpec, ProcessState
from flowmaker.sagemaker.algorithms import registry
from flowmaker.sagemaker.algorithms.job import CUSTOMER_ERROR
from flowmaker.sagemaker.container import channels, metrics
from flowmaker.sagemaker.container.storage import DataError
from flowmaker.sagemaker.container.training import (
    OPT_ML,
    TrainingFolder,
    addresses,
    hosts,
    input_mode,
)
from flowmaker.sagemaker.controllers import scripts
from flowmaker.sagemaker.controllers.checkpoints import Checkpoints
from flowmaker.sagemaker.controllers.feeders import Feeders
from flowmaker.sagemaker.controllers.instances import (
    GRACE,
    LOOK,
    Instances,
    failed,
    first_failed,
    instance,
    lost,
)
from flowmaker.sagemaker.controllers.outputs import Outputs, remove
from flowmaker.sagemaker.controllers.parts import Parts, log_place
from flowmaker.sagemaker.controllers.programs import SHARING, Program, commanded, program
from flowmaker.sagemaker.controllers.room import Claimants, Standing, disk
from flowmaker.sagemaker.lifecycle import time_limits
from flowmaker.sagemaker.lifecycle import training as lifecycle
from flowmaker.sagemaker.lifecycle.training import Action
from flowmaker.sagemaker.records.document import decode, encode
from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.records.training import Ending, Phase, TrainingState
from flowmaker.sagemaker.repository import resources

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
PREFIX = "training-"
#: Seconds until an environment that is being made is asked for again, should no word come.
PATIENCE = 10.0
#: Until it uploads, it waits for room or holds it.
NEEDS_ROOM = (Phase.STARTING, Phase.DOWNLOADING, Phase.TRAINING)


class TrainingJobs:
    """The controller of training jobs."""

    topic = "training_job"

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._outputs = Outputs(parts)
        self._feeders = Feeders(parts)
        self._instances = Instances(parts, LOG_GROUP)
        #: What is known of the uploaded checkpoints of jobs that run.
        self._checkpoints: dict[str, Checkpoints] = {}
        parts.executor.on_exit(self._on_exit)
        parts.room.register(
            Claimants(
                kind=Kind.TRAINING_JOB,
                topic=self.topic,
                called="training job",
                instances=lambda request: request["ResourceConfig"],
                standing=_standing,
            )
        )

    async def open_keys(self) -> Iterable[str]:
        return await self._parts.database.read(resources.open_ids, Kind.TRAINING_JOB)

    async def reconcile(self, key: str) -> float | None:
        job = await self._parts.load(key)
        if job is None or not job.open:
            return None
        state = decode(TrainingState, job.state)
        steps = {
            Phase.STARTING: self._start,
            Phase.DOWNLOADING: self._download,
            Phase.TRAINING: self._train,
            Phase.UPLOADING: self._upload,
        }
        try:
            return await steps[state.phase](job, state)
        except DataError as error:
            return await self._fail(job, state, f"ClientError: {error}")

    def _on_exit(self, process_id: str) -> None:
        if process_id.startswith(PREFIX):
            self._parts.hints.hint(self.topic, _job_id(process_id))

    async def _start(self, job: Resource, state: TrainingState) -> float | None:
        """Wait for room for all instances, then for the source folder and the environment."""
        if state.stop_requested:
            return await self._save(job, lifecycle.stop_before_training(state, self._parts.now()))
        if time_limits.is_too_late(job, self._parts.now()):
            return await self._save(job, lifecycle.give_up_waiting(state, self._parts.now()))
        if not await self._parts.room.admits(job, self._again(job)):
            return await self._wait(job, state)
        return await self._prepare(job, state)

    async def _prepare(self, job: Resource, state: TrainingState) -> float | None:
        """Fetch the source folder, if the job has one, and wait for the image's environment."""
        if is_script(job.request):
            storage = await self._parts.storage(job, job.request["RoleArn"])
            place = scripts.submitted(job.request)
            for folder in self._folders(job):
                await scripts.fetch(self._parts, storage, place, folder.code)
        try:
            if await self._program(job) is None:
                return PATIENCE
        except LookupError:
            image = job.request["AlgorithmSpecification"]["TrainingImage"]
            return await self._fail(job, state, f"ClientError: no such image is known: {image}")
        except FlowmakerError as error:
            return await self._fail(job, state, f"InternalServerError: {error.message}")
        if full := disk(self._work(job)):
            return await self._fail(job, state, f"InternalServerError: {full}")
        entered = lifecycle.enter(state, Phase.DOWNLOADING, self._parts.now())
        return await self._save(job, entered)

    async def _wait(self, job: Resource, state: TrainingState) -> float | None:
        """Say what it waits for; give up when it has waited as long as it may."""
        now = self._parts.now()
        waiting = lifecycle.wait(state, self._parts.room.why(job), now)
        if waiting != state:
            return await self._save(job, waiting)
        spot = time_limits.spot_seconds(job, now)
        longest = job.request["StoppingCondition"].get("MaxPendingTimeInSeconds")
        left = lifecycle.seconds_left(state, longest, now)
        if left is not None and left <= 0:
            return await self._save(job, lifecycle.stop_before_training(state, now))
        return min((one for one in (left, spot) if one is not None), default=None)

    async def _download(self, job: Resource, state: TrainingState) -> float | None:
        """Make every instance's `/opt/ml`."""
        if state.stop_requested:
            return await self._save(job, lifecycle.stop_before_training(state, self._parts.now()))
        storage = await self._parts.storage(job, job.request["RoleArn"])
        folders = self._folders(job)
        for index, folder in enumerate(folders):
            await asyncio.to_thread(folder.make, job.request, index)
        for channel in job.request.get("InputDataConfig", ()):
            if input_mode(job.request, channel) == "Pipe":
                continue
            source = channel["DataSource"]["S3DataSource"]
            try:
                found = await channels.inputs(storage, source)
                for index, folder in enumerate(folders):
                    part = channels.shard(
                        found, source.get("S3DataDistributionType", ""), index, len(folders)
                    )
                    target = folder.channel(channel["ChannelName"])
                    await channels.link(self._parts.objects, part, target)
            except DataError as error:
                raise DataError(f"Data download failed:{error}") from None
        await self._feeders.prepare(job.request, folders, storage)
        await self._checkpoints_of(job).restore(job.request, folders, storage)
        return await self._save(job, lifecycle.enter(state, Phase.TRAINING, self._parts.now()))

    async def _train(self, job: Resource, state: TrainingState) -> float | None:
        """Start the instances, and wait for how they end."""
        named = processes(job)
        seen = await self._instances.observe(named)
        instances = [instance(one) for one in seen]
        action, ending = lifecycle.judge(instances, stop_requested=state.stop_requested)
        if action is Action.START:
            refusal = await self._start_instances(job, state, seen)
            return await self._fail(job, state, refusal) if refusal else LOOK
        instance_type = job.request["ResourceConfig"].get("InstanceType", "")
        await self._instances.look(job, named, _streams(job, state), seen, instance_type)
        lost = ProcessState.LOST in {one.state for one in seen}
        try:
            await self._feeders.check(job.request, named)
            # What a lost instance wrote last may be half of a file.
            await self._upload_checkpoints(job, ended=action is Action.END and not lost)
        except DataError:
            await self._instances.stop(named)
            raise
        if action is Action.STOP:
            await self._instances.stop(named)
        if action is not Action.END:
            return LOOK
        retries = job.request.get("RetryStrategy", {}).get("MaximumRetryAttempts", 0)
        if lifecycle.restarts(state, instances, spot=time_limits.is_spot(job), retries=retries):
            return await self._begin_again(job, state)
        if ending is Ending.MAX_RUNTIME_EXCEEDED and time_limits.is_too_late(
            job, self._parts.now()
        ):
            ending = Ending.MAX_WAIT_TIME_EXCEEDED
        reason = await self._reason(job, seen) if ending is Ending.FAILED else ""
        ended = lifecycle.end_training(state, ending, reason, self._parts.now())
        return await self._save(job, ended)

    async def _begin_again(self, job: Resource, state: TrainingState) -> float | None:
        """As fresh instances would: with nothing but the checkpoints that were uploaded."""
        self._checkpoints.pop(job.id, None)
        now = self._parts.now()
        return await self._save(job, lifecycle.restart(state, now, spot=time_limits.is_spot(job)))

    def _checkpoints_of(self, job: Resource) -> Checkpoints:
        staging = self._work(job) / "checkpoints"
        return self._checkpoints.setdefault(job.id, Checkpoints(staging))

    async def _upload_checkpoints(self, job: Resource, *, ended: bool) -> None:
        if "CheckpointConfig" in job.request:
            storage = await self._parts.storage(job, job.request["RoleArn"])
            known = self._checkpoints_of(job)
            await known.upload(job.request, self._folders(job), storage, ended=ended)

    async def _start_instances(
        self, job: Resource, state: TrainingState, seen: Sequence[Observation]
    ) -> str:
        """Why it cannot be started; empty when it was."""
        named = processes(job)
        await self._parts.room.begin_log(job, self._parts.executor.log(named[0]))
        running = await self._program(job)
        if running is None:
            return "InternalServerError: the environment of the image is gone"
        await self._feeders.start(job.request, named, self._folders(job))
        spec = partial(self._spec, job, running)
        return await self._instances.start(job, named, _streams(job, state), seen, spec)

    async def _upload(self, job: Resource, state: TrainingState) -> float | None:
        """Upload what the instances made, read the metrics, and be done."""
        storage = await self._parts.storage(job, job.request["RoleArn"])
        reason = await self._outputs.upload(job, state, storage, self._folders(job))
        if reason and state.ending is not Ending.FAILED:
            return await self._fail(job, state, reason)
        found = await self._metrics(job, state)
        done = lifecycle.finish(replace(state, metrics=found), self._parts.now())
        return await self._save(job, done)

    async def _metrics(self, job: Resource, state: TrainingState) -> tuple[metrics.Metric, ...]:
        stream = await self._parts.logs.look(log_place(job), LOG_GROUP, _streams(job, state)[0])
        log = self._parts.executor.log(processes(job)[0])
        marks = stream.marks if stream else ()
        definitions = registry.metric_definitions(job.request["AlgorithmSpecification"])
        return await asyncio.to_thread(metrics.final_metrics, log, marks, definitions)

    async def _reason(self, job: Resource, seen: Sequence[Observation]) -> str:
        """Why it failed: what the algorithm says, else what it printed last."""
        if reason := lost(seen):
            return reason
        index, code = first_failed(seen)
        text = await asyncio.to_thread(self._folders(job)[index].failure)
        log = self._parts.executor.log(processes(job)[index])
        text = text or await asyncio.to_thread(metrics.last_lines, log)
        blame = "ClientError" if code == CUSTOMER_ERROR else "AlgorithmError"
        return failed(blame, text, code, lifecycle.LONGEST_REASON)

    async def _fail(self, job: Resource, state: TrainingState, reason: str) -> float | None:
        return await self._save(job, lifecycle.fail(state, reason, self._parts.now()))

    async def _save(self, job: Resource, state: TrainingState) -> float | None:
        """Write the state; look again at once, unless it is final."""
        final = lifecycle.is_final(state)
        if state.phase is not Phase.TRAINING:
            await self._feeders.stop(job.request, processes(job))
        saved = await self._parts.save(
            replace(
                job,
                status=lifecycle.status(state),
                open=not final,
                state=encode(state),
                modified_at=self._parts.now(),
            )
        )
        if saved and state.phase not in NEEDS_ROOM:
            self._parts.room.left(job)
        if not final or not saved:
            return 0.0
        self._checkpoints.pop(job.id, None)
        if job.parent:
            self._parts.hints.hint("tuning_job", job.parent)
        # Only now: a step that is taken again after a crash must find what it packs.
        for restarts in range(state.restarts + 1):
            await asyncio.to_thread(remove, self._work(job, restarts))
        return None

    def _again(self, job: Resource) -> Callable[[], None]:
        return partial(self._parts.hints.hint, self.topic, job.id)

    async def _program(self, job: Resource) -> Program | None:
        specification = job.request["AlgorithmSpecification"]
        listed = await asyncio.to_thread(scripts.requirements, self._folders(job)[0].code)
        return program(
            self._parts.environments,
            specification["TrainingImage"],
            self._again(job),
            images=self._parts.images,
            script=is_script(job.request) or bool(commanded(specification)),
            requirements=listed,
        )

    async def _spec(self, job: Resource, running: Program, index: int) -> ProcessSpec:
        folders = self._folders(job)
        isolated = job.request.get("EnableNetworkIsolation", False)
        root = folders[index].root
        environment, mounts = await running.layer(root.with_name(f"{root.name}.env"))
        specification = job.request["AlgorithmSpecification"]
        argv, container = running.command(specification, running.argv("train"))
        return ProcessSpec(
            id=processes(job)[index],
            argv=argv,
            container=container,
            environment=environment,
            cwd=running.image.workdir,
            env={
                **SHARING,
                **running.variables(),
                **await self._parts.variables(job, job.request["RoleArn"]),
                "TRAINING_JOB_NAME": job.name,
                "TRAINING_JOB_ARN": job.arn,
                **job.request.get("Environment", {}),
            },
            mounts=(
                Mount(source=root, target=str(OPT_ML)),
                *self._checkpoints_of(job).mounts(job.request, folders[index]),
                *running.sealed(root, "input/data"),
                *mounts,
            ),
            hosts=addresses(len(folders), job.id),
            hidden=self._parts.hidden,
            network=not isolated,
            # An isolated job's instances reach each other, and nobody else.
            network_of=processes(job)[0] if isolated and index else "",
            grace=GRACE,
            timeout=time_limits.runtime(job, self._parts.now()),
        )

    def _folders(self, job: Resource) -> list[TrainingFolder]:
        return [TrainingFolder(root=self._work(job) / name) for name in hosts(_count(job))]

    def _work(self, job: Resource, restarts: int | None = None) -> Path:
        """The folder of its instances since it began last, or for the `restarts`th time again."""
        return self._parts.folder(f"{PREFIX}{job.id}{_again(job, restarts)}-ml")


def is_script(request: Mapping[str, Any]) -> bool:
    """The job runs a script of the user's: its source folder is in S3."""
    return "sagemaker_submit_directory" in request.get("HyperParameters", {})


def _count(job: Resource) -> int:
    return job.request["ResourceConfig"].get("InstanceCount", 1)


def processes(job: Resource) -> list[str]:
    """The ids of its instances' processes; the first one leads."""
    return [f"{PREFIX}{job.id}-{name}{_again(job)}" for name in hosts(_count(job))]


def _again(job: Resource, restarts: int | None = None) -> str:
    """What tells the processes and the folder of each beginning apart."""
    number = decode(TrainingState, job.state).restarts if restarts is None else restarts
    return f"-again-{number}" if number else ""


def _standing(job: Resource) -> Standing:
    state = decode(TrainingState, job.state)
    if state.phase is Phase.STARTING:
        return Standing.WAITING
    return Standing.HOLDING if state.phase in NEEDS_ROOM else Standing.OUTSIDE


def _job_id(process_id: str) -> str:
    return process_id[len(PREFIX) :].partition("-algo-")[0]


def _streams(job: Resource, state: TrainingState) -> list[str]:
    started = state.training_started_at
    assert started is not None, "training has begun"
    # What began again within the same second has other logs.
    number = int(started.timestamp()) + state.restarts
    return [f"{job.name}/{name}-{number}" for name in hosts(_count(job))]
