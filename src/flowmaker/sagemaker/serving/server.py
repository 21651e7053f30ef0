"""The HTTP side of a model server, as SageMaker's hosting contract has it.

GET /ping                  200 once the model is loaded: the port is not open before
POST /invocations          the prediction
GET /execution-parameters  what a batch transform may ask of it
"""

import asyncio
import gc
import json
import os
import socket
import traceback
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, cast

import uvicorn

from flowmaker.sagemaker.serving.joined import JoinedHttp
from flowmaker.sagemaker.serving.model import Answer, Model, Refused

if TYPE_CHECKING:
    from uvicorn._types import ASGIApplication

Scope = MutableMapping[str, object]
Message = MutableMapping[str, object]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_TEXT = "text/plain; charset=utf-8"

#: A larger body is predicted in a thread, so that /ping is answered meanwhile.
_INLINE_BYTES = 32 * 1024

_MAX_PAYLOAD_MB = 6


def execution_parameters() -> Answer:
    """What SageMaker's batch transform reads where the user gave no settings."""
    parameters = {
        "MaxConcurrentTransforms": os.cpu_count() or 1,
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": _MAX_PAYLOAD_MB,
    }
    return Answer(json.dumps(parameters).encode(), "application/json")


def _header(scope: Scope, name: bytes) -> str:
    headers = cast("list[tuple[bytes, bytes]]", scope["headers"])
    return next((value.decode("latin-1") for key, value in headers if key == name), "")


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError
        parts.append(cast("bytes", message.get("body", b"")))
        if not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def _reply(send: Send, status: HTTPStatus, answer: Answer) -> None:
    headers = [
        (b"content-type", answer.content_type.encode("latin-1")),
        (b"content-length", str(len(answer.body)).encode()),
    ]
    if status == HTTPStatus.NO_CONTENT:
        headers = []
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


class ModelServer:
    """An ASGI application around one model."""

    def __init__(self, model: Model, inline_bytes: int = _INLINE_BYTES) -> None:
        """A body of more than `inline_bytes` is predicted in a thread."""
        self._model = model
        self._inline_bytes = inline_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        status, answer = HTTPStatus.OK, Answer(b"", _TEXT)
        try:
            answer = await self._answer(scope, receive)
            if not answer.body and scope["path"] == "/invocations":
                status = HTTPStatus.NO_CONTENT
        except ConnectionResetError:
            return
        except Refused as refusal:
            status, answer = refusal.status, Answer(str(refusal).encode(), _TEXT)
            print(f"{int(status)} {scope['path']}: {refusal}", flush=True)  # noqa: T201 - the log
        except Exception as error:  # noqa: BLE001 - the model's own failure, told to its caller
            traceback.print_exc()
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            answer = Answer(f"{type(error).__name__}: {error}".encode(), _TEXT)
        await _reply(send, status, answer)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        route = (scope["method"], scope["path"])
        if route == ("GET", "/ping"):
            return Answer(b"", _TEXT)
        if route == ("GET", "/execution-parameters"):
            return execution_parameters()
        if route != ("POST", "/invocations"):
            raise Refused(
                HTTPStatus.NOT_FOUND, f"There is no {scope['method']} {scope['path']} here."
            )
        return await predicted(self._model, scope, receive, self._inline_bytes)


async def predicted(
    model: Model, scope: Scope, receive: Receive, inline_bytes: int = _INLINE_BYTES
) -> Answer:
    """What the model makes of a request."""
    body = await _body(receive)
    if not body:
        return Answer(b"", _TEXT)
    content_type, accept = _header(scope, b"content-type"), _header(scope, b"accept")
    if len(body) <= inline_bytes:
        return model.predict(body, content_type, accept)
    return await asyncio.to_thread(model.predict, body, content_type, accept)


class MultiModelServer(ModelServer):
    """One around models that come and go, as SageMaker's contract for several models has it.

    POST /models               loads {"model_name", "url"}: 409 when there is one of that name
    GET /models[/{name}]       says what is loaded
    DELETE /models/{name}      unloads it
    POST /models/{name}/invoke the prediction
    """

    def __init__(self, load: Callable[[Path], Model], inline_bytes: int = _INLINE_BYTES) -> None:
        """`load` gives the model of a folder; what it raises is the answer to a POST."""
        self._load = load
        self._inline_bytes = inline_bytes
        self._models: dict[str, tuple[str, Model]] = {}

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        method, path = cast("str", scope["method"]), cast("str", scope["path"])
        match (method, *path.strip("/").split("/")):
            case ("GET", "ping"):
                return Answer(b"", _TEXT)
            case ("POST", "models"):
                return await self._loaded(json.loads(await _body(receive)))
            case ("GET", "models"):
                return _json({"models": [self._about(name) for name in self._models]})
            case ("GET", "models", name):
                self._find(name)
                return _json(self._about(name))
            case ("DELETE", "models", name):
                self._find(name)
                del self._models[name]
                return _json({"status": f"{name} is unloaded"})
            case ("POST", "models", name, "invoke"):
                return await predicted(self._find(name), scope, receive, self._inline_bytes)
            case _:
                raise Refused(HTTPStatus.NOT_FOUND, f"There is no {method} {path} here.")

    async def _loaded(self, wanted: dict[str, str]) -> Answer:
        name, url = wanted["model_name"], wanted["url"]
        if name in self._models:
            raise Refused(HTTPStatus.CONFLICT, f"{name} is loaded already.")
        try:
            model = await asyncio.to_thread(self._load, Path(url))
        except MemoryError:
            raise Refused(HTTPStatus.INSUFFICIENT_STORAGE, "There is no memory left.") from None
        self._models[name] = (url, model)
        return _json({"status": f"{name} is loaded"})

    def _find(self, name: str) -> Model:
        if name not in self._models:
            raise Refused(HTTPStatus.NOT_FOUND, f"There is no model {name} here.")
        return self._models[name][1]

    def _about(self, name: str) -> dict[str, str]:
        return {"modelName": name, "modelUrl": self._models[name][0]}


def _json(value: object) -> Answer:
    return Answer(json.dumps(value).encode(), "application/json")


def serves_several() -> bool:
    """The endpoint is a multi-model endpoint."""
    return os.environ.get("SAGEMAKER_MULTI_MODEL", "").lower() == "true"


def serve_several(load: Callable[[Path], Model], *, inline_bytes: int = _INLINE_BYTES) -> None:
    """Serves models that are loaded when they are asked for, until SIGTERM."""
    _serve(MultiModelServer(load, inline_bytes))


def serve(model: Model, *, inline_bytes: int = _INLINE_BYTES) -> None:
    """Serves until SIGTERM, on this machine alone: what is in front of it is the endpoint."""
    _serve(ModelServer(model, inline_bytes))


def _serve(app: ModelServer) -> None:
    port = int(os.environ.get("SAGEMAKER_BIND_TO_PORT") or 8080)
    config = uvicorn.Config(
        cast("ASGIApplication", app),
        http=JoinedHttp,
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
    )
    # The model stays: nobody need look through it for garbage, again and again.
    gc.freeze()
    with socket.create_server(("127.0.0.1", port)) as listening:
        print(f"Serving on 127.0.0.1:{port}", flush=True)  # noqa: T201 - the log
        uvicorn.Server(config).run(sockets=[listening])
