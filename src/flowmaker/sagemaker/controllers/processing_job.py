"""Makes processing jobs happen. Each step may be taken again after a crash: its effect is one."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

from flowmaker.errors import FlowmakerError
from flowmaker.executors.executor import Mount, Observation, ProcessSpec
from flowmaker.sagemaker.container import channels, metrics
from flowmaker.sagemaker.container.processing import ProcessingFolder, count
from flowmaker.sagemaker.container.storage import DataError
from flowmaker.sagemaker.container.training import addresses, hosts
from flowmaker.sagemaker.controllers.instances import (
    GRACE,
    LOOK,
    Instances,
    failed,
    first_failed,
    instance,
    lost,
)
from flowmaker.sagemaker.controllers.outputs import remove
from flowmaker.sagemaker.controllers.parts import Parts
from flowmaker.sagemaker.controllers.processing_outputs import Uploads, has_continuous
from flowmaker.sagemaker.controllers.programs import SHARING, Program, program
from flowmaker.sagemaker.controllers.room import Claimants, Standing
from flowmaker.sagemaker.lifecycle import processing as lifecycle
from flowmaker.sagemaker.lifecycle.training import Action, judge
from flowmaker.sagemaker.records.document import decode, encode
from flowmaker.sagemaker.records.processing import ProcessingPhase, ProcessingState
from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.records.training import Ending
from flowmaker.sagemaker.repository import resources

LOG_GROUP = "/aws/sagemaker/ProcessingJobs"
PREFIX = "processing-"
#: Seconds until an environment that is being made is asked for again, should no word come.
PATIENCE = 10.0
#: What AWS takes where the request says nothing.
LONGEST_RUNTIME = 86400
#: Until it uploads what is left, it waits for room or holds it.
NEEDS_ROOM = (ProcessingPhase.STARTING, ProcessingPhase.DOWNLOADING, ProcessingPhase.PROCESSING)


class ProcessingJobs:
    """The controller of processing jobs."""

    topic = "processing_job"

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._instances = Instances(parts, LOG_GROUP)
        self._uploads: dict[str, Uploads] = {}
        parts.executor.on_exit(self._on_exit)
        parts.room.register(
            Claimants(
                kind=Kind.PROCESSING_JOB,
                topic=self.topic,
                called="processing job",
                instances=lambda request: request["ProcessingResources"]["ClusterConfig"],
                standing=_standing,
            )
        )

    async def open_keys(self) -> Iterable[str]:
        return await self._parts.database.read(resources.open_ids, Kind.PROCESSING_JOB)

    async def reconcile(self, key: str) -> float | None:
        job = await self._parts.load(key)
        if job is None or not job.open:
            return None
        state = decode(ProcessingState, job.state)
        steps = {
            ProcessingPhase.STARTING: self._start,
            ProcessingPhase.DOWNLOADING: self._download,
            ProcessingPhase.PROCESSING: self._process,
            ProcessingPhase.UPLOADING: self._upload,
        }
        try:
            return await steps[state.phase](job, state)
        except DataError as error:
            reason = f"ClientError: {error}"
            if state.phase is ProcessingPhase.PROCESSING:
                # Instances may run: they are stopped before it ends.
                return await self._save(job, lifecycle.doom(state, reason))
            return await self._fail(job, state, reason)

    def _on_exit(self, process_id: str) -> None:
        if process_id.startswith(PREFIX):
            key = process_id[len(PREFIX) :].partition("-algo-")[0]
            self._parts.hints.hint(self.topic, key)

    async def _start(self, job: Resource, state: ProcessingState) -> float | None:
        """Wait for room for all instances, then for the image's environment."""
        now = self._parts.now()
        if state.stop_requested:
            return await self._save(job, lifecycle.stop_before_processing(state, now))
        if not await self._parts.room.admits(job, self._again(job)):
            return None
        try:
            if self._program(job) is None:
                return PATIENCE
        except LookupError:
            image = job.request["AppSpecification"]["ImageUri"]
            return await self._fail(job, state, f"ClientError: no such image is known: {image}")
        except FlowmakerError as error:
            return await self._fail(job, state, f"InternalServerError: {error.message}")
        return await self._save(job, lifecycle.enter(state, ProcessingPhase.DOWNLOADING, now))

    async def _download(self, job: Resource, state: ProcessingState) -> float | None:
        """Make every instance's `/opt/ml`."""
        now = self._parts.now()
        if state.stop_requested:
            return await self._save(job, lifecycle.stop_before_processing(state, now))
        storage = await self._parts.storage(job, job.request["RoleArn"])
        folders = self._folders(job)
        for index, folder in enumerate(folders):
            await asyncio.to_thread(folder.make, job.request, job.arn, index)
        for given in job.request.get("ProcessingInputs", ()):
            source = given["S3Input"]
            try:
                found = await channels.inputs(storage, source)
                distribution = source.get("S3DataDistributionType", "")
                for index, folder in enumerate(folders):
                    part = channels.shard(found, distribution, index, len(folders))
                    target = folder.place(source["LocalPath"])
                    await channels.link(self._parts.objects, part, target)
            except DataError as error:
                raise DataError(f"Data download failed for {given['InputName']}: {error}") from None
        return await self._save(job, lifecycle.enter(state, ProcessingPhase.PROCESSING, now))

    async def _process(self, job: Resource, state: ProcessingState) -> float | None:
        """Start the instances, upload what they make meanwhile, and wait for how they end."""
        processes = _processes(job)
        seen = await self._instances.observe(processes)
        stopping = state.stop_requested or bool(state.failure_reason)
        action, ending = judge([instance(one) for one in seen], stop_requested=stopping)
        if action is Action.START:
            refusal = await self._start_instances(job, state, seen)
            return await self._save(job, lifecycle.doom(state, refusal)) if refusal else LOOK
        cluster = job.request["ProcessingResources"]["ClusterConfig"]
        streams = _streams(job, state)
        await self._instances.look(job, processes, streams, seen, cluster.get("InstanceType", ""))
        if action is Action.STOP:
            await self._instances.stop(processes)
        if action is not Action.END:
            return await self._upload_meanwhile(job, state)
        reason = state.failure_reason
        if reason:
            ending = Ending.FAILED
        elif ending is Ending.FAILED:
            reason = await self._reason(job, seen)
        message = await asyncio.to_thread(_message, self._folders(job))
        now = self._parts.now()
        return await self._save(job, lifecycle.end_processing(state, ending, reason, message, now))

    async def _start_instances(
        self, job: Resource, state: ProcessingState, seen: Sequence[Observation]
    ) -> str:
        """Why it cannot be started; empty when it was."""
        named = _processes(job)
        await self._parts.room.begin_log(job, self._parts.executor.log(named[0]))
        running = self._program(job)
        if running is None:
            return "InternalServerError: the environment of the image is gone"
        spec = partial(self._spec, job, running)
        return await self._instances.start(job, named, _streams(job, state), seen, spec)

    async def _upload_meanwhile(self, job: Resource, state: ProcessingState) -> float | None:
        if not state.failure_reason:
            await self._upload_changed(job, ended=False)
        return LOOK

    async def _upload_changed(self, job: Resource, *, ended: bool) -> None:
        uploads = self._uploads.setdefault(job.id, Uploads(self._root(job) / "staged"))
        if not has_continuous(job.request):
            return
        storage = await self._parts.storage(job, job.request["RoleArn"])
        await uploads.changed(job.request, self._folders(job), storage, ended=ended)

    async def _upload(self, job: Resource, state: ProcessingState) -> float | None:
        """Upload what the instances made, and be done."""
        try:
            await self._upload_changed(job, ended=True)
            if lifecycle.uploads_at_end(state):
                storage = await self._parts.storage(job, job.request["RoleArn"])
                await self._uploads[job.id].all(job.request, self._folders(job), storage)
        except DataError as error:
            # How the program failed is the better reason.
            return await self._fail(job, state, f"ClientError: {error}")
        return await self._save(job, lifecycle.finish(state, self._parts.now()))

    async def _reason(self, job: Resource, seen: Sequence[Observation]) -> str:
        """Why it failed: how the first that failed ended, and what it printed last."""
        if reason := lost(seen):
            return reason
        index, code = first_failed(seen)
        log = self._parts.executor.log(_processes(job)[index])
        text = await asyncio.to_thread(metrics.last_lines, log)
        return failed("AlgorithmError", text, code, lifecycle.LONGEST_REASON)

    async def _fail(self, job: Resource, state: ProcessingState, reason: str) -> float | None:
        return await self._save(job, lifecycle.fail(state, reason, self._parts.now()))

    async def _save(self, job: Resource, state: ProcessingState) -> float | None:
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
        # Only now: a step that is taken again after a crash must find what it uploads.
        self._uploads.pop(job.id, None)
        await asyncio.to_thread(remove, self._root(job))
        return None

    def _again(self, job: Resource) -> Callable[[], None]:
        return partial(self._parts.hints.hint, self.topic, job.id)

    def _program(self, job: Resource) -> Program | None:
        image = job.request["AppSpecification"]["ImageUri"]
        images = self._parts.images
        return program(
            self._parts.environments, image, self._again(job), images=images, script=True
        )

    async def _spec(self, job: Resource, running: Program, index: int) -> ProcessSpec:
        request = job.request
        root = self._folders(job)[index].root
        environment, mounts = await running.layer(root.with_name(f"{root.name}.env"))
        isolated = request.get("NetworkConfig", {}).get("EnableNetworkIsolation", False)
        limit = request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", LONGEST_RUNTIME)
        argv, container = running.command(request["AppSpecification"])
        places = [one["S3Input"]["LocalPath"] for one in request.get("ProcessingInputs", ())]
        inputs = [str(PurePosixPath(place).relative_to("/opt/ml")) for place in places]
        return ProcessSpec(
            id=_processes(job)[index],
            argv=argv,
            container=container,
            environment=environment,
            cwd=running.image.workdir,
            env={
                **SHARING,
                **running.variables(),
                **await self._parts.variables(job, request["RoleArn"]),
                **request.get("Environment", {}),
            },
            mounts=(
                Mount(source=root, target="/opt/ml"),
                *running.sealed(root, *inputs),
                *mounts,
            ),
            hosts=addresses(count(request), job.id),
            hidden=self._parts.hidden,
            network=not isolated,
            # An isolated job's instances reach each other, and nobody else.
            network_of=_processes(job)[0] if isolated and index else "",
            grace=GRACE,
            timeout=float(limit),
        )

    def _root(self, job: Resource) -> Path:
        return self._parts.folder(f"{PREFIX}{job.id}-ml")

    def _folders(self, job: Resource) -> list[ProcessingFolder]:
        root = self._root(job)
        return [ProcessingFolder(root=root / name) for name in hosts(count(job.request))]


def _message(folders: Sequence[ProcessingFolder]) -> str:
    """The first instance's that left one."""
    return next(filter(None, (folder.message() for folder in folders)), "")


def _standing(job: Resource) -> Standing:
    phase = decode(ProcessingState, job.state).phase
    if phase is ProcessingPhase.STARTING:
        return Standing.WAITING
    return Standing.HOLDING if phase in NEEDS_ROOM else Standing.OUTSIDE


def _processes(job: Resource) -> list[str]:
    return [f"{PREFIX}{job.id}-{name}" for name in hosts(count(job.request))]


def _streams(job: Resource, state: ProcessingState) -> list[str]:
    assert state.started_at is not None, "it has begun"
    started = int(state.started_at.timestamp())
    return [f"{job.name}/{name}-{started}" for name in hosts(count(job.request))]
