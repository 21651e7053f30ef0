"""The body of a request, read: JSON, YAML or Kubernetes' protobuf."""

from typing import Any

import yaml
from starlette.requests import Request

from flowmaker.errors import InvalidInput
from flowmaker.kubernetes import content, protobuf

#: Bytes of a request at most, as the API server has it.
LARGEST = 3 * 1024 * 1024


async def value(request: Request) -> Any:  # noqa: ANN401 - JSON
    """Whatever it is.

    Raises:
        InvalidInput: it is too long, or nothing that is read here.
    """
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST:
            raise InvalidInput(f"the request is larger than {LARGEST} bytes")
    if request.headers.get("content-type", "").startswith(protobuf.CONTENT_TYPE):
        return protobuf.decode(body)
    try:
        return yaml.safe_load(body)  # JSON is YAML, and an apply patch may be either
    except yaml.YAMLError as error:
        raise InvalidInput(f"the body is neither JSON nor YAML: {error}") from None


async def manifest(request: Request) -> dict[str, Any]:
    """An object.

    Raises:
        InvalidInput: as `value`, or it is no object.
    """
    return dict(content.mapping(await value(request), "the body"))
