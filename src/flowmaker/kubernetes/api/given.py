"""The parameters of a request, read."""

from starlette.requests import Request

from flowmaker.errors import InvalidInput


def flag(request: Request, name: str) -> bool:
    return request.query_params.get(name, "false") not in ("false", "0", "")


def number(name: str, text: str) -> int:
    """Raises InvalidInput."""
    if not text.isdecimal():
        raise InvalidInput(f"the parameter {name} must be a number, not {text!r}")
    return int(text)


def wants_table(request: Request) -> bool:
    """Whether it asks for what `kubectl get` prints."""
    return "as=Table" in request.headers.get("accept", "")
