"""CloudWatch's filter patterns for unstructured text; the others are refused."""

import re
from collections.abc import Callable

from flowmaker.aws.errors import AwsError

TERM = re.compile(r'([?-]?)(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))')
PLAIN = re.compile(r"[\w.:/=+#@-]+")


def compiled(pattern: str) -> Callable[[str], bool]:
    """A test of a message. All terms must be in it, or one of those with `?`; none with `-`."""
    if pattern.lstrip()[:1] in {"{", "[", "%"}:
        raise _invalid("filters of JSON or space-delimited events and regular expressions")
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


def _invalid(what: str) -> AwsError:
    return AwsError(
        "InvalidParameterException",
        f"Invalid filter pattern: Flowmaker does not have {what}; terms and quoted phrases work",
    )
