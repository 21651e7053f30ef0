"""`sagemaker-runtime`: InvokeEndpoint in its three forms, straight through to a model server."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack
from typing import Any

from flowmaker.aws.service import Call, Need, Operation, Reply
from flowmaker.ids import arn
from flowmaker.sagemaker.api.asynchronous import AsyncInvocations
from flowmaker.sagemaker.hosting.invocations import HEADERS, Invocation
from flowmaker.sagemaker.hosting.refusals import invalid
from flowmaker.sagemaker.hosting.router import Router
from flowmaker.sagemaker.hosting.routes import Place
from flowmaker.sagemaker.records.hosting import Variant

#: SageMaker's limit for a payload.
LARGEST_PAYLOAD = 25 * 1024 * 1024
#: Members of the request that a model has nothing to do with here.
REFUSED = ("InferenceComponentName", "EnableExplanations", "SessionId", "PrefixAwareId")


class SageMakerRuntimeService:
    """The operations on endpoints' models."""

    name = "sagemaker-runtime"

    def __init__(self, router: Router, asynchronous: AsyncInvocations) -> None:
        """`router` is the controllers' too."""
        self._router = router
        self._asynchronous = asynchronous

    def operations(self) -> Mapping[str, Operation]:
        return {
            "InvokeEndpoint": Operation(handler=self._invoke, needs=_needs),
            "InvokeEndpointAsync": Operation(handler=self._accept, needs=_needs),
            "InvokeEndpointWithResponseStream": Operation(handler=self._stream, needs=_needs),
        }

    async def _invoke(self, call: Call) -> Reply:
        invocation = await _invocation(call)
        answered = await self._router.invoke(place(call), invocation)
        answer = answered.answer
        return Reply(parameters={"Body": answer.body} | _about(answered.variant, answer.headers))

    async def _accept(self, call: Call) -> Reply:
        return await self._asynchronous.accept(call, place(call))

    async def _stream(self, call: Call) -> Reply:
        """The answer's pieces as events. What fails before the first piece is an error as usual."""
        invocation = await _invocation(call)
        async with AsyncExitStack() as stack:
            streamed = await stack.enter_async_context(self._router.stream(place(call), invocation))
            about = _about(streamed.variant, streamed.answer.headers)
            return Reply(parameters=about, events=_events(streamed.answer, stack.pop_all()))
        raise AssertionError("a stack swallows nothing")


def place(call: Call) -> Place:
    return (call.account, call.region, call.parameters["EndpointName"])


async def _invocation(call: Call) -> Invocation:
    given = call.parameters
    for member in REFUSED:
        if given.get(member):
            raise invalid(
                f"{call.operation}: {member} is not supported by Flowmaker. Leave it out."
            )
    return Invocation(
        body=await _body(call),
        headers={header: given[member] for member, header in HEADERS.items() if given.get(member)},
        target_variant=given.get("TargetVariant", ""),
        target_model=given.get("TargetModel", ""),
        target_container=given.get("TargetContainerHostname", ""),
    )


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
        raise invalid(f"The payload of {len(body)} bytes exceeds {LARGEST_PAYLOAD} bytes")
    return body


async def _all(stream: AsyncIterator[bytes]) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in stream:
        size += len(part)
        if size > LARGEST_PAYLOAD:
            raise invalid(f"The payload exceeds {LARGEST_PAYLOAD} bytes")
        parts.append(part)
    return b"".join(parts)


def _about(variant: Variant, headers: Mapping[str, str]) -> dict[str, Any]:
    parameters = {
        "ContentType": headers.get("content-type"),
        "InvokedProductionVariant": variant.name,
        "CustomAttributes": headers.get("x-amzn-sagemaker-custom-attributes"),
    }
    return {name: value for name, value in parameters.items() if value is not None}


async def _events(
    pieces: AsyncIterable[bytes], stack: AsyncExitStack
) -> AsyncIterator[tuple[str, Mapping[str, Any]]]:
    """Each piece as an event; the instance has its place back when the last one is gone."""
    async with stack:
        try:
            async for piece in pieces:
                yield "PayloadPart", {"Bytes": piece}
        except ConnectionError as error:
            yield (
                "ModelStreamError",
                {"Message": f"The model's answer broke off: {error}", "ErrorCode": "StreamBroken"},
            )


async def _needs(call: Call) -> Iterable[Need]:
    name = call.parameters["EndpointName"].lower()
    resource = arn("sagemaker", call.region, call.account, f"endpoint/{name}")
    return [Need(action=f"sagemaker:{call.operation}", resource=resource)]
