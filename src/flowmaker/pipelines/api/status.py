"""Errors as KFP writes them: google.rpc.Status with the HTTP status that goes with its code.

This is the one place where an exception becomes an answer. No traceback leaves it.
"""

import logging
from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from flowmaker.errors import (
    AlreadyExists,
    FailedPrecondition,
    FlowmakerError,
    InvalidInput,
    NotFound,
    PermissionDenied,
    Unavailable,
)

logger = logging.getLogger(__name__)


class TooLarge(FlowmakerError):  # noqa: N818 - the protocol's own words
    """The body is over the limit."""


class Unauthenticated(FlowmakerError):  # noqa: N818
    """The request does not say whose it is."""


class Unimplemented(FlowmakerError):  # noqa: N818
    """KFP has this operation, Flowmaker does not (yet)."""


#: google.rpc.Code and HTTP status, the nearest class first.
_CODES: tuple[tuple[type[Exception], int, int], ...] = (
    (InvalidInput, 3, 400),
    (TooLarge, 3, 413),
    (NotFound, 5, 404),
    (AlreadyExists, 6, 409),
    (PermissionDenied, 7, 403),
    (FailedPrecondition, 9, 400),
    (Unimplemented, 12, 501),
    (Unavailable, 14, 503),
    (Unauthenticated, 16, 401),
)
INTERNAL = (13, 500)

_NAMES = {
    3: "INVALID_ARGUMENT",
    5: "NOT_FOUND",
    6: "ALREADY_EXISTS",
    7: "PERMISSION_DENIED",
    9: "FAILED_PRECONDITION",
    12: "UNIMPLEMENTED",
    13: "INTERNAL",
    14: "UNAVAILABLE",
    16: "UNAUTHENTICATED",
}

Endpoint = Callable[[Request], Awaitable[Response]]


def answering(endpoint: Endpoint) -> Endpoint:
    """An endpoint that answers its errors as google.rpc.Status."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Exception as error:  # noqa: BLE001 - the caller gets an answer, the log the rest
            code, http, message = _explained(error, request)
            return status(code, http, message)

    return answer


def answering_upload(endpoint: Endpoint) -> Endpoint:
    """An endpoint that answers its errors as KFP's two upload routes do."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Exception as error:  # noqa: BLE001 - as above
            code, http, message = _explained(error, request)
            return JSONResponse(
                {"error_message": message, "error_details": f"{_NAMES[code]}: {message}"},
                status_code=http,
            )

    return answer


def status(code: int, http: int, message: str) -> Response:
    """A google.rpc.Status in the form of KFP's gateway."""
    detail = {"@type": "type.googleapis.com/google.rpc.Status", "code": code, "message": message}
    return JSONResponse({"code": code, "message": message, "details": [detail]}, status_code=http)


async def no_route(request: Request, error: Exception) -> Response:
    """What the router raises for a path or a method that the API does not have."""
    assert isinstance(error, HTTPException)
    path = request.url.path
    if error.status_code == 405:  # noqa: PLR2004 - Method Not Allowed
        return status(12, 501, f"{request.method} {path}: the API has no such method here.")
    return status(5, 404, f"{path}: the API has no such path.")


def _explained(error: Exception, request: Request) -> tuple[int, int, str]:
    if isinstance(error, FlowmakerError):
        for kind, code, http in _CODES:
            if isinstance(error, kind):
                return code, http, error.message
    logger.error("%s %s", request.method, request.url.path, exc_info=error)
    return (*INTERNAL, "Something went wrong inside Flowmaker; its log says what.")
