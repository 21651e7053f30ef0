"""The door of S3 for the pages of other origins: preflights, and what browsers are told.

A preflight has no signature and reveals no more than what a bucket allows to pages. The request
that follows is checked as any other: the rules let a browser read an answer, they permit nothing.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from flowmaker import ids
from flowmaker.aws.auth import anonymous, forms, signatures
from flowmaker.aws.errors import AwsError
from flowmaker.aws.protocol.asgi import Receive, Receiver, Send, send_response
from flowmaker.aws.protocol.errors import Place, error_response
from flowmaker.aws.protocol.request import Request, from_scope
from flowmaker.aws.protocol.response import Response
from flowmaker.aws.protocol.target import ObjectPath, object_path
from flowmaker.aws.s3 import cors
from flowmaker.objects.disk import DiskObjectStore

App = Callable[[Mapping[str, Any], Receive, Send], Awaitable[None]]


class CrossOrigin:
    """An ASGI application around the gateway's."""

    def __init__(self, inner: App, store: DiskObjectStore) -> None:
        self._inner = inner
        self._store = store

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if all(name != b"origin" for name, _ in scope["headers"]):
            await self._inner(scope, receive, send)
            return
        request = from_scope(scope)
        if request.method == "OPTIONS":
            response = await self._preflight(request)
            await send_response(response, request.method, Receiver(receive, request), send)
        else:
            await self._inner(scope, receive, _telling(await self._allowed(request), send))

    async def _preflight(self, request: Request) -> Response:
        place = Place(
            service="s3",
            protocol="rest-xml",
            request_id=ids.new(),
            method=request.method,
            path=request.path,
        )
        try:
            return Response(headers=await self._answer(request))
        except AwsError as error:
            return error_response(error, place)

    async def _answer(self, request: Request) -> dict[str, str]:
        method = request.headers.get("access-control-request-method", "")
        if not method:
            message = "Invalid Access-Control-Request-Method: null"
            raise AwsError("BadRequest", message)
        target = _target(request)
        bucket = await self._store.bucket(target.bucket)
        is_object = bool(target.key)
        if bucket is None:
            raise cors.forbidden(cors.NOT_FOUND, method, is_object=is_object)
        text = bucket.configurations.get(cors.CORS)
        if text is None:
            raise cors.forbidden(cors.NOT_ENABLED, method, is_object=is_object)
        origin, headers = request.headers["origin"], _asked(request)
        rule = cors.rule_for(_rules(text), origin, method, headers)
        if rule is None:
            raise cors.forbidden(cors.NOT_ALLOWED, method, is_object=is_object)
        return cors.answer(rule, origin, headers)

    async def _allowed(self, request: Request) -> Mapping[str, str]:
        """What is said beside the answer of S3; of other services, nothing."""
        try:
            if not forms.is_form(request) and signatures.read(request).scope.service != "s3":
                return {}
            bucket = await self._store.bucket(_target(request).bucket)
        except AwsError:  # the gateway says what is wrong with the request
            return {}
        text = bucket.configurations.get(cors.CORS) if bucket else None
        if text is None:
            return {}
        origin = request.headers["origin"]
        rule = cors.rule_for(_rules(text), origin, request.method)
        return cors.answer(rule, origin) if rule else {}


def _target(request: Request) -> ObjectPath:
    return object_path(
        anonymous.in_s3(request) if request.path.startswith(f"{anonymous.PREFIX}/") else request
    )


def _rules(text: str) -> list[cors.Rule]:
    return json.loads(text)["CORSConfiguration"]["CORSRules"]


def _asked(request: Request) -> list[str]:
    value = request.headers.get("access-control-request-headers", "")
    return [name.strip() for name in value.split(",") if name.strip()]


def _telling(headers: Mapping[str, str], send: Send) -> Send:
    """`send`, which adds the headers to those of the answer."""
    more = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]

    async def telling(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *more]}
        await send(message)

    return telling if more else send
