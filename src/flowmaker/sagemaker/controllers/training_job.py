"""Makes training jobs happen. Each step may be taken again after a crash, with the same effect."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from flowmaker.aws.logs.repository import Place
from flowmaker.errors import FlowmakerError
from flowmaker.executors.executor import Mount, Observation, ProcessSpec, ProcessState
from flowmaker.sagemaker.algorithms import registry
from flowmaker.sagemaker.algorithms.job import CUSTOMER_ERROR
from flowmaker.sagemaker.container import channels, metrics
from flowmaker.sagemaker.container.storage import DataError
from flowmaker.sagemaker.container.training import TrainingFolder, addresses, hosts
from flowmaker.sagemaker.controllers import scripts
from flowmaker.sagemaker.controllers.instances import instance
from flowmaker.sagemaker.controllers.outputs import Outputs, remove
from flowmaker.sagemaker.controllers.parts import Parts
from flowmaker.sagemaker.controllers.programs import Program, commanded, program
from flowmaker.sagemaker.controllers.room import Claimants, Standing, disk
from flowmaker.sagemaker.lifecycle import training as lifecycle
from flowmaker.sagemaker.lifecycle.training import Action
from flowmaker.sagemaker.records.document import decode, encode
from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.records.training import Ending, Phase, TrainingState
from flowmaker.sagemaker.repository import resources

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
PREFIX = "training-"
#: Seconds from SIGTERM to SIGKILL, as SageMaker gives.
GRACE = 120.0
#: Seconds between looks at how far the logs have grown: the precision of their times.
LOOK = 1.0
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
        if full := disk(self._parts.folder(f"{PREFIX}{job.id}-ml")):
            return await self._fail(job, state, f"InternalServerError: {full}")
        entered = lifecycle.enter(state, Phase.DOWNLOADING, self._parts.now())
        return await self._save(job, entered)

    async def _wait(self, job: Resource, state: TrainingState) -> float | None:
        """Say what it waits for; give up when it has waited as long as it may."""
        now = self._parts.now()
        waiting = lifecycle.wait(state, self._parts.room.why(job), now)
        if waiting != state:
            return await self._save(job, waiting)
        longest = job.request["StoppingCondition"].get("MaxPendingTimeInSeconds")
        left = lifecycle.seconds_left(state, longest, now)
        if left is None or left > 0:
            return left
        return await self._save(job, lifecycle.stop_before_training(state, now))

    async def _download(self, job: Resource, state: TrainingState) -> float | None:
        """Make every instance's `/opt/ml`."""
        if state.stop_requested:
            return await self._save(job, lifecycle.stop_before_training(state, self._parts.now()))
        storage = await self._parts.storage(job, job.request["RoleArn"])
        folders = self._folders(job)
        for index, folder in enumerate(folders):
            await asyncio.to_thread(folder.make, job.request, index)
        for channel in job.request.get("InputDataConfig", ()):
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
        return await self._save(job, lifecycle.enter(state, Phase.TRAINING, self._parts.now()))

    async def _train(self, job: Resource, state: TrainingState) -> float | None:
        """Start the instances, and wait for how they end."""
        named = processes(job)
        seen = [await self._parts.executor.observe(one) for one in named]
        action, ending = lifecycle.judge(
            [instance(one) for one in seen], stop_requested=state.stop_requested
        )
        if action is Action.START:
            refusal = await self._start_instances(job, state, seen)
            return await self._fail(job, state, refusal) if refusal else LOOK
        place = _place(job)
        for index, stream in enumerate(_streams(job, state)):
            if seen[index].state is ProcessState.RUNNING:
                await self._parts.logs.look(place, LOG_GROUP, stream)
            elif seen[index].state is not ProcessState.ABSENT:
                await self._parts.logs.close(place, LOG_GROUP, stream)
        if action is Action.STOP:
            for process in named:
                await self._parts.executor.stop(process, grace=GRACE)
        if action is not Action.END:
            return LOOK
        reason = await self._reason(job, seen) if ending is Ending.FAILED else ""
        ended = lifecycle.end_training(state, ending, reason, self._parts.now())
        return await self._save(job, ended)

    async def _start_instances(
        self, job: Resource, state: TrainingState, seen: Sequence[Observation]
    ) -> str:
        """Why it cannot be started; empty when it was."""
        await self._parts.room.begin_log(job, self._parts.executor.log(processes(job)[0]))
        running = await self._program(job)
        if running is None:
            return "InternalServerError: the environment of the image is gone"
        for index, process in enumerate(processes(job)):
            log = self._parts.executor.log(process)
            stream = _streams(job, state)[index]
            await self._parts.logs.open(_place(job), LOG_GROUP, stream, log)
            if seen[index].state is ProcessState.ABSENT:
                try:
                    await self._parts.executor.ensure_started(await self._spec(job, index, running))
                except FlowmakerError as error:
                    return f"ClientError: {error.message}"
        return ""

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
        stream = await self._parts.logs.look(_place(job), LOG_GROUP, _streams(job, state)[0])
        log = self._parts.executor.log(processes(job)[0])
        marks = stream.marks if stream else ()
        definitions = registry.metric_definitions(job.request["AlgorithmSpecification"])
        return await asyncio.to_thread(metrics.final_metrics, log, marks, definitions)

    async def _reason(self, job: Resource, seen: Sequence[Observation]) -> str:
        """Why it failed: what the algorithm says, else what it printed last."""
        for index, one in enumerate(seen):
            if one.state is ProcessState.LOST:
                return (
                    "InternalServerError: the process of "
                    f"{hosts(len(seen))[index]} was killed together with its supervisor"
                )
            if one.outcome is None or one.outcome.succeeded or one.outcome.reason:
                continue
            text = await asyncio.to_thread(self._folders(job)[index].failure)
            log = self._parts.executor.log(processes(job)[index])
            text = text or await asyncio.to_thread(metrics.last_lines, log)
            ending = f", exit code: {one.outcome.exit_code}"
            blame = "ClientError" if one.outcome.exit_code == CUSTOMER_ERROR else "AlgorithmError"
            head = f"{blame}: "
            room = lifecycle.LONGEST_REASON - len(head) - len(ending)
            return f"{head}{text[:room]}{ending}"
        return "InternalServerError: an instance failed"

    async def _fail(self, job: Resource, state: TrainingState, reason: str) -> float | None:
        return await self._save(job, lifecycle.fail(state, reason, self._parts.now()))

    async def _save(self, job: Resource, state: TrainingState) -> float | None:
        """Write the state; look again at once, unless it is final."""
        final = lifecycle.is_final(state)
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
        if job.parent:
            self._parts.hints.hint("tuning_job", job.parent)
        # Only now: a step that is taken again after a crash must find what it packs.
        await asyncio.to_thread(remove, self._parts.folder(f"{PREFIX}{job.id}-ml"))
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

    async def _spec(self, job: Resource, index: int, running: Program) -> ProcessSpec:
        folders = self._folders(job)
        isolated = job.request.get("EnableNetworkIsolation", False)
        root = folders[index].root
        environment, mounts = await running.layer(root.with_name(f"{root.name}.env"))
        return ProcessSpec(
            id=processes(job)[index],
            argv=commanded(job.request["AlgorithmSpecification"]) or running.argv("train"),
            environment=environment,
            cwd=running.image.workdir,
            env={
                **running.variables(),
                **await self._parts.variables(job.request["RoleArn"], job.region),
                "TRAINING_JOB_NAME": job.name,
                "TRAINING_JOB_ARN": job.arn,
                **job.request.get("Environment", {}),
            },
            mounts=(Mount(source=root, target="/opt/ml"), *mounts),
            hosts=addresses(len(folders), job.id),
            hidden=self._parts.hidden,
            network=not isolated,
            # An isolated job's instances reach each other, and nobody else.
            network_of=processes(job)[0] if isolated and index else "",
            grace=GRACE,
            timeout=float(job.request["StoppingCondition"].get("MaxRuntimeInSeconds", 86400)),
        )

    def _folders(self, job: Resource) -> list[TrainingFolder]:
        root = self._parts.folder(f"{PREFIX}{job.id}-ml")
        return [TrainingFolder(root=root / name) for name in hosts(_count(job))]


def is_script(request: Mapping[str, Any]) -> bool:
    """The job runs a script of the user's: its source folder is in S3."""
    return "sagemaker_submit_directory" in request.get("HyperParameters", {})


def _count(job: Resource) -> int:
    return job.request["ResourceConfig"].get("InstanceCount", 1)


def processes(job: Resource) -> list[str]:
    """The ids of its instances' processes; the first one leads."""
    return [f"{PREFIX}{job.id}-{name}" for name in hosts(_count(job))]


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
    return [f"{job.name}/{name}-{int(started.timestamp())}" for name in hosts(_count(job))]


def _place(job: Resource) -> Place:
    return Place(account=job.account, region=job.region)
