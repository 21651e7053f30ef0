"""Keeps endpoints' model servers up, brings new ones up beside them, takes old ones down."""

from collections.abc import Iterable
from dataclasses import replace

from flowmaker.aws.logs.repository import Place
from flowmaker.executors.executor import ProcessState
from flowmaker.sagemaker.container.storage import DataError
from flowmaker.sagemaker.controllers.model_server import Hosted, ModelServers, free_port
from flowmaker.sagemaker.controllers.parts import Parts
from flowmaker.sagemaker.lifecycle import hosting as lifecycle
from flowmaker.sagemaker.lifecycle.hosting import Move
from flowmaker.sagemaker.records.document import decode, encode
from flowmaker.sagemaker.records.hosting import EndpointState, Server, Variant
from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.repository import resources

LOG_GROUP = "/aws/sagemaker/Endpoints/"
PREFIX = "endpoint-"
#: Seconds between pings of a server that is coming up.
PING = 0.05
#: Seconds between looks at the logs of servers that are up.
LOOK = 5.0
PATIENCE = 10.0


class GivenUp(Exception):  # noqa: N818 - it says what happened
    """A server will not come up; the message is for FailureReason."""


class Endpoints:
    """The controller of endpoints."""

    topic = "endpoint"

    def __init__(self, parts: Parts, servers: ModelServers) -> None:
        self._parts = parts
        self._servers = servers
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
        state, pause = await self._tend(endpoint, state)
        return await self._settle(endpoint, state, pause)

    def _on_exit(self, process_id: str) -> None:
        if process_id.startswith(PREFIX):
            self._parts.hints.hint(self.topic, process_id[len(PREFIX) :].rpartition("-")[0])

    async def _tend(self, endpoint: Resource, state: EndpointState) -> tuple[EndpointState, float]:
        """One move for every server; the state then, and when to look again."""
        ended = {one for one in state.retired if await self._servers.end(one)}
        state = replace(state, retired=tuple(one for one in state.retired if one not in ended))
        variants, pause = await self._tend_all(endpoint, state.variants, new=False)
        replaced = set(lifecycle.processes(state.variants)) - set(lifecycle.processes(variants))
        state = replace(state, variants=variants, retired=(*state.retired, *sorted(replaced)))
        try:
            pending, soon = await self._tend_all(endpoint, state.pending, new=True)
        except GivenUp as error:
            return lifecycle.give_up(state, str(error)), 0.0
        replaced = set(lifecycle.processes(state.pending)) - set(lifecycle.processes(pending))
        state = replace(state, pending=pending, retired=(*state.retired, *sorted(replaced)))
        if pending and lifecycle.all_ready(pending):
            state = lifecycle.promote(state)
        return state, min(pause, soon)

    async def _tend_all(
        self, endpoint: Resource, variants: tuple[Variant, ...], *, new: bool
    ) -> tuple[tuple[Variant, ...], float]:
        pauses = [LOOK]
        for variant in variants:
            for server in variant.servers:
                tended, pause = await self._step(endpoint, variant, server, new=new)
                variants = lifecycle.with_server(variants, server, tended)
                pauses.append(pause)
        return variants, min(pauses)

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
            raise GivenUp(_no_ping(variant))
        if move is Move.REPLACE:
            await self._parts.executor.stop(server.process_id)
            fresh = self._servers.new(PREFIX, endpoint)
            now = self._parts.now()
            return lifecycle.successor(server, fresh.process_id, fresh.port, now), 0.0
        stream = _stream(variant, server)
        await self._parts.logs.look(_place(endpoint), f"{LOG_GROUP}{endpoint.name}", stream)
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
            container=variant.container,
            role_arn=variant.role_arn,
            isolated=variant.isolated,
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
            _place(endpoint),
            f"{LOG_GROUP}{endpoint.name}",
            _stream(variant, server),
            self._parts.executor.log(server.process_id),
        )
        # A server's time to come up counts from its start, not from its environment's making.
        return replace(server, started_at=self._parts.now()), PING

    async def _settle(self, endpoint: Resource, state: EndpointState, pause: float) -> float | None:
        """Write what changed; tell who sends requests."""
        document = encode(state)
        settled = not state.variants and not state.pending and not state.retired
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
        return None if settled else min(pause, PING if state.retired else pause)

    async def _delete(self, endpoint: Resource, state: EndpointState) -> float | None:
        self._parts.hints.hint("endpoint_changed", endpoint.id)
        processes = (
            *state.retired,
            *lifecycle.processes(state.variants),
            *lifecycle.processes(state.pending),
        )
        ended = [await self._servers.end(one) for one in processes]
        if not all(ended):
            return LOOK
        gone = await self._parts.database.write(resources.delete, endpoint)
        return None if gone else 0.0


def _no_ping(variant: Variant) -> str:
    return (
        f"The primary container for production variant {variant.name} did not pass the ping "
        "health check. Please check CloudWatch logs for this endpoint."
    )


def _stream(variant: Variant, server: Server) -> str:
    return f"{variant.name}/{server.process_id.rpartition('-')[2]}"


def _place(endpoint: Resource) -> Place:
    return Place(account=endpoint.account, region=endpoint.region)
