"""Errors as Kubernetes words them: an object of the kind Status."""

from typing import Any

from starlette.responses import JSONResponse

from flowmaker import errors
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
    return JSONResponse(
        {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "details": details,
            "code": code,
        },
        status_code=code,
    )


def from_error(error: errors.FlowmakerError, **details: Any) -> JSONResponse:  # noqa: ANN401
    """The Status of one of Flowmaker's errors."""
    for type_, code, reason in _FORMS:
        if isinstance(error, type_):
            return failure(code, reason, error.message, **details)
    return failure(500, "InternalError", error.message, **details)


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
