"""Makes batch transform jobs happen: a model server, each object through it, `<key>.out`."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from flowmaker.executors.executor import ProcessState
from flowmaker.sagemaker.container.storage import DataError
from flowmaker.sagemaker.controllers.model_server import Hosted, ModelServers
from flowmaker.sagemaker.controllers.outputs import remove
from flowmaker.sagemaker.controllers.parts import Parts, log_place
from flowmaker.sagemaker.controllers.room import Claimants, Standing
from flowmaker.sagemaker.controllers.transforming import Transforming, batching
from flowmaker.sagemaker.lifecycle import hosting
from flowmaker.sagemaker.lifecycle import transform as lifecycle
from flowmaker.sagemaker.lifecycle.hosting import Move
from flowmaker.sagemaker.records.document import decode, encode
from flowmaker.sagemaker.records.hosting import Server, TransformPhase, TransformState
from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.repository import resources

LOG_GROUP = "/aws/sagemaker/TransformJobs"
PREFIX = "transform-"
PING = 0.05
PATIENCE = 10.0
#: Seconds that a model server may take until it answers pings.
STARTUP = 240.0
NO_PING = "AlgorithmError: The model server did not pass the ping health check. See job logs"


class TransformJobs:
    """The controller of batch transform jobs."""

    topic = "transform_job"

    def __init__(self, parts: Parts, servers: ModelServers) -> None:
        self._parts = parts
        self._servers = servers
        #: Set when a job that is being transformed should be looked at: it may be stopped.
        self._looks: dict[str, asyncio.Event] = {}
        parts.executor.on_exit(self._on_exit)
        parts.room.register(
            Claimants(
                kind=Kind.TRANSFORM_JOB,
                topic=self.topic,
                called="batch transform job",
                instances=lambda request: request["TransformResources"],
                standing=_standing,
            )
        )
        parts.hints.listen(self.topic, self._on_hint)

    async def open_keys(self) -> Iterable[str]:
        return await self._parts.database.read(resources.open_ids, Kind.TRANSFORM_JOB)

    async def reconcile(self, key: str) -> float | None:
        job = await self._parts.load(key)
        if job is None or not job.open:
            return None
        state = decode(TransformState, job.state)
        if lifecycle.is_final(state):
            return await self._tidy(job, state)
        if state.stop_requested:
            return await self._save(job, lifecycle.end(state, "Stopped", self._parts.now()))
        try:
            if state.phase is TransformPhase.STARTING:
                return await self._start(job, state)
            return await self._transform(job, state)
        except DataError as error:
            return await self._fail(job, state, f"ClientError: {error}")

    def _on_exit(self, process_id: str) -> None:
        if process_id.startswith(PREFIX):
            key = process_id[len(PREFIX) :].rpartition("-")[0]
            self._parts.hints.hint(self.topic, key)

    def _on_hint(self, key: str) -> None:
        if key in self._looks:
            self._looks[key].set()

    async def _start(self, job: Resource, state: TransformState) -> float | None:
        """Bring the model servers up, when there is room for all of them."""
        if not state.servers:
            if not await self._parts.room.admits(job, self._again(job)):
                return None
            count = job.request["TransformResources"]["InstanceCount"]
            servers = tuple(
                replace(self._servers.new(PREFIX, job), instance=instance, container=container)
                for instance in range(count)
                for container in range(len(state.chain))
            )
            return await self._save(job, replace(state, servers=servers))
        for server in state.servers:
            tended, pause = await self._step(job, state, server)
            if tended is None:
                return await self._fail(job, state, NO_PING)
            servers = tuple(tended if one == server else one for one in state.servers)
            if tended != server:
                state = replace(state, servers=servers)
                return await self._save(job, state)
            if pause:
                return pause
        return await self._save(job, lifecycle.begin(state, self._parts.now()))

    async def _step(
        self, job: Resource, state: TransformState, server: Server
    ) -> tuple[Server | None, float]:
        """The server after one move, None if it will not come up; and when to look again."""
        seen = await self._parts.executor.observe(server.process_id)
        absent = seen.state is ProcessState.ABSENT
        move = hosting.move(
            server,
            absent=absent,
            running=seen.state is ProcessState.RUNNING,
            startup=STARTUP,
            now=self._parts.now(),
            new=True,
        )
        if move is Move.START:
            return await self._start_server(job, state, server)
        if move is Move.PING and await self._servers.client.ping(server.port):
            return replace(server, ready=True), 0.0
        if move in {Move.PING, Move.WAIT}:
            return server, PING
        if move is Move.REPLACE:
            await self._servers.end(server.process_id)
            fresh = self._servers.new(PREFIX, job)
            now = self._parts.now()
            return hosting.successor(server, fresh.process_id, fresh.port, now), 0.0
        return (None, 0.0) if move is Move.GIVE_UP else (server, 0.0)

    async def _start_server(
        self, job: Resource, state: TransformState, server: Server
    ) -> tuple[Server, float]:
        hosted = Hosted(
            owner=job,
            container=state.chain[server.container],
            role_arn=state.role_arn,
            isolated=state.isolated,
            environment=_environment(job),
        )
        log = self._parts.executor.log(server.process_id)
        await self._parts.room.begin_log(job, log)
        if not await self._servers.start(hosted, server, self._again(job)):
            return server, PATIENCE
        await self._parts.logs.open(log_place(job), LOG_GROUP, _stream(job, state, server), log)
        return replace(server, started_at=self._parts.now()), PING

    async def _transform(self, job: Resource, state: TransformState) -> float | None:
        """Send everything through the model, unless the job is stopped meanwhile.

        After a crash it is all done again: the same objects are put again.
        """
        for server in state.servers:
            seen = await self._parts.executor.observe(server.process_id)
            if seen.state is not ProcessState.RUNNING:
                return await self._fail(job, state, "AlgorithmError: The model server ended")
        look = self._looks[job.id] = asyncio.Event()
        storage = await self._parts.storage(job, state.role_arn)
        chains = [tuple(server.port for server in one) for one in state.instances]
        started = state.started_at or self._parts.now()
        how = await batching(job, started, self._servers.client, chains[0][0])
        transforming = Transforming(
            job=job,
            storage=storage,
            client=self._servers.client,
            chains=chains,
            batching=how,
            started=started,
        )
        work = asyncio.create_task(transforming.run(self._parts.folder(f"{PREFIX}{job.id}-out")))
        waiting = asyncio.create_task(look.wait())
        try:
            await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
            while not work.done():
                current = await self._parts.load(job.id)
                if current is None or current.revision != job.revision:
                    return 0.0
                look.clear()
                waiting = asyncio.create_task(look.wait())
                await asyncio.wait({work, waiting}, return_when=asyncio.FIRST_COMPLETED)
            reason = work.result()
        finally:
            self._looks.pop(job.id, None)
            for task in (work, waiting):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, DataError):
                    await task
        if reason:
            return await self._fail(job, state, reason)
        return await self._save(job, lifecycle.end(state, "Completed", self._parts.now()))

    async def _fail(self, job: Resource, state: TransformState, reason: str) -> float | None:
        return await self._save(job, lifecycle.end(state, "Failed", self._parts.now(), reason))

    async def _save(self, job: Resource, state: TransformState) -> float:
        await self._parts.save(
            replace(
                job,
                state=encode(state),
                status=lifecycle.status(state),
                modified_at=self._parts.now(),
            )
        )
        return 0.0

    async def _tidy(self, job: Resource, state: TransformState) -> float | None:
        """Take the model servers down; then there is nothing more to do."""
        for server in state.servers:
            await self._parts.logs.close(log_place(job), LOG_GROUP, _stream(job, state, server))
        ended = [await self._servers.end(server.process_id) for server in state.servers]
        if not all(ended):
            return PATIENCE
        await asyncio.to_thread(remove, self._parts.folder(f"{PREFIX}{job.id}-out"))
        if not await self._parts.save(replace(job, open=False)):
            return 0.0
        self._parts.room.left(job)
        return None

    def _again(self, job: Resource) -> Callable[[], None]:
        return partial(self._parts.hints.hint, self.topic, job.id)


def _standing(job: Resource) -> Standing:
    """It holds its room until its servers are down, which is when it is no longer open."""
    has_servers = bool(decode(TransformState, job.state).servers)
    return Standing.HOLDING if has_servers else Standing.WAITING


def _environment(job: Resource) -> dict[str, str]:
    """What a container is told of a batch: only what the request says."""
    request = job.request
    told = {
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_BATCH_STRATEGY": request.get("BatchStrategy"),
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": request.get("MaxPayloadInMB"),
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": request.get("MaxConcurrentTransforms"),
    }
    return {name: str(value) for name, value in told.items() if value} | request.get(
        "Environment", {}
    )


def _stream(job: Resource, state: TransformState, server: Server) -> str:
    stream = f"{job.name}/{server.process_id.rpartition('-')[2]}"
    if len(state.chain) == 1:
        return stream
    return f"{stream}/{hosting.container_name(state.chain, server)}"
