"""The models' regular expressions, which are Java's, as Python's."""

import re
import unicodedata
from functools import lru_cache

#: Java's POSIX classes, as the inside of a Python character class.
_POSIX = {
    "ASCII": r"\x00-\x7f",
    "Alnum": "a-zA-Z0-9",
    "Alpha": "a-zA-Z",
    "Digit": "0-9",
    "Graph": r"\x21-\x7e",
    "Lower": "a-z",
    "Print": r"\x20-\x7e",
    "Upper": "A-Z",
}
#: Java reads a surrogate pair as one character; this range stands for all beyond the first plane.
_SURROGATES = (r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
_CLASS = re.compile(r"\\p\{(\w+)\}")


def matches(pattern: str, value: str) -> bool:
    """Whether the whole value is of the pattern, as AWS compares."""
    beyond = "" if value.isascii() else "".join(sorted({c for c in value if not c.isascii()}))
    return translated(pattern, beyond).fullmatch(value) is not None


@lru_cache(maxsize=1024)
def translated(pattern: str, beyond: str = "") -> re.Pattern[str]:
    r"""The pattern with Python's spelling.

    Python has no Unicode categories (`\p{L}`). To list all their characters takes most of a
    second; it is enough to list those of ASCII and those that occur, which are `beyond` ASCII.
    """
    python = pattern.replace(*_SURROGATES).replace(r"[\w-_]", r"[\w\-_]").replace(r"\z", r"\Z")
    python = re.sub(r"\$\{\d+,\d+\}", "$", python)  # a repeated end is still the end
    parts: list[str] = []
    position = 0
    for match in _CLASS.finditer(python):
        parts.append(python[position : match.start()])
        inside = _POSIX.get(match[1]) or _category(match[1], beyond)
        parts.append(inside if _in_brackets("".join(parts)) else f"[{inside}]")
        position = match.end()
    # Java's \w, \d and \s are ASCII unless told otherwise.
    return re.compile("".join(parts) + python[position:], re.ASCII)


def _in_brackets(before: str) -> bool:
    plain = re.sub(r"\\.", "", before)
    return plain.rfind("[") > plain.rfind("]")


def _category(name: str, beyond: str) -> str:
    """The characters of a Unicode category (`L`, `Lu`), for the inside of a character class."""
    characters = [chr(code) for code in range(128)] + list(beyond)
    found = [c for c in characters if unicodedata.category(c).startswith(name)]
    # A category without any of them matches nothing: a character that no value has.
    return re.escape("".join(found)) or r"\U0010ffff"
