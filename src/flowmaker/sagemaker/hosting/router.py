"""An invocation's way: the endpoint's route, a variant, an instance of it, its containers."""

import asyncio
import contextlib
import random
import sys
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from http import HTTPStatus

from flowmaker.aws.errors import AwsError
from flowmaker.reconcile.hints import Hints
from flowmaker.sagemaker.container.model_client import (
    ModelAnswer,
    ModelClient,
    ModelRefused,
    ModelTimedOut,
    ModelUnreachable,
)
from flowmaker.sagemaker.container.model_stream import ModelStream
from flowmaker.sagemaker.hosting import refusals
from flowmaker.sagemaker.hosting.capture import Captures
from flowmaker.sagemaker.hosting.instances import Crowded, Instances
from flowmaker.sagemaker.hosting.invocations import (
    Answered,
    Invocation,
    Streamed,
    check_targets,
    passed_on,
)
from flowmaker.sagemaker.hosting.measures import Measures, Watch
from flowmaker.sagemaker.hosting.multi_model import MultiModels
from flowmaker.sagemaker.hosting.routes import Place, Route, Routes
from flowmaker.sagemaker.hosting.shadows import Shadows, share
from flowmaker.sagemaker.lifecycle.hosting import container_name
from flowmaker.sagemaker.records.hosting import RANDOM, Fleet, Server, Variant

INVOCATIONS = "/invocations"
#: A serverless endpoint's payload, as AWS limits it.
SERVERLESS_PAYLOAD = 4 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """An instance that a request has a place at."""

    route: Route
    fleet: Fleet
    variant: Variant
    servers: tuple[Server, ...]
    #: The artefact that it is for, of a multi-model variant.
    target: str = ""
    #: The line before all servers of a serverless variant.
    line: str = ""

    @property
    def key(self) -> str:
        return self.servers[0].process_id


