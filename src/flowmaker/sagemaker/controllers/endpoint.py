"""Keeps endpoints' model servers up, brings new ones up beside them, takes old ones down."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import replace

from flowmaker.executors.executor import ProcessState
from flowmaker.sagemaker.container.storage import DataError
from flowmaker.sagemaker.controllers.captured import Captured
from flowmaker.sagemaker.controllers.host_metrics import HostMetrics
from flowmaker.sagemaker.controllers.model_server import Hosted, ModelServers, free_port
from flowmaker.sagemaker.controllers.parts import Parts, log_place
from flowmaker.sagemaker.hosting.router import Router, serverless_key
from flowmaker.sagemaker.lifecycle import deployment
from flowmaker.sagemaker.lifecycle import hosting as lifecycle
from flowmaker.sagemaker.lifecycle.hosting import Move
from flowmaker.sagemaker.records.document import decode, encode
from flowmaker.sagemaker.records.hosting import EndpointState, Fleet, Server, Variant
from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.repository import resources

LOG_GROUP = "/aws/sagemaker/Endpoints/"
PREFIX = "endpoint-"
#: Seconds between pings of a server that is coming up.
PING = 0.05
#: Seconds between looks at the logs of servers that are up.
LOOK = 5.0
PATIENCE = 10.0
#: Seconds without a request after which a serverless variant has no server.
IDLE = 300.0


class GivenUp(Exception):  # noqa: N818 - it says what happened
    """A server will not come up; the message is for FailureReason."""


class Endpoints:
    """The controller of endpoints."""

    topic = "endpoint"

    def __init__(self, parts: Parts, servers: ModelServers, router: Router) -> None:
        self._parts = parts
        self._servers = servers
        self._router = router
        #: Seconds until a serverless variant sleeps.
        self.idle = IDLE
        self._captured = Captured(parts, router.captures)
        self._hosts = HostMetrics(parts, LOG_GROUP.rstrip("/"))
        parts.executor.on_exit(self._on_exit)

    async def open_keys(self) -> Iterable[str]:
        return await self._parts.database.read(resources.open_ids, Kind.ENDPOINT)

    async def reconcile(self, key: str) -> float | None:
        endpoint = await self._parts.load(key)
        if endpoint is None or not endpoint.open:
            return None
        state = decode(EndpointState, endpoint.state)
        if state.delete_requested:
            return await self._delete(endpoint, state)
        await self._captured.flush(endpoint, every=LOOK)
        await self._router.measures.flush(over=True)
        state, pause = await self._tend(endpoint, state)
        return await self._settle(endpoint, state, pause)

    def _on_exit(self, process_id: str) -> None:
        if process_id.startswith(PREFIX):
            self._parts.hints.hint(self.topic, process_id[len(PREFIX) :].rpartition("-")[0])

    async def _tend(self, endpoint: Resource, state: EndpointState) -> tuple[EndpointState, float]:
        """One move for every server; the state then, and when to look again."""
        ended = {one for one in state.retired if await self._end(one)}
        state = replace(state, retired=tuple(one for one in state.retired if one not in ended))
        state, pause = await self._tend_fleet(endpoint, state)
        state, soon = await self._tend_pending(endpoint, state)
        now = self._parts.now()
        state = deployment.advance(lifecycle.scaled(state), now)
        is_back = not state.retired and (state.fleet is None or lifecycle.all_ready(state.fleet))
        if state.rolling_back and is_back:
            state = replace(state, rolling_back=False)
        pauses = [pause, soon, deployment.pause(state, now)]
        return state, min(one for one in pauses if one is not None)

    async def _tend_fleet(
        self, endpoint: Resource, state: EndpointState
    ) -> tuple[EndpointState, float]:
        """What serves: it is kept up, and grows as is desired."""
        if state.fleet is None:
            return state, LOOK
        if state.pending is None:
            state = replace(state, fleet=self._completed(endpoint, state.fleet))
            assert state.fleet is not None, "it was completed"
        state = self._slept(endpoint, state, state.fleet)
        before = state.fleet
        assert before is not None, "sleeping leaves a fleet"
        try:
            fleet, pause = await self._tend_all(endpoint, before, new=False)
        except GivenUp as error:
            return lifecycle.unscaled(state, str(error)), 0.0
        return _with_retired(replace(state, fleet=fleet), before, fleet), pause

    async def _tend_pending(
        self, endpoint: Resource, state: EndpointState
    ) -> tuple[EndpointState, float]:
        """What is to take over: it is brought up, or given up."""
        before = state.pending
        if before is None:
            return state, LOOK
        try:
            pending, pause = await self._tend_all(endpoint, before, new=True)
        except GivenUp as error:
            return deployment.roll_back(state, str(error)), 0.0
        return _with_retired(replace(state, pending=pending), before, pending), pause

    async def _tend_all(
        self, endpoint: Resource, fleet: Fleet, *, new: bool
    ) -> tuple[Fleet, float]:
        """One move for each server of a fleet, at the same time.

        Raises:
            GivenUp: one will not come up.
        """
        servers = [
            (variant, server)
            for variant in fleet.variants
            for server in variant.servers
            if not server.held
        ]
        moves = await asyncio.gather(
            *(
                self._step(endpoint, variant, server, new=new or lifecycle.is_new(variant, server))
                for variant, server in servers
            ),
            return_exceptions=True,
        )
        pauses = [LOOK]
        for (_, server), moved in zip(servers, moves, strict=True):
            if isinstance(moved, BaseException):
                raise moved
            fleet = lifecycle.with_server(fleet, server, moved[0])
            pauses.append(moved[1])
        return fleet, min(pauses)

    async def _step(
        self, endpoint: Resource, variant: Variant, server: Server, *, new: bool
    ) -> tuple[Server, float]:
        if not server.port:
            # On record before the process starts: after a crash it is found again.
            return replace(server, port=free_port()), 0.0
        seen = await self._parts.executor.observe(server.process_id)
        move = lifecycle.move(
            server,
            absent=seen.state is ProcessState.ABSENT,
            running=seen.state is ProcessState.RUNNING,
            startup=variant.startup_seconds,
            now=self._parts.now(),
            new=new,
        )
        if move is Move.START:
            return await self._start(endpoint, variant, server, new=new)
        if move is Move.GIVE_UP:
            raise GivenUp(_no_ping(variant, server))
        if move is Move.REPLACE:
            await self._parts.executor.stop(server.process_id)
            fresh = self._servers.new(PREFIX, endpoint)
            now = self._parts.now()
            return lifecycle.successor(server, fresh.process_id, fresh.port, now), 0.0
        stream = _stream(variant, server)
        await self._parts.logs.look(log_place(endpoint), f"{LOG_GROUP}{endpoint.name}", stream)
        if variant.instance_type:
            dimensions = (("EndpointName", endpoint.name), ("VariantName", variant.name))
            await self._hosts.look(endpoint, dimensions, server.process_id, variant.instance_type)
        if move is Move.PING:
            if await self._servers.client.ping(server.port):
                return replace(server, ready=True, deaths=0), LOOK
            return server, PING
        return server, LOOK if move is Move.NONE else PING

    async def _start(
        self, endpoint: Resource, variant: Variant, server: Server, *, new: bool
    ) -> tuple[Server, float]:
        def again() -> None:
            self._parts.hints.hint(self.topic, endpoint.id)

        hosted = Hosted(
            owner=endpoint,
            container=variant.containers[server.container],
            role_arn=variant.role_arn,
            isolated=variant.isolated,
            environment={"SAGEMAKER_MULTI_MODEL": "true"} if variant.multi_model else {},
        )
        try:
            started = await self._servers.start(hosted, server, again)
        except DataError as error:
            if new:
                raise GivenUp(str(error)) from None
            raise
        if not started:
            return server, PATIENCE
        await self._parts.logs.open(
            log_place(endpoint),
            f"{LOG_GROUP}{endpoint.name}",
            _stream(variant, server),
            self._parts.executor.log(server.process_id),
        )
        # A server's time to come up counts from its start, not from its environment's making.
        return replace(server, started_at=self._parts.now()), PING

    def _completed(self, endpoint: Resource, fleet: Fleet) -> Fleet:
        """With the instances that a rolling update had taken down before it failed."""
        return lifecycle.with_servers(
            fleet,
            lambda variant: (
                *variant.servers,
                *(
                    server
                    for instance in lifecycle.missing(variant)
                    for server in self._instance(endpoint, variant, instance)
                ),
            ),
        )

    def _instance(self, endpoint: Resource, variant: Variant, number: int) -> tuple[Server, ...]:
        """One more: a server for each container."""
        return tuple(
            replace(self._servers.new(PREFIX, endpoint), instance=number, container=which)
            for which in range(len(variant.containers))
        )

    def _slept(self, endpoint: Resource, state: EndpointState, fleet: Fleet) -> EndpointState:
        """Serverless variants: those that somebody waits for wake, idle ones have no server."""
        variants: list[Variant] = []
        for variant in fleet.variants:
            key = serverless_key(endpoint.id, variant.name)
            busy = bool(variant.serverless) and self._router.instances.open(key) > 0
            if variant.serverless and not variant.servers and (busy or not variant.sleeps):
                variants.append(replace(variant, servers=self._instance(endpoint, variant, 0)))
            elif variant.sleeps and not busy and self._is_idle(variant, key):
                variants.append(replace(variant, servers=()))
            else:
                variants.append(variant)
        slept = replace(fleet, variants=tuple(variants))
        return _with_retired(replace(state, fleet=slept), fleet, slept)

    def _is_idle(self, variant: Variant, key: str) -> bool:
        ready = all(server.ready for server in variant.servers)
        return ready and time.monotonic() - self._router.instances.used_at(key) > self.idle

    async def _end(self, process_id: str) -> bool:
        """Stop it once nobody waits for its answer any more; True when it is gone."""
        if self._router.instances.open(process_id):
            return False
        if not await self._servers.end(process_id):
            return False
        self._router.forget(process_id)
        self._hosts.forget(process_id)
        return True

    async def _settle(self, endpoint: Resource, state: EndpointState, pause: float) -> float | None:
        """Write what changed; tell who sends requests."""
        document = encode(state)
        settled = not state.fleet and not state.pending and not state.retired
        pause = min(pause, PING if state.retired else pause)
        if document == endpoint.state and endpoint.status == lifecycle.status(state):
            return None if settled else pause
        saved = await self._parts.save(
            replace(
                endpoint,
                state=document,
                status=lifecycle.status(state),
                open=not settled,
                modified_at=self._parts.now(),
            )
        )
        self._parts.hints.hint("endpoint_changed", endpoint.id)
        if not saved:
            return 0.0
        if endpoint.status != lifecycle.status(state):
            # A step of a pipeline may wait for what the endpoint comes to.
            self._parts.hints.hint("job_ended", endpoint.arn)
        return None if settled else pause

    async def _delete(self, endpoint: Resource, state: EndpointState) -> float | None:
        self._parts.hints.hint("endpoint_changed", endpoint.id)
        processes = (
            *state.retired,
            *lifecycle.processes(state.fleet),
            *lifecycle.processes(state.pending),
        )
        ended = [await self._end(one) for one in processes]
        if not all(ended):
            return PING
        await self._captured.flush(endpoint)
        await self._captured.remove(endpoint)
        gone = await self._parts.database.write(resources.delete, endpoint)
        self._parts.hints.hint("async_inference", endpoint.id)
        return None if gone else 0.0


def _with_retired(state: EndpointState, before: Fleet, after: Fleet) -> EndpointState:
    """What the fleet lost is retired."""
    kept = set(lifecycle.processes(after))
    gone = tuple(one for one in lifecycle.processes(before) if one not in kept)
    return replace(state, retired=(*state.retired, *gone))


def _no_ping(variant: Variant, server: Server) -> str:
    name = lifecycle.container_name(variant.containers, server)
    return (
        f"The {name} container for production variant {variant.name} did not pass the ping "
        "health check. Please check CloudWatch logs for this endpoint."
    )


def _stream(variant: Variant, server: Server) -> str:
    stream = f"{variant.name}/{server.process_id.rpartition('-')[2]}"
    if len(variant.containers) == 1:
        return stream
    return f"{stream}/{lifecycle.container_name(variant.containers, server)}"
