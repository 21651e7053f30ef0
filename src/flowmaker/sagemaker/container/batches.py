"""Batch transform: an input file as the payloads that the model is sent, and back."""

import gzip
import re
import struct
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from flowmaker.sagemaker.container.joining import Joining
from flowmaker.sagemaker.container.storage import DataError

MEGABYTE = 1024 * 1024

_RECORDIO = 0xCED7230A
#: Lines without anything, and what is after the last line feed if that is nothing either.
_BLANK = re.compile(rb"^[^\S\n]*(?:\n|\Z)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Batching:
    """How a file is cut: by the request, else by what the model server says, else by default."""

    split: str = "None"
    strategy: str = "MultiRecord"
    max_payload: int = 6 * MEGABYTE
    concurrency: int = 1
    #: Each answer ends with a line feed.
    assemble_lines: bool = False
    #: The file is compressed.
    gzip: bool = False
    joining: Joining = field(default_factory=Joining)

    @property
    def in_blocks(self) -> bool:
        """Nobody looks at single records."""
        return self.split == "Line" and self.strategy == "MultiRecord" and self.joining.idle


@dataclass(frozen=True, slots=True)
class Payload:
    """What the model is sent, and what of the input it is made of.

    There may be a million records in it: they are objects only while they are needed.
    """

    body: bytes
    #: The records, one behind the other, and how long each is; nothing if they are not needed.
    source: bytes = b""
    lengths: "array[int]" = field(default_factory=lambda: array("Q"))

    def records(self) -> Iterator[bytes]:
        """The records of the input."""
        begin = 0
        for length in self.lengths:
            yield self.source[begin : begin + length]
            begin += length


def payloads(file: Path, name: str, batching: Batching) -> Iterator[Payload]:
    """The payloads of a file in their order. Blocking: step it in a thread.

    Raises:
        DataError: a record is larger than a payload may be, or the file is not what it should be.
    """
    try:
        with _opened(file, batching) as opened:
            if batching.in_blocks:
                yield from _blocks(opened, name, batching)
                return
            yield from _batched(_records(opened, name, batching), name, batching)
    except (gzip.BadGzipFile, EOFError) as error:
        raise DataError(f"{name} is not compressed by gzip: {error}") from None


def _opened(file: Path, batching: Batching) -> BinaryIO:
    return cast("BinaryIO", gzip.open(file, "rb")) if batching.gzip else file.open("rb")


def _blocks(opened: BinaryIO, name: str, batching: Batching) -> Iterator[Payload]:
    """As many lines as a payload may have, without looking at each of them."""
    most, rest = batching.max_payload, b""
    while True:
        # A byte more than a payload may have: it tells whether anything follows.
        block = rest + opened.read(most + 1 - len(rest))
        end = block.rfind(b"\n", 0, most) + 1 if len(block) > most else len(block)
        if block and not end:
            raise _too_large(name, _line_size(block, opened), batching)
        if lines := _BLANK.sub(b"", block[:end]):
            yield Payload(lines)
        rest = block[end:]
        if len(block) <= most:
            return


def _line_size(begun: bytes, opened: BinaryIO) -> int:
    """How long a line is, of which this was read."""
    size, last = len(begun), begun
    while not last.endswith(b"\n") and (last := opened.readline(MEGABYTE)):
        size += len(last)
    return size


def _batched(records: Iterator[bytes], name: str, batching: Batching) -> Iterator[Payload]:
    body, source, lengths = bytearray(), bytearray(), array("Q")
    for record in records:
        sent = batching.joining.sent(record)
        if len(sent) > batching.max_payload:
            raise _too_large(name, len(sent), batching)
        full = len(body) + len(sent) > batching.max_payload or batching.strategy == "SingleRecord"
        if body and full:
            yield Payload(bytes(body), bytes(source), lengths)
            body, source, lengths = bytearray(), bytearray(), array("Q")
        body += sent
        if not batching.joining.idle:
            source += record
            lengths.append(len(record))
    if body:
        yield Payload(bytes(body), bytes(source), lengths)


def assembled(payload: Payload, answer: bytes, batching: Batching) -> bytes:
    """An answer as it is written to the output.

    Raises:
        DataError: it cannot be joined with its records.
    """
    written = batching.joining.written(tuple(payload.records()), answer)
    if batching.assemble_lines and not written.endswith(b"\n"):
        return written + b"\n"
    return written


def _records(opened: BinaryIO, name: str, batching: Batching) -> Iterator[bytes]:
    """The records of a file, as SplitType says."""
    splits: dict[str, Callable[[BinaryIO, str], Iterator[bytes]]] = {
        "Line": _lines,
        "RecordIO": _record_io,
        "TFRecord": _tf_records,
    }
    if batching.split in splits:
        return splits[batching.split](opened, name)
    return _whole(opened, name, batching)


def _whole(opened: BinaryIO, name: str, batching: Batching) -> Iterator[bytes]:
    content = opened.read(batching.max_payload + 1)
    if len(content) > batching.max_payload:
        raise _too_large(name, len(content) + len(opened.read()), batching)
    yield content


def _lines(opened: BinaryIO, name: str) -> Iterator[bytes]:
    """The lines that have anything in them, each with its line feed."""
    del name
    return (line for line in opened if line.strip())


def _record_io(opened: BinaryIO, name: str) -> Iterator[bytes]:
    """Frames of RecordIO with their headers: the magic number, the length, the padded bytes."""
    while header := opened.read(8):
        if len(header) < 8 or header[:4] != _RECORDIO.to_bytes(4, "little"):  # noqa: PLR2004
            raise DataError(f"{name} has no RecordIO frame where one should begin")
        (size,) = struct.unpack("<I", header[4:])
        size = size & 0x1FFFFFFF
        yield header + _exactly(opened, size + -size % 4, name)


def _tf_records(opened: BinaryIO, name: str) -> Iterator[bytes]:
    """TFRecords with their lengths and checksums."""
    while header := opened.read(12):
        if len(header) < 12:  # noqa: PLR2004
            raise DataError(f"{name} ends in the header of a TFRecord")
        (size,) = struct.unpack("<Q", header[:8])
        yield header + _exactly(opened, size + 4, name)


def _exactly(opened: BinaryIO, size: int, name: str) -> bytes:
    content = opened.read(size)
    if len(content) < size:
        raise DataError(f"{name} ends in the middle of a record")
    return content


def _too_large(name: str, size: int, batching: Batching) -> DataError:
    return DataError(
        f"{name}: a payload of {size} bytes exceeds MaxPayloadInMB "
        f"({batching.max_payload // MEGABYTE} MB); set SplitType to Line or raise MaxPayloadInMB"
    )
