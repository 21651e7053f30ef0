"""Reads a process's log while it grows."""

from pathlib import Path

#: No single read takes more than this, and no line is longer: it goes on in the next one.
_MOST_BYTES = 1 << 20


def read(
    path: Path, offset: int = 0, limit: int = 10_000, *, ended: bool = False
) -> tuple[list[str], int]:
    """The lines from byte `offset` on, at most `limit`, and the offset to go on from.

    A last line without its end is left for the next read, unless the process `ended` and none will
    come. A log that is not there yet is empty. Bytes that are no UTF-8 are shown as U+FFFD.
    """
    try:
        with path.open("rb") as log:
            log.seek(offset)
            data = log.read(_MOST_BYTES)
    except FileNotFoundError:
        return [], offset
    lines: list[str] = []
    start = 0
    while len(lines) < limit and start < len(data):
        end = data.find(b"\n", start)
        whole_line = end >= 0
        if not whole_line:
            too_long = start == 0 and len(data) == _MOST_BYTES
            if not (too_long or (ended and len(data) < _MOST_BYTES)):
                break
            end = len(data)
        lines.append(data[start:end].decode("utf-8", errors="replace").removesuffix("\r"))
        start = end + 1 if whole_line else end
    return lines, offset + start
