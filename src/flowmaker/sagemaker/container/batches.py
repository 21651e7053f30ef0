"""Batch transform: an input file as the payloads that the model is sent, and back."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flowmaker.sagemaker.container.storage import DataError

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Batching:
    """How a file is cut: by the request, else by what the model server says, else by default."""

    split: str = "None"
    strategy: str = "MultiRecord"
    max_payload: int = 6 * MEGABYTE
    concurrency: int = 1
    #: Each answer ends with a line feed.
    assemble_lines: bool = False


def payloads(file: Path, name: str, batching: Batching) -> Iterator[bytes]:
    """The payloads of a file in their order. Blocking: step it in a thread.

    Raises:
        DataError: a record is larger than a payload may be.
    """
    if batching.split == "None":
        size = file.stat().st_size
        if size > batching.max_payload:
            raise _too_large(name, size, batching)
        yield file.read_bytes()
        return
    batch: list[bytes] = []
    filled = 0
    for line in _lines(file):
        if len(line) > batching.max_payload:
            raise _too_large(name, len(line), batching)
        full = filled + len(line) > batching.max_payload or batching.strategy == "SingleRecord"
        if batch and full:
            yield b"".join(batch)
            batch, filled = [], 0
        batch.append(line)
        filled += len(line)
    if batch:
        yield b"".join(batch)


def assembled(answer: bytes, batching: Batching) -> bytes:
    """An answer as it is written to the output."""
    if batching.assemble_lines and not answer.endswith(b"\n"):
        return answer + b"\n"
    return answer


def _lines(file: Path) -> Iterator[bytes]:
    """The lines that have anything in them, each with its line feed."""
    with file.open("rb") as opened:
        for line in opened:
            if line.strip():
                yield line


def _too_large(name: str, size: int, batching: Batching) -> DataError:
    return DataError(
        f"{name}: a payload of {size} bytes exceeds MaxPayloadInMB "
        f"({batching.max_payload // MEGABYTE} MB); set SplitType to Line or raise MaxPayloadInMB"
    )
