"""The schema and the first rows of a Parquet file, of which no more is read than they need."""

import io
import json
from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from typing import Any, Protocol

# It has no types of its own.
_arrow: Any = import_module("pyarrow")
_parquet: Any = import_module("pyarrow.parquet")

ROWS, COLUMNS = 50, 50
#: Columns whose names and types are told.
TOLD = 1000
#: Letters of a value.
LETTERS = 200
#: Bytes that are read of a file; and at a time, where it does not say how much it needs.
MOST = 64_000_000
_PIECE = 64_000


class Buffer(Protocol):
    """What bytes are read into."""

    def __len__(self) -> int: ...
    def __setitem__(self, place: slice, content: bytes, /) -> None: ...


class TooMuch(OSError):  # noqa: N818 - it names what happened
    """More would have to be read than a look is worth."""


class Remote(io.RawIOBase):
    """A file of which somebody else has the bytes: each part is asked for when it is needed."""

    def __init__(self, size: int, part: Callable[[int, int], bytes]) -> None:
        """`part` gives so many bytes from a place on."""
        self._size, self._part = size, part
        self._at = self.taken = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = begin + offset
        return self._at

    def readinto(self, buffer: Buffer, /) -> int:  # type: ignore[override]
        length = max(0, min(len(buffer), self._size - self._at))
        if not length:
            return 0
        if self.taken + length > MOST:
            raise TooMuch(f"its first rows take more than {MOST // 1_000_000} MB to read")
        content = self._part(self._at, length)
        buffer[: len(content)] = content
        self._at += len(content)
        self.taken += len(content)
        return len(content)


def beginning(source: io.RawIOBase) -> dict[str, Any]:
    """What is told of a file; with `unread`, why there are no rows.

    Raises:
        ValueError: it is no Parquet file.
    """
    try:
        file: Any = _parquet.ParquetFile(source, buffer_size=_PIECE, pre_buffer=False)
    except (_arrow.ArrowException, OSError) as error:
        raise ValueError(f"It cannot be read as Parquet: {error}") from error
    schema, written = file.schema_arrow, file.metadata
    told = {
        "rows_count": written.num_rows,
        "groups_count": written.num_row_groups,
        "created_by": written.created_by,
        "columns_count": len(schema),
        "columns": [
            {"name": field.name, "type": str(field.type), "nullable": field.nullable}
            for field in list(schema)[:TOLD]
        ],
    }
    try:
        return {**told, "rows": _rows(file, schema.names[:COLUMNS])}
    except (_arrow.ArrowException, OSError, MemoryError, ValueError) as error:
        return {**told, "rows": [], "unread": str(error) or type(error).__name__}


def _rows(file: Any, names: list[str]) -> list[list[str | None]]:  # noqa: ANN401 - Arrow's
    # Page by page: of a group of rows that is large only the beginning is unpacked.
    batches = file.iter_batches(batch_size=ROWS, columns=names, use_threads=False)
    first: Any = next(iter(batches), None)
    if first is None:
        return []
    columns = [column.to_pylist() for column in first.columns]
    return [[_text(value) for value in row] for row in zip(*columns, strict=True)]


def _text(value: Any) -> str | None:  # noqa: ANN401 - whatever a file may hold
    if value is None:
        return None
    if isinstance(value, bytes):
        text = value[:LETTERS].hex(" ")
    elif isinstance(value, str):
        text = value
    elif isinstance(value, datetime):
        text = value.isoformat(sep=" ")
    elif isinstance(value, dict | list | bool):
        text = json.dumps(value, default=str, ensure_ascii=False)
    else:
        text = str(value)
    return text if len(text) <= LETTERS else f"{text[:LETTERS]}…"
