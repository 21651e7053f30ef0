"""Which bytes of an object are asked for."""

import re
from dataclasses import dataclass

from flowmaker.aws.errors import AwsError
from flowmaker.aws.s3 import failures
from flowmaker.objects.objects import StoredObject

_RANGE = re.compile(r"\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Extent:
    """A range of bytes, and the number of the part when a part was asked for."""

    start: int
    length: int
    part: int = 0

    def content_range(self, size: int) -> str:
        return f"bytes {self.start}-{self.start + self.length - 1}/{size}"


def requested(stored: StoredObject, header: str | None, part: int | None) -> Extent | None:
    """What of the object is asked for; None for all of it.

    Raises:
        AwsError: InvalidRange, InvalidPartNumber.
    """
    if header is not None and part is not None:
        raise failures.invalid_request(
            "Cannot specify both Range header and partNumber query parameter"
        )
    if part is not None:
        return _part(stored, part)
    return parse(header, stored.size) if header is not None else None


def parse(header: str, size: int) -> Extent | None:
    """One range of bytes. What is no such thing is not there, as RFC 9110 has it.

    Raises:
        AwsError: InvalidRange: no byte of it exists.
    """
    found = _RANGE.fullmatch(header)
    if not found or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < int(first):
            return None
    if start >= size or start >= end:
        message = "The requested range is not satisfiable"
        raise AwsError(
            "InvalidRange", message, 416, RangeRequested=header, ActualObjectSize=str(size)
        )
    return Extent(start, end - start)


def copied(header: str, size: int) -> Extent:
    """The range of a part's source: both ends are given, and both exist.

    Raises:
        AwsError: InvalidArgument, InvalidRequest.
    """
    found = _RANGE.fullmatch(header)
    if not found or not all(found.groups()):
        message = "The x-amz-copy-source-range value must be of the form bytes=first-last"
        raise failures.invalid_argument(message, "x-amz-copy-source-range", header)
    first, last = int(found[1]), int(found[2])
    if last < first or last >= size:
        message = f"Range specified is not valid for source object of size: {size}"
        raise failures.invalid_argument(message, "x-amz-copy-source-range", header)
    return Extent(first, last + 1 - first)


def _part(stored: StoredObject, number: int) -> Extent | None:
    count = len(stored.parts) or 1
    if not 1 <= number <= count:
        message = "The requested partnumber is not satisfiable"
        raise AwsError(
            "InvalidPartNumber",
            message,
            416,
            PartNumberRequested=str(number),
            ActualPartCount=str(count),
        )
    if not stored.parts:
        return Extent(0, stored.size, 1) if stored.size else None
    start = sum(piece.size for piece in stored.parts[: number - 1])
    return Extent(start, stored.parts[number - 1].size, number)
