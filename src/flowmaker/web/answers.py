"""Answers of the web interface's own routes: JSON, and errors in one form."""

import json
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from flowmaker.aws.errors import AwsError
from flowmaker.errors import FlowmakerError, NotFound

_log = logging.getLogger(__name__)

Endpoint = Callable[[Request], Awaitable[Response]]


def json_response(content: object, status: int = 200) -> Response:
    """Times are written in ISO 8601, and bytes as the text that they are."""
    body = json.dumps(content, default=_plain, separators=(",", ":"))
    return Response(body, status, media_type="application/json")


def error(status: int, code: str, message: str) -> Response:
    return json_response({"code": code, "message": message}, status)


def answering(endpoint: Endpoint) -> Endpoint:
    """An endpoint whose errors are answers, in the words of whoever raised them."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except AwsError as failure:
            return error(failure.status, failure.code, failure.message)
        except FlowmakerError as failure:
            status = 404 if isinstance(failure, NotFound) else 400
            return error(status, type(failure).__name__, failure.message)
        except Exception:  # noqa: BLE001 - logged, and no traceback reaches a browser
            _log.exception("%s %s", request.method, request.url.path)
            said = "Something went wrong inside Flowmaker; its log says what."
            return error(500, "InternalFailure", said)

    return answer


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever JSON has no word for
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    raise TypeError(f"{type(value).__name__} has no form in JSON")