@dataclass(frozen=True, kw_only=True, slots=True)
class Router:
    """Sends invocations to model servers. Use it on one event loop."""

    routes: Routes
    hints: Hints
    client: ModelClient
    instances: Instances
    multi_models: MultiModels
    captures: Captures
    measures: Measures
    shadows: Shadows = field(default_factory=Shadows)
    #: Weighs the variants.
    chance: random.Random = field(default_factory=random.Random)

    async def invoke(self, place: Place, invocation: Invocation) -> Answered:
        """The answer of the model; of another instance when the chosen one has just gone.

        Raises:
            AwsError: as `InvokeEndpoint` has them; ModelError for what the model refused.
        """
        watch = Watch()
        tried: frozenset[str] = frozenset()
        while True:
            taken = await self._take(place, invocation, tried)
            if not tried:
                self._copy(taken, invocation)
            try:
                answer = await self._through(taken, invocation, watch)
            except ModelRefused:
                tried |= {taken.key}
                continue
            except AwsError as error:
                self._count(taken, watch, error)
                raise
            finally:
                self._leave(taken)
            self._count(taken, watch)
            self.captures.keep(taken.route, taken.fleet, taken.variant, invocation, answer)
            return Answered(variant=taken.variant, answer=answer)

    @contextlib.asynccontextmanager
    async def stream(self, place: Place, invocation: Invocation) -> AsyncGenerator[Streamed]:
        """The answer while the model gives it: of the one container, or of the last one."""
        watch = Watch()
        taken = await self._take(place, invocation)
        self._copy(taken, invocation)
        try:
            *before, last = self._containers(taken, invocation)
            message = invocation
            for server in before:
                message = passed_on(message, await self._ask(taken, server, message, watch))
            began = time.perf_counter()
            answer = await self._begun(taken, last, message)
            try:
                yield Streamed(variant=taken.variant, answer=answer)
            finally:
                answer.close()
                watch.models += time.perf_counter() - began
        except AwsError as error:
            self._count(taken, watch, error)
            raise
        else:
            self._count(taken, watch)
        finally:
            self._leave(taken)

    async def close(self) -> None:
        """Nothing more is invoked. Close the client afterwards."""
        await self.shadows.close()
        await self.measures.flush()

    def forget(self, process_id: str) -> None:
        """The server ended."""
        self.instances.forget(process_id)
        self.multi_models.forget_all(process_id)

    # --- shadows ---

    def _copy(self, taken: Taken, invocation: Invocation) -> None:
        """Send it to the shadow variants of the fleet, as often as their weights say."""
        for shadow in taken.fleet.shadows:
            if self.chance.random() < share(taken.variant, shadow):
                self.shadows.send(self._shadowed(taken, shadow, invocation))

    async def _shadowed(self, taken: Taken, shadow: Variant, invocation: Invocation) -> None:
        """A copy that finds no place is dropped; whatever the answer is, it is only noted."""
        watch = Watch()
        with contextlib.suppress(AwsError, ModelRefused):
            copy = self._instance(taken.route, taken.fleet, shadow)
            if not self.instances.take(copy.key):
                return
            try:
                answer = await self._through(copy, invocation, watch)
            except AwsError as error:
                self._count(copy, watch, error)
            else:
                self._count(copy, watch)
                self.captures.keep(copy.route, copy.fleet, shadow, invocation, answer)
            finally:
                self._leave(copy)

    # --- an instance ---

    async def _take(
        self, place: Place, invocation: Invocation, tried: frozenset[str] = frozenset()
    ) -> Taken:
        """A place at an instance of the chosen variant. `_leave` must follow."""
        route, fleet, variant = await self._chosen(place, invocation)
        if variant.serverless:
            return await self._take_serverless(route, variant, invocation, tried)
        taken = self._instance(route, fleet, variant, tried)
        await self._enter(taken, invocation.seconds)
        if not variant.multi_model:
            return taken
        self.multi_models.enter(taken.servers[0], invocation.target_model)
        return replace(taken, target=invocation.target_model)

    def _leave(self, taken: Taken) -> None:
        if taken.target:
            self.multi_models.leave(taken.variant, taken.servers[0], taken.target)
        for server in taken.servers:
            self.instances.leave(server.process_id)
        if taken.line:
            self.instances.leave(taken.line)

    async def _chosen(self, place: Place, invocation: Invocation) -> tuple[Route, Fleet, Variant]:
        route = await self.routes.find(place)
        if route is None:
            raise refusals.invalid(f"Endpoint {place[2]} of account {place[0]} not found.")
        found = route.choose(self.chance, invocation.target_variant)
        if found is None:
            raise refusals.invalid(
                f"Variant {invocation.target_variant} of endpoint {place[2]} not found."
            )
        fleet, variant = found
        if fleet.asynchronous and not invocation.asynchronous:
            raise refusals.invalid(
                f"Endpoint {place[2]} is asynchronous: use InvokeEndpointAsync, not InvokeEndpoint."
            )
        check_targets(variant, invocation)
        return route, fleet, variant

    def _instance(
        self, route: Route, fleet: Fleet, variant: Variant, tried: frozenset[str] = frozenset()
    ) -> Taken:
        """The ready instance with the fewest requests, any of those that have as few; or any."""
        ready = [
            one
            for one in variant.instances
            if all(server.ready for server in one) and one[0].process_id not in tried
        ]
        if not ready:
            raise refusals.unavailable(
                f"No instance of the variant {variant.name} is ready; one is being started"
            )
        if len(ready) > 1 and variant.routing != RANDOM:
            open_ = [self.instances.open(one[0].process_id) for one in ready]
            least = min(open_)
            ready = [one for one, count in zip(ready, open_, strict=True) if count == least]
        servers = ready[0] if len(ready) == 1 else self.chance.choice(ready)
        return Taken(route=route, fleet=fleet, variant=variant, servers=servers)

    async def _enter(self, taken: Taken, seconds: float) -> None:
        if not self.instances.take(taken.key):
            await self._wait(taken, seconds)
        for server in taken.servers[1:]:
            self.instances.take(server.process_id, working=sys.maxsize)

    async def _wait(self, taken: Taken, seconds: float) -> None:
        """For a place, as long as an answer might take."""
        try:
            async with asyncio.timeout(seconds):
                await self.instances.wait(taken.key)
        except Crowded:
            what = f"an instance of the variant {taken.variant.name} has a full queue"
            raise refusals.throttled(what) from None
        except TimeoutError:
            raise _unreachable(taken, taken.servers[0], ModelTimedOut()) from None

    async def _take_serverless(
        self, route: Route, variant: Variant, invocation: Invocation, tried: frozenset[str]
    ) -> Taken:
        """A place at a serverless variant, which may have to be woken first."""
        if len(invocation.body) > SERVERLESS_PAYLOAD:
            raise refusals.invalid(
                f"The payload of {len(invocation.body)} bytes exceeds the {SERVERLESS_PAYLOAD} "
                "bytes of a serverless endpoint"
            )
        line = serverless_key(route.endpoint_id, variant.name)
        most = variant.serverless["MaxConcurrency"]
        if not self.instances.take(line, working=most):
            what = f"the variant {variant.name} has its MaxConcurrency of {most} requests"
            raise refusals.throttled(what)
        try:
            taken = await self._woken(route, variant, invocation, tried)
            await self._enter(taken, invocation.seconds)
        except BaseException:
            self.instances.leave(line)
            raise
        return replace(taken, line=line)

    async def _woken(
        self, route: Route, variant: Variant, invocation: Invocation, tried: frozenset[str]
    ) -> Taken:
        place = (route.account, route.region, route.name)
        try:
            async with asyncio.timeout(invocation.seconds):
                while True:
                    if any(server.ready for server in variant.servers):
                        return self._instance(route, route.fleet, variant, tried)
                    change = self.routes.change(route.endpoint_id)
                    self.hints.hint("endpoint", route.endpoint_id)
                    await change
                    route, _, variant = await self._chosen(
                        place, replace(invocation, target_variant=variant.name)
                    )
        except TimeoutError:
            raise refusals.not_ready(
                f"The serverless variant {variant.name} is still being started."
            ) from None

    # --- its containers ---

    async def _through(self, taken: Taken, invocation: Invocation, watch: Watch) -> ModelAnswer:
        first, *rest = self._containers(taken, invocation)
        answer = await self._ask(taken, first, invocation, watch)
        for server in rest:
            answer = await self._ask(taken, server, passed_on(invocation, answer), watch)
        return answer

    def _count(self, taken: Taken, watch: Watch, error: AwsError | None = None) -> None:
        """For CloudWatch: every request that a model was asked, whatever it answered."""
        status = error.members.get("OriginalStatusCode") if error else HTTPStatus.OK
        if status is not None:
            self.measures.count(taken.route, taken.fleet, taken.variant, watch, status)

    def _containers(self, taken: Taken, invocation: Invocation) -> tuple[Server, ...]:
        if not taken.variant.direct:
            return taken.servers
        for server in taken.servers:
            if _name(taken, server) == invocation.target_container:
                return (server,)
        raise refusals.invalid(f"Container {invocation.target_container} not found.")

    async def _ask(
        self, taken: Taken, server: Server, message: Invocation, watch: Watch
    ) -> ModelAnswer:
        answer = await self._exchange(taken, server, message, watch)
        if answer.status == HTTPStatus.NOT_FOUND and taken.variant.multi_model:
            # The container had unloaded it in the same moment.
            self.multi_models.forget(server, message.target_model)
            answer = await self._exchange(taken, server, message, watch)
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise _refused(taken, server, answer.status, answer.body)
        return answer

    async def _exchange(
        self, taken: Taken, server: Server, message: Invocation, watch: Watch
    ) -> ModelAnswer:
        path = await self._path(taken, server, message)
        began = time.perf_counter()
        try:
            return await self.client.invoke(
                server.port, message.body, message.headers, path=path, seconds=message.seconds
            )
        except ModelRefused:
            raise  # there may be others beside it
        except ModelUnreachable as error:
            raise _unreachable(taken, server, error) from None
        finally:
            watch.models += time.perf_counter() - began

    async def _begun(self, taken: Taken, server: Server, message: Invocation) -> ModelStream:
        """The answer once its head is there."""
        path = await self._path(taken, server, message)
        try:
            answer = await self.client.stream(server.port, message.body, message.headers, path)
        except ModelUnreachable as error:
            raise _unreachable(taken, server, error) from None
        if answer.status < HTTPStatus.BAD_REQUEST:
            return answer
        try:
            said = b"".join([piece async for piece in answer])
        except ConnectionError as error:
            said = str(error).encode()
        finally:
            answer.close()
        raise _refused(taken, server, answer.status, said)

    async def _path(self, taken: Taken, server: Server, message: Invocation) -> str:
        if not taken.variant.multi_model:
            return INVOCATIONS
        return await self.multi_models.path(
            taken.route, taken.variant, server, message.target_model
        )


def serverless_key(endpoint_id: str, variant: str) -> str:
    """The line before all servers of a serverless variant, also while it has none."""
    return f"{endpoint_id}/{variant}"


def _name(taken: Taken, server: Server) -> str:
    return container_name(taken.variant.containers, server)


def _refused(taken: Taken, server: Server, status: int, said: bytes) -> AwsError:
    text = said.decode("utf-8", "replace")
    return refusals.model_error(taken.route, _name(taken, server), status, text)


def _unreachable(taken: Taken, server: Server, error: ModelUnreachable) -> AwsError:
    """What a container that does not answer is for the caller."""
    name = _name(taken, server)
    if isinstance(error, ModelRefused):
        return refusals.unavailable(str(error))
    if isinstance(error, ModelTimedOut):
        said = refusals.TIMED_OUT.format(container=name)
        return refusals.model_error(taken.route, name, 0, said)
    return refusals.model_error(taken.route, name, 500, str(error))
