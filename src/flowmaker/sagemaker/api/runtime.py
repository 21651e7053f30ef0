"""`sagemaker-runtime`: InvokeEndpoint, straight through to a model server."""

import random
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flowmaker.aws.errors import AwsError
from flowmaker.aws.service import Call, Need, Operation, Reply
from flowmaker.ids import arn
from flowmaker.reconcile.hints import Hints
from flowmaker.sagemaker.container.model_client import ModelAnswer, ModelClient, ModelUnreachable
from flowmaker.sagemaker.records.document import decode
from flowmaker.sagemaker.records.hosting import EndpointState, Variant
from flowmaker.sagemaker.records.resource import Kind
from flowmaker.sagemaker.repository import resources
from flowmaker.store.database import Database

#: SageMaker's limit for a payload.
LARGEST_PAYLOAD = 25 * 1024 * 1024
#: Members of the request that a model has nothing to do with here.
REFUSED = (
    "TargetModel",
    "TargetContainerHostname",
    "InferenceComponentName",
    "EnableExplanations",
    "SessionId",
    "PrefixAwareId",
)
SERVING = {"InService", "Updating"}
#: Members that are passed on as headers of the same meaning.
HEADERS = {
    "ContentType": "Content-Type",
    "Accept": "Accept",
    "CustomAttributes": "X-Amzn-SageMaker-Custom-Attributes",
    "InferenceId": "X-Amzn-SageMaker-Inference-Id",
}

Key = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """Where requests to an endpoint go."""

    endpoint_id: str
    arn: str
    variants: tuple[Variant, ...]


class SageMakerRuntimeService:
    """Keeps the routes in memory until a word comes that an endpoint changed."""

    name = "sagemaker-runtime"

    def __init__(
        self,
        *,
        database: Database,
        hints: Hints,
        models: ModelClient,
        chance: random.Random | None = None,
    ) -> None:
        """`models` is the controllers' (`Parts.models`). `chance` weighs the variants."""
        self._database = database
        self._models = models
        self._chance = chance or random.Random()  # noqa: S311 - no secret depends on it
        self._routes: dict[Key, Route] = {}
        #: Counts the words that came: a route read before the last one is not kept.
        self._words = 0
        for topic in ("endpoint", "endpoint_changed"):
            hints.listen(topic, self._forget)

    def operations(self) -> Mapping[str, Operation]:
        return {"InvokeEndpoint": Operation(handler=self._invoke, needs=_needs)}

    async def _invoke(self, call: Call) -> Reply:
        given = call.parameters
        for member in REFUSED:
            if given.get(member):
                raise _invalid(
                    f"InvokeEndpoint: {member} is not supported by Flowmaker. Leave it out."
                )
        route = await self._route(call)
        variant = self._choose(route, given.get("TargetVariant"), call)
        ready = [server for server in variant.servers if server.ready]
        if not ready:
            raise AwsError(
                "ServiceUnavailable",
                f"No instance of the variant {variant.name} is ready; one is being started",
                503,
            )
        server = ready[0] if len(ready) == 1 else self._chance.choice(ready)
        headers = {header: given[member] for member, header in HEADERS.items() if given.get(member)}
        body = await _body(call)
        try:
            answer = await self._models.invoke(server.port, body, headers)
        except ModelUnreachable as error:
            raise _model_error(call, variant, ModelAnswer(status=500), str(error)) from None
        if answer.status >= 400:  # noqa: PLR2004
            said = answer.body.decode("utf-8", "replace")
            raise _model_error(call, variant, answer, said)
        return _reply(variant, answer)

    async def _route(self, call: Call) -> Route:
        key = (call.account, call.region, call.parameters["EndpointName"])
        if route := self._routes.get(key):
            return route
        words = self._words
        endpoint = await self._database.read(
            resources.find, Kind.ENDPOINT, call.account, call.region, key[2]
        )
        if endpoint is None or endpoint.status not in SERVING:
            raise _invalid(f"Endpoint {key[2]} of account {call.account} not found.")
        state = decode(EndpointState, endpoint.state)
        route = Route(endpoint_id=endpoint.id, arn=endpoint.arn, variants=state.variants)
        if words == self._words:
            self._routes[key] = route
        return route

    def _choose(self, route: Route, target: str | None, call: Call) -> Variant:
        if target:
            for variant in route.variants:
                if variant.name == target:
                    return variant
            raise _invalid(
                f"Variant {target} of endpoint {call.parameters['EndpointName']} not found."
            )
        if len(route.variants) == 1:
            return route.variants[0]
        weights = [variant.weight for variant in route.variants]
        return self._chance.choices(route.variants, weights)[0]

    def _forget(self, endpoint_id: str) -> None:
        self._words += 1
        for key, route in list(self._routes.items()):
            if route.endpoint_id == endpoint_id:
                del self._routes[key]


def _invalid(message: str) -> AwsError:
    """A wrong request, as this service says it."""
    return AwsError("ValidationError", message)


async def _body(call: Call) -> bytes:
    """The payload, whether the model of the operation streams it or not."""
    given: Any = call.parameters.get("Body")
    if isinstance(given, bytes):
        body = given
    elif isinstance(given, str):
        body = given.encode()
    else:
        body = await _all(call.body)
    if len(body) > LARGEST_PAYLOAD:
        raise _invalid(f"The payload of {len(body)} bytes exceeds {LARGEST_PAYLOAD} bytes")
    return body


async def _all(stream: AsyncIterator[bytes]) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in stream:
        size += len(part)
        if size > LARGEST_PAYLOAD:
            raise _invalid(f"The payload exceeds {LARGEST_PAYLOAD} bytes")
        parts.append(part)
    return b"".join(parts)


def _reply(variant: Variant, answer: ModelAnswer) -> Reply:
    parameters = {
        "Body": answer.body,
        "ContentType": answer.headers.get("content-type"),
        "InvokedProductionVariant": variant.name,
        "CustomAttributes": answer.headers.get("x-amzn-sagemaker-custom-attributes"),
    }
    return Reply(
        parameters={name: value for name, value in parameters.items() if value is not None}
    )


def _model_error(call: Call, variant: Variant, answer: ModelAnswer, said: str) -> AwsError:
    endpoint = call.parameters["EndpointName"]
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    side = "client" if answer.status < 500 else "server"  # noqa: PLR2004
    return AwsError(
        "ModelError",
        f"Received {side} error ({answer.status}) from {variant.name} with message "
        f'"{said}". See the log group {group} for more information.',
        424,
        OriginalStatusCode=answer.status,
        OriginalMessage=said,
        LogStreamArn=arn("logs", call.region, call.account, f"log-group:{group}"),
    )


async def _needs(call: Call) -> Iterable[Need]:
    name = call.parameters["EndpointName"].lower()
    resource = arn("sagemaker", call.region, call.account, f"endpoint/{name}")
    return [Need(action="sagemaker:InvokeEndpoint", resource=resource)]
