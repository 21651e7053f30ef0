"""A browser's form, read while it comes: its fields first, then its file piece by piece.

What stands behind the file is read and left out, as S3 does.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from email.message import Message

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser

from flowmaker.aws.errors import AwsError
from flowmaker.aws.protocol.request import Request

#: Bytes of all that comes before the file, as S3 limits it.
_BEFORE_FILE = 20 * 1024
FILE = "file"


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """What came before the file, and the file, which is read once."""

    #: Names in lower case.
    fields: Mapping[str, str]
    #: As the browser names it, without its folder; empty where it does not.
    file_name: str
    file: AsyncIterator[bytes]


def is_form(request: Request) -> bool:
    """Whether a request is a browser's form, which has its signature inside, if any."""
    content = request.headers.get("content-type", "").lower()
    signed = "authorization" in request.headers
    return request.method == "POST" and not signed and content.startswith("multipart/form-data")


async def read(raw: AsyncIterator[bytes], content_type: str) -> Form:
    """The form of a body, read as far as its file.

    Raises:
        AwsError: it is no form, its fields are too long, or it has no file.
    """
    parts = _Parts(_boundary(content_type))
    before = 0
    async for piece in raw:
        parts.feed(piece)
        if parts.has_file:
            break
        before += len(piece)
        if before > _BEFORE_FILE:
            raise _too_long()
    if not parts.has_file:
        parts.finish()
        message = "POST requires exactly one file upload per request."
        raise AwsError("InvalidArgument", message, ArgumentName=FILE, ArgumentValue="0")
    if sum(len(name) + len(value) for name, value in parts.fields.items()) > _BEFORE_FILE:
        raise _too_long()
    return Form(fields=parts.fields, file_name=parts.file_name, file=_rest(parts, raw))


async def _rest(parts: "_Parts", raw: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The file: what came of it with the fields, and what still comes."""
    yield parts.taken()
    async for piece in raw:
        parts.feed(piece)
        if content := parts.taken():
            yield content
    parts.finish()


def _boundary(content_type: str) -> bytes:
    message = Message()
    message["content-type"] = content_type
    boundary = message.get_boundary("")
    if not boundary:
        raise _malformed()
    return boundary.encode("latin-1", "replace")


def _malformed() -> AwsError:
    message = "The body of your POST request is not well-formed multipart/form-data."
    return AwsError("MalformedPOSTRequest", message)


def _too_long() -> AwsError:
    message = "Your POST request fields preceding the upload file were too large."
    return AwsError(
        "MaxPostPreDataLengthExceededError", message, MaxPostPreDataLengthBytes=_BEFORE_FILE
    )


@dataclass(slots=True)
class _Part:
    """One part on its way."""

    headers: dict[str, str] = field(default_factory=dict[str, str])
    content: bytearray = field(default_factory=bytearray)
    name: str = ""


class _Parts:
    """The parts of a form, as the parser tells of them."""

    def __init__(self, boundary: bytes) -> None:
        self.fields: dict[str, str] = {}
        self.file_name = ""
        self.has_file = False
        self._part = _Part()
        self._in_file = False
        self._ended = False
        self._file = bytearray()
        self._header, self._value = bytearray(), bytearray()
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": lambda data, start, end: self._header.extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
                "on_header_end": self._end_header,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_end": self._all,
            },
        )

    def feed(self, piece: bytes) -> None:
        try:
            self._parser.write(piece)
        except MultipartParseError:
            raise _malformed() from None

    def finish(self) -> None:
        if not self._ended:
            raise _malformed()

    def taken(self) -> bytes:
        """What has come of the file since this was asked last."""
        content = bytes(self._file)
        self._file.clear()
        return content

    def _begin(self) -> None:
        self._part = _Part()

    def _end_header(self) -> None:
        name = self._header.decode("latin-1").lower()
        self._part.headers[name] = self._value.decode("utf-8", "replace")
        self._header.clear()
        self._value.clear()

    def _headers_finished(self) -> None:
        disposition = Message()
        disposition["content-disposition"] = self._part.headers.get("content-disposition", "")
        said = dict(disposition.get_params([], "content-disposition"))
        self._part.name = said.get("name", "").lower()
        if not self._part.name:
            raise _malformed()
        if self._part.name == FILE and not self.has_file:
            self.has_file = self._in_file = True
            self.file_name = said.get("filename", "").replace("\\", "/").rpartition("/")[2]

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._file.extend(data[start:end])
        elif not self.has_file:
            self._part.content.extend(data[start:end])

    def _end(self) -> None:
        if not self.has_file:
            self.fields[self._part.name] = self._part.content.decode("utf-8", "replace")
        self._in_file = False

    def _all(self) -> None:
        self._ended = True
