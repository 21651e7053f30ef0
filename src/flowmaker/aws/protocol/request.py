"""One HTTP request, as it came: nothing decoded that a signature covers."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from flowmaker.aws.errors import AwsError

#: Of a query. No client needs so many.
MAX_FIELDS = 1000


@dataclass(frozen=True, kw_only=True)
class Request:
    """The head of a request; bodies travel beside it."""

    method: str
    #: Percent-encoded, as the client wrote it, without the query.
    path: str
    #: What follows the question mark, as the client wrote it.
    query_string: str
    #: In order, names in lower case; values as latin-1 text, so that the bytes are kept.
    header_list: tuple[tuple[str, str], ...]
    scheme: str = "http"

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """Header values by name; several of one name are joined by commas."""
        values: dict[str, str] = {}
        for name, value in self.header_list:
            values[name] = f"{values[name]},{value}" if name in values else value
        return values

    @cached_property
    def query_pairs(self) -> tuple[tuple[str, str], ...]:
        """Decoded names and values in order; `?uploads` is `("uploads", "")`."""
        if not self.query_string:
            return ()
        try:
            pairs = parse_qsl(self.query_string, keep_blank_values=True, max_num_fields=MAX_FIELDS)
        except ValueError:
            message = f"The query has more than {MAX_FIELDS} fields."
            raise AwsError("InvalidURI", message) from None
        return tuple(pairs)

    @cached_property
    def query(self) -> Mapping[str, str]:
        """Decoded query; the first value counts where a name comes twice."""
        return dict(reversed(self.query_pairs))

    @property
    def host(self) -> str:
        return self.headers.get("host", "")

    @property
    def endpoint(self) -> str:
        """The server as the client sees it."""
        return f"{self.scheme}://{self.host}"


def from_scope(scope: Mapping[str, Any]) -> Request:
    """The request of an ASGI scope."""
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
    return Request(
        method=scope["method"],
        path=raw_path.partition(b"?")[0].decode("latin-1"),
        query_string=scope.get("query_string", b"").decode("latin-1"),
        header_list=tuple(
            (name.decode("latin-1").lower(), value.decode("latin-1"))
            for name, value in scope["headers"]
        ),
        scheme=scope.get("scheme", "http"),
    )


def text(value: str) -> str:
    """A header's value as people meant it: UTF-8 where it is UTF-8."""
    if value.isascii():
        return value
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value
