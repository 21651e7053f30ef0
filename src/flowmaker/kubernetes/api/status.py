"""Errors as Kubernetes words them: an object of the kind Status."""

from typing import Any

from starlette.responses import JSONResponse

from flowmaker import errors
from flowmaker.kubernetes.ownership import FieldConflict
from flowmaker.kubernetes.records import Immutable

_FORMS: tuple[tuple[type[Exception], int, str], ...] = (
    (errors.NotFound, 404, "NotFound"),
    (errors.AlreadyExists, 409, "AlreadyExists"),
    (errors.FailedPrecondition, 409, "Conflict"),
    (Immutable, 422, "Invalid"),
    (errors.InvalidInput, 400, "BadRequest"),
    (errors.PermissionDenied, 403, "Forbidden"),
)


def failure(code: int, reason: str, message: str, **details: Any) -> JSONResponse:  # noqa: ANN401
    """A Status that says what failed."""
    return JSONResponse(told(code, reason, message, **details), status_code=code)


def told(code: int, reason: str, message: str, **details: Any) -> dict[str, Any]:  # noqa: ANN401
    """The Status as it is written, for an answer or an event of a watch."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "details": details,
        "code": code,
    }


def from_error(error: errors.FlowmakerError, **details: Any) -> JSONResponse:  # noqa: ANN401
    """The Status of one of Flowmaker's errors."""
    if isinstance(error, FieldConflict):
        details["causes"] = [
            {
                "reason": "FieldManagerConflict",
                "message": f'conflict with "{manager}" using v1',
                "field": field,
            }
            for manager, field in error.causes
        ]
    for type_, code, reason in _FORMS:
        if isinstance(error, type_):
            return failure(code, reason, error.message, **details)
    return failure(500, "InternalError", error.message, **details)


def expired(message: str) -> JSONResponse:
    """What a client knows is too long ago to go on from: it lists anew."""
    return failure(410, "Expired", message)


def no_watch_list() -> JSONResponse:
    """client-go goes on without `sendInitialEvents`, told so."""
    message = "sendInitialEvents: Forbidden: there is no WatchList here: list, then watch"
    return failure(422, "Invalid", message)


def success(name: str, plural: str, uid: str) -> JSONResponse:
    """The Status that a deletion answers with."""
    return JSONResponse(
        {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "details": {"name": name, "kind": plural, "uid": uid},
        }
    )
