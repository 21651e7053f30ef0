"""AWS for the web interface: every operation as JSON, an object's bytes, an endpoint's answer.

`POST /ui/aws/SERVICE/OPERATION` takes and gives what boto3's method of that operation does.
"""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from flowmaker.aws.inside import Asked, Inside
from flowmaker.aws.service import Answer, Reply
from flowmaker.errors import InvalidInput
from flowmaker.web.answers import json_response
from flowmaker.web.session import Session

#: An object that is shown may be a page: it runs apart from ours, and reaches nothing.
_SANDBOX = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; frame-ancestors 'self'"
)


class AwsRoutes:
    """The routes that act for the owner of the data folder."""

    def __init__(self, inside: Inside, session: Session) -> None:
        self._inside = inside
        self._session = session

    def routes(self) -> list[Route]:
        return [
            Route(
                "/ui/aws/{service}/{operation}", self._session.guarding(self.call), methods=["POST"]
            ),
            Route("/ui/objects", self._session.guarding(self.show), methods=["GET"]),
            Route("/ui/objects", self._session.guarding(self.store), methods=["PUT"]),
            Route(
                "/ui/endpoints/{name}/invocations",
                self._session.guarding(self.invoke),
                methods=["POST"],
            ),
        ]

    async def call(self, request: Request) -> Response:
        given = request.path_params
        parameters = await _json_object(request)
        asked = Asked(
            service=given["service"],
            operation=given["operation"],
            parameters=parameters,
        )
        return json_response(_parameters(await self._inside.call(asked)))

    async def show(self, request: Request) -> Response:
        """An object's bytes (`?uri=s3://…`), or the `Range` of them; `?download`: as a file."""
        place = place_of(request)
        span = {"Range": request.headers["range"]} if "range" in request.headers else {}
        reply = await self._inside.call(
            Asked(service="s3", operation="GetObject", parameters={**place, **span})
        )
        assert isinstance(reply, Reply)
        said = {
            "Content-Security-Policy": _SANDBOX,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }
        if "download" in request.query_params:
            name = place["Key"].rstrip("/").rpartition("/")[2].replace('"', "")
            said["Content-Disposition"] = f'attachment; filename="{name}"'
        if "ContentRange" in reply.parameters:
            said["Content-Range"] = reply.parameters["ContentRange"]
        kind = request.query_params.get("type") or reply.parameters.get("ContentType")
        return StreamingResponse(
            pieces_of(reply), status_code=reply.status or 200, headers=said, media_type=kind
        )

    async def store(self, request: Request) -> Response:
        """Writes the request's body to `?uri=s3://…`."""
        length = request.headers.get("content-length", "")
        if not length.isdecimal():
            raise InvalidInput("The Content-Length header is missing.")
        kind = {"ContentType": request.headers.get("content-type", "application/octet-stream")}
        asked = Asked(
            service="s3",
            operation="PutObject",
            parameters={**place_of(request), **kind, "ContentLength": int(length)},
            body=request.stream(),
            headers={"content-length": length},
        )
        return json_response(_parameters(await self._inside.call(asked)))

    async def invoke(self, request: Request) -> Response:
        """What an endpoint answers to the request's body."""
        parameters = {
            "EndpointName": request.path_params["name"],
            "ContentType": request.headers.get("content-type", "text/csv"),
            "Accept": request.headers.get("accept", "*/*"),
            "Body": await request.body(),
        }
        variant = request.query_params.get("variant", "")
        if variant:
            parameters["TargetVariant"] = variant
        reply = await self._inside.call(
            Asked(service="sagemaker-runtime", operation="InvokeEndpoint", parameters=parameters)
        )
        found = _parameters(reply)
        headers = {
            "X-Invoked-Variant": str(found.get("InvokedProductionVariant", "")),
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox",
        }
        kind = str(found.get("ContentType") or "text/plain")
        return Response(found.get("Body", b""), headers=headers, media_type=kind)


async def _json_object(request: Request) -> dict[str, Any]:
    try:
        found: Any = json.loads(await request.body() or b"{}")
    except ValueError as problem:
        raise InvalidInput(f"The parameters are no JSON: {problem}") from None
    if not isinstance(found, dict):
        raise InvalidInput("The parameters must be a JSON object.")
    return cast("dict[str, Any]", found)


def _parameters(answer: Answer) -> Mapping[str, Any]:
    if isinstance(answer, Reply):
        return answer.parameters
    return answer or {}


def place_of(request: Request) -> dict[str, str]:
    """The bucket and the key of `?uri=`.

    Raises:
        InvalidInput: it names no object.
    """
    uri = request.query_params.get("uri", "")
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not bucket or not key:
        raise InvalidInput(f"?uri= must be s3://BUCKET/KEY; it is {uri!r}.")
    return {"Bucket": bucket, "Key": key}


async def pieces_of(reply: Reply) -> AsyncIterator[bytes]:
    """An object's bytes, as they come."""
    body = reply.body
    if body is None:
        return
    if isinstance(body, bytes):
        yield body
        return
    async for piece in body:
        yield piece
