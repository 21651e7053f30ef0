"""InvokeEndpointAsync: what is accepted is on record, and survives whatever comes."""

import base64
from collections.abc import Mapping
from typing import Any

from flowmaker import ids
from flowmaker.aws.service import Call, Reply
from flowmaker.clock import Clock
from flowmaker.reconcile.hints import Hints
from flowmaker.sagemaker.container.storage import DataError, Location, location
from flowmaker.sagemaker.hosting.refusals import invalid
from flowmaker.sagemaker.hosting.routes import Place, Route, Routes
from flowmaker.sagemaker.records.asynchronous import AsyncRequest
from flowmaker.sagemaker.repository import asynchronous
from flowmaker.store.database import Database


class AsyncInvocations:
    """Accepts requests for the controller."""

    def __init__(self, routes: Routes, database: Database, hints: Hints, clock: Clock) -> None:
        self._routes = routes
        self._database = database
        self._hints = hints
        self._clock = clock

    async def accept(self, call: Call, place: Place) -> Reply:
        """Put it on record, and say where its answer will be."""
        _check(call)
        route = await self._routes.find(place)
        if route is None:
            raise invalid(f"Endpoint {place[2]} of account {place[0]} not found.")
        if not route.fleet.asynchronous:
            raise invalid(
                f"Endpoint {place[2]} is not asynchronous: its configuration has no "
                "AsyncInferenceConfig. Use InvokeEndpoint."
            )
        request_id = ids.new()
        given = _recorded(call) | _locations(route, call.parameters, request_id)
        given.setdefault("InferenceId", ids.new())
        request = AsyncRequest(
            id=request_id,
            endpoint_id=route.endpoint_id,
            created_at=self._clock.now(),
            request=given,
        )
        await self._database.write(asynchronous.add, request)
        self._hints.hint("async_inference", route.endpoint_id)
        told = {name: given.get(name) for name in ("InferenceId", "OutputLocation")}
        return Reply(parameters=told | {"FailureLocation": given.get("FailureLocation") or None})


def _check(call: Call) -> None:
    given = call.parameters
    if bool(given.get("InputLocation")) == bool(given.get("Body")):
        raise invalid("Give either InputLocation or Body")
    if given.get("InputLocation"):
        _location(given["InputLocation"])


def _recorded(call: Call) -> dict[str, Any]:
    given = {name: value for name, value in call.parameters.items() if value is not None}
    if isinstance(body := given.get("Body"), bytes):
        given["Body"] = base64.b64encode(body).decode()
    return given


def _locations(route: Route, asked: Mapping[str, Any], request_id: str) -> dict[str, str]:
    """Where the answer goes, and what the model refuses; empty when nobody wants that."""
    further = asked.get("S3OutputPathExtension") or ""
    name = asked.get("Filename") or f"{request_id}.out"
    output: Mapping[str, Any] = route.fleet.asynchronous["OutputConfig"]
    failures = output.get("S3FailurePath")
    failure = _location(failures).below(f"{request_id}-error.out").uri if failures else ""
    place = _location(output["S3OutputPath"])
    place = place.below(further.strip("/")) if further else place
    return {
        "OutputLocation": place.below(name).uri,
        "FailureLocation": failure,
    }


def _location(uri: str) -> Location:
    try:
        return location(uri)
    except DataError as error:
        raise invalid(str(error)) from None
