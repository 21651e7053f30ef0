"""Calls of AWS operations that come from the server itself, without a signature.

Its web interface makes them as its user, and its pipelines as their roles. They pass the same
validation and the same permissions as calls that come over the wire.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

from flowmaker import ids
from flowmaker.aws.errors import AwsError
from flowmaker.aws.identity import Authorizer
from flowmaker.aws.protocol import models
from flowmaker.aws.protocol.models import ListShape, MapShape, Shape, Structure
from flowmaker.aws.protocol.parse_json import join, parse_value
from flowmaker.aws.protocol.scalars import parse_timestamp
from flowmaker.aws.protocol.validate import validate
from flowmaker.aws.service import Answer, Call, Principal, Service

#: What a text may stand for.
_NUMBERS = frozenset({"integer", "long", "float", "double", "boolean"})


async def _nothing() -> AsyncIterator[bytes]:
    for piece in ():
        yield piece


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """An operation with its parameters, as in botocore's model of its input."""

    service: str
    operation: str
    parameters: dict[str, Any] = field(default_factory=dict[str, Any])
    #: The payload of an operation with a streaming input.
    body: AsyncIterator[bytes] | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    #: The parameters are JSON with values from elsewhere, as pipelines have them: a number where
    #: the model says text becomes text, and the other way round; nothing else is let pass.
    converted: bool = False


class Inside:
    """Every operation of the services that it is given, as one principal."""

    def __init__(
        self,
        services: Sequence[Service],
        authorizer: Authorizer,
        *,
        principal: Principal,
        region: str,
        endpoint: str,
    ) -> None:
        self._services = services
        self._operations = {service.name: service.operations() for service in services}
        self._authorizer = authorizer
        self._principal = principal
        self._region = region
        self._endpoint = endpoint

    def acting_as(self, principal: Principal, region: str) -> "Inside":
        """The same operations, as another principal."""
        return Inside(
            self._services,
            self._authorizer,
            principal=principal,
            region=region,
            endpoint=self._endpoint,
        )

    async def call(self, asked: Asked) -> Answer:
        """What the operation answers, as in the model of its output.

        Raises:
            AwsError: as over the wire.
        """
        operations = self._operations.get(asked.service, {})
        operation = operations.get(asked.operation)
        if operation is None:
            message = f"Flowmaker does not support {asked.operation} of {asked.service}."
            raise AwsError("NotImplemented", message, 501)
        model = models.loaded(asked.service) or await asyncio.to_thread(models.load, asked.service)
        described = model.operation_model(asked.operation)
        shape = described.input_shape
        typed = _converted if asked.converted else _typed
        parameters = typed(shape, asked.parameters, "") if shape else asked.parameters
        validate(model, described, parameters)
        call = Call(
            service=asked.service,
            operation=asked.operation,
            parameters=parameters,
            principal=self._principal,
            region=self._region,
            request_id=ids.new(),
            body=asked.body if asked.body is not None else _nothing(),
            headers=asked.headers,
            endpoint=self._endpoint,
        )
        needs = list(await operation.needs(call))
        await self._authorizer.check(call.principal, needs, region=call.region)
        return await operation.handler(call)


def _converted(shape: Shape, value: Any, where: str) -> Any:  # noqa: ANN401 - JSON
    """As a client's JSON, with scalars that may be of another type than the model says.

    Raises:
        AwsError: it is not what the model says.
    """
    return parse_value(shape, _fitted(shape, value), where)


def _fitted(shape: Shape, value: Any) -> Any:  # noqa: ANN401 - JSON
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        members = cast("Structure", shape).members
        return {
            name: _fitted(members[name], item) if name in members else item
            for name, item in cast("dict[str, Any]", value).items()
        }
    if kind == "map" and isinstance(value, dict):
        inner = cast("MapShape", shape).value
        return {name: _fitted(inner, item) for name, item in cast("dict[str, Any]", value).items()}
    if kind == "list" and isinstance(value, list):
        member = cast("ListShape", shape).member
        return [_fitted(member, item) for item in cast("list[Any]", value)]
    if kind == "string" and isinstance(value, int | float):
        return json.dumps(value)
    if kind in _NUMBERS and isinstance(value, str):
        with suppress(ValueError):
            return json.loads(value)
    return value


def _typed(shape: Shape, value: Any, where: str) -> Any:  # noqa: ANN401 - JSON
    """What JSON has no types for: times, which are texts in it. All else is left as it is."""
    if shape.type_name == "timestamp" and isinstance(value, str):
        return parse_timestamp(value, where, "iso8601")
    if shape.type_name == "list" and isinstance(value, list):
        member = cast("ListShape", shape).member
        return [_typed(member, item, where) for item in cast("list[Any]", value)]
    if shape.type_name == "structure" and isinstance(value, dict):
        members = cast("Structure", shape).members
        return {
            name: _typed(members[name], item, join(where, name)) if name in members else item
            for name, item in cast("dict[str, Any]", value).items()
        }
    return value
