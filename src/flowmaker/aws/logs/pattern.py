"""CloudWatch's filter patterns: of terms here; of JSON, fields and regular expressions beside."""

import re
from collections.abc import Callable

from flowmaker.aws.errors import AwsError
from flowmaker.aws.logs.regular import search
from flowmaker.aws.logs.structured import of_fields, of_json

TERM = re.compile(r'([?-]?)(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))')
PLAIN = re.compile(r"[\w.:/=+#@-]+")


def compiled(pattern: str) -> Callable[[str], bool]:
    """A test of a message. All terms must be in it, or one of those with `?`; none with `-`.

    Raises:
        AwsError: it is no pattern.
    """
    kinds = {"{": of_json, "[": of_fields, "%": _of_expression}
    if kind := kinds.get(pattern.strip()[:1]):
        return kind(pattern.strip())
    return _of_terms(pattern)


def _of_expression(pattern: str) -> Callable[[str], bool]:
    inside = pattern[1:-1]
    if len(pattern) < 3 or pattern[-1] != "%" or "%" in inside:  # noqa: PLR2004
        raise AwsError("InvalidParameterException", "Invalid filter pattern")
    return search(inside)


def _of_terms(pattern: str) -> Callable[[str], bool]:
    required: list[str] = []
    optional: list[str] = []
    excluded: list[str] = []
    lists = {"": required, "?": optional, "-": excluded}
    rest = pattern.strip()
    while rest:
        found = TERM.match(rest)
        if not found:
            raise AwsError("InvalidParameterException", "Invalid filter pattern")
        lists[found[1]].append(_text(found[2], found[3]))
        rest = rest[found.end() :].lstrip()

    def matches(message: str) -> bool:
        if any(term in message for term in excluded):
            return False
        if optional and not any(term in message for term in optional):
            return False
        return all(term in message for term in required)

    return matches


def _text(quoted: str | None, plain: str | None) -> str:
    if quoted is not None:
        return re.sub(r"\\(.)", r"\1", quoted)
    if not PLAIN.fullmatch(plain or ""):
        raise AwsError(
            "InvalidParameterException",
            f"Invalid filter pattern: put {plain} in double quotes",
        )
    return plain or ""
