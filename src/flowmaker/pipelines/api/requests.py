"""Reading requests: query parameters that are known, bodies that are bounded."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any, NoReturn

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from flowmaker.errors import InvalidInput
from flowmaker.pipelines.api.messages import snake_case
from flowmaker.pipelines.api.status import TooLarge
from flowmaker.pipelines.ir import documents
from flowmaker.pipelines.ir.documents import LIMIT, MEGABYTES

#: What the form around an uploaded file may take.
FORM_OVERHEAD = 64 * 1024
#: A body over the limit is read to its end, up to this, so that its sender gets to see the answer.
DRAINED = 4 * LIMIT
#: Bodies up to this size are parsed where they are: a thread would cost more.
SMALL = 64 * 1024


def parameters(request: Request, known: Iterable[str]) -> dict[str, str]:
    """The query parameters by their snake_case names; one that is not known is an error."""
    found: dict[str, str] = {}
    known = frozenset(known)
    for given, value in request.query_params.multi_items():
        name = snake_case(given)
        if name not in known:
            names = ", ".join(sorted(known)) or "none"
            raise InvalidInput(f"Unknown query parameter {given!r}. Known here: {names}.")
        if name in found:
            raise InvalidInput(f"Query parameter {given!r} is given twice.")
        found[name] = value
    return found


def flag(name: str, value: str) -> bool:
    """A boolean query parameter in the forms that KFP reads; the Python client writes `True`."""
    if value in ("", "0", "f", "F", "FALSE", "false", "False"):
        return False
    if value in ("1", "t", "T", "TRUE", "true", "True"):
        return True
    raise InvalidInput(f"Query parameter {name!r} must be true or false; it is {value!r}.")


async def json_body(request: Request) -> Any:  # noqa: ANN401 - JSON
    """The body, which must be JSON of at most 32 MiB."""
    content = await _read(request, LIMIT)
    if len(content) <= SMALL:
        return _json(content)
    return await asyncio.to_thread(_json, content)


async def uploaded(request: Request) -> tuple[str, bytes]:
    """The name and content of the one file of a form: KFP's field `uploadfile`."""
    content = await _read(request, LIMIT + FORM_OVERHEAD)

    async def stream() -> AsyncIterator[bytes]:
        yield content

    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise InvalidInput("Send the package as multipart/form-data, in the field 'uploadfile'.")
    parser = MultiPartParser(request.headers, stream(), max_files=1, max_fields=0)  # type: ignore[arg-type]
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError) as error:
        raise InvalidInput(f"The form cannot be read: {_why(error)}") from error
    try:
        file = form.get("uploadfile")
        if not isinstance(file, UploadFile):
            raise InvalidInput("The form has no file in the field 'uploadfile'.")
        return file.filename or "", await file.read()
    finally:
        await form.close()


def _why(error: Exception) -> str:
    if isinstance(error, MultiPartException):
        return error.message
    return "its content type names no boundary."


def _json(content: bytes) -> Any:  # noqa: ANN401
    if not content.strip():
        raise InvalidInput("The body is empty; it must be a JSON object.")
    try:
        document = json.loads(content, parse_constant=_no_constant)
    except RecursionError:
        raise documents.too_deep("The body") from None
    except ValueError as error:
        raise InvalidInput(f"The body is not JSON: {error}") from error
    documents.check(document, "The body")
    return document


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not in JSON")


async def _read(request: Request, limit: int) -> bytes:
    content = bytearray()
    seen = 0
    try:
        async for chunk in request.stream():
            seen += len(chunk)
            if seen > DRAINED:
                break
            if seen <= limit:
                content += chunk
    except ClientDisconnect as error:
        raise InvalidInput("The request ended before its body did.") from error
    if seen > limit:
        raise TooLarge(f"The body is larger than {MEGABYTES}, the limit.")
    return bytes(content)
