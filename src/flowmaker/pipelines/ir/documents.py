"""What a JSON document may be: finite, of a bounded size and depth, and text that is Unicode.

Whatever passes can be stored, unfolded and sent back without a surprise later.
"""

import math
from typing import Any, cast

from flowmaker.errors import InvalidInput

#: The largest document, as a package or as a body.
LIMIT = 32 * 1024 * 1024
MEGABYTES = f"{LIMIT // 1024 // 1024} MiB"
#: Far deeper than a pipeline nests, far less than what recursion over a document bears.
DEEPEST = 200
#: What a double, JSON's number, still holds.
MOST_BITS = 1023


def check(document: Any, what: str) -> None:  # noqa: ANN401 - it is what is being found out
    """Refuse a document that is not JSON within the limits.

    Values that YAML aliases share count each time that they are met, as they will be written.

    Raises:
        InvalidInput: it is not; the message says where.
    """
    if _Measure(what).size(document, "", 0) > LIMIT:
        raise InvalidInput(f"{what} is larger than {MEGABYTES} with its aliases unfolded.")


def too_deep(what: str) -> InvalidInput:
    """The error of a document that nests without end."""
    return InvalidInput(f"{what} nests deeper than {DEEPEST} levels.")


class _Measure:
    """Sizes of values; one that is met again through an alias is measured once."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._sizes: dict[int, int] = {}

    def size(self, value: Any, place: str, depth: int) -> int:  # noqa: ANN401
        if isinstance(value, (dict, list)):
            if depth >= DEEPEST:
                raise too_deep(self._what)
            container = cast("dict[Any, Any] | list[Any]", value)
            known = self._sizes.get(id(container))
            if known is None:
                known = self._inner(container, place, depth + 1)
                self._sizes[id(container)] = known
            return known
        if isinstance(value, str):
            self._check_text(value, place)
            return len(value) + 2
        self._check_scalar(value, place)
        return 8

    def _inner(self, container: dict[Any, Any] | list[Any], place: str, depth: int) -> int:
        if isinstance(container, list):
            return sum(self.size(value, place, depth) + 1 for value in container)
        total = 0
        for key, value in container.items():
            if not isinstance(key, str):
                raise InvalidInput(f"{self._what}{_in(place)}: the key {key!r} is no string.")
            self._check_text(key, place)
            total += len(key) + 3 + self.size(value, key, depth)
        return total

    def _check_text(self, text: str, place: str) -> None:
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError:
                raise InvalidInput(
                    f"{self._what}{_in(place)}: {text[:40]!a} is no Unicode text."
                ) from None

    def _check_scalar(self, value: Any, place: str) -> None:  # noqa: ANN401
        if value is None or isinstance(value, bool):
            return
        if isinstance(value, int) and value.bit_length() <= MOST_BITS:
            return
        if isinstance(value, float) and math.isfinite(value):
            return
        shown = repr(value)[:40] if not isinstance(value, int) else "a number of that size"
        raise InvalidInput(f"{self._what}{_in(place)}: {shown} has no counterpart in JSON.")


def _in(place: str) -> str:
    return f", in {place!r}" if place else ""
