"""The wildcards and variables of IAM's policy language: `*`, `?`, `${aws:username}`, `${*}`.

A pattern is compiled once. Those without variables (nearly all) match by set, by prefix or by a
regular expression that cannot backtrack; one with variables is filled in for each request, and
what a variable stands for is matched as it is: a user called `*` is not everybody.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

#: Condition keys, in lower case, and their values in the request.
Context = Mapping[str, tuple[str, ...]]

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_DEFAULT = re.compile(r"\s*([^,\s]+)\s*(?:,\s*'([^']*)')?\s*")
_LITERALS = ("*", "?", "$")


class _Wild(Enum):
    ANY = "*"
    ONE = "?"


@dataclass(frozen=True, slots=True)
class _Variable:
    key: str
    default: str | None


_Part = str | _Wild | _Variable


class Template:
    """A text of a policy that may hold wildcards and variables."""

    __slots__ = ("_constant", "_parts", "_regex", "text")

    def __init__(self, text: str, *, variables: bool = True) -> None:
        self.text = text
        self._parts = tuple(_parse(text, variables=variables))
        fixed = not any(isinstance(part, _Variable) for part in self._parts)
        self._constant: str | None = None
        self._constant = self.resolve({}) if fixed else None
        self._regex = _compile(_regex(self._parts, {}) or "") if fixed else None

    def resolve(self, context: Context) -> str | None:
        """The text, where wildcards stand for themselves; nothing when a variable has no value."""
        if self._constant is not None:
            return self._constant
        texts = [_text(part, context) for part in self._parts]
        return None if None in texts else "".join(text or "" for text in texts)

    def like(self, value: str, context: Context) -> bool:
        """Whether `value` fits; a variable without a value fits nothing."""
        regex = self._regex
        if regex is None:
            source = _regex(self._parts, context)
            if source is None:
                return False
            regex = _compile(source)
        return regex.fullmatch(value) is not None

    def components(self, context: Context, count: int) -> list[re.Pattern[str]] | None:
        """The patterns of the `count` components of an ARN, which colons separate.

        Nothing when there are fewer, or a variable has no value. A colon in a variable's name or
        value separates nothing.
        """
        components: list[list[_Part]] = [[]]
        for part in self._parts:
            if isinstance(part, str):
                first, *others = part.split(":", count - len(components))
                components[-1].append(first)
                components.extend([piece] for piece in others)
            else:
                components[-1].append(part)
        if len(components) != count:
            return None
        sources = [_regex(tuple(component), context) for component in components]
        return None if None in sources else [_compile(source or "") for source in sources]


class Patterns:
    """Several patterns, of which one must fit: a statement's actions or resources."""

    __slots__ = ("_all", "_exact", "_fold", "_prefixes", "_templates")

    def __init__(
        self, texts: Iterable[str], *, ignore_case: bool = False, variables: bool = True
    ) -> None:
        self._fold = ignore_case
        self._all = False
        exact: set[str] = set()
        prefixes: list[str] = []
        templates: list[Template] = []
        for text in texts:
            pattern = text.lower() if ignore_case else text
            if pattern == "*":
                self._all = True
            elif "?" in pattern or "*" in pattern[:-1] or (variables and "${" in pattern):
                templates.append(Template(pattern, variables=variables))
            elif pattern.endswith("*"):
                prefixes.append(pattern[:-1])
            else:
                exact.add(pattern)
        self._exact = frozenset(exact)
        self._prefixes = tuple(prefixes)
        self._templates = tuple(templates)

    def match(self, value: str, context: Context) -> bool:
        if self._all:
            return True
        if self._fold:
            value = value.lower()
        if value in self._exact or value.startswith(self._prefixes):
            return True
        return any(template.like(value, context) for template in self._templates)


def _parse(text: str, *, variables: bool) -> Iterable[_Part]:
    """The parts of a pattern. Without variables, as in policies of 2008, `${` is plain text."""
    position = 0
    for found in _VARIABLE.finditer(text) if variables else ():
        yield from _wildcards(text[position : found.start()])
        yield _variable(found.group(1))
        position = found.end()
    yield from _wildcards(text[position:])


def _wildcards(text: str) -> Iterable[_Part]:
    for piece in re.split(r"([*?])", text):
        if piece in ("*", "?"):
            yield _Wild(piece)
        elif piece:
            yield piece


def _variable(inner: str) -> _Part:
    if inner in _LITERALS:
        return inner
    found = _DEFAULT.fullmatch(inner)
    if found is None:
        return _Variable(inner.strip().lower(), None)
    return _Variable(found.group(1).lower(), found.group(2))


def _value(variable: _Variable, context: Context) -> str | None:
    """A variable's value. A key with several values cannot be used as one."""
    values = context.get(variable.key, ())
    return values[0] if len(values) == 1 else variable.default


def _text(part: _Part, context: Context) -> str | None:
    if isinstance(part, _Variable):
        return _value(part, context)
    return part.value if isinstance(part, _Wild) else part


def _regex(parts: tuple[_Part, ...], context: Context) -> str | None:
    """A regular expression for the pattern; nothing when a variable has no value.

    Between two stars the leftmost fit is as good as any other, so that these pieces are atomic
    and the time is bounded however many stars a policy has.
    """
    pieces = [""]
    for part in parts:
        if part is _Wild.ANY:
            pieces.append("")
        elif part is _Wild.ONE:
            pieces[-1] += "."
        else:
            text = _text(part, context)
            if text is None:
                return None
            pieces[-1] += re.escape(text)
    if len(pieces) == 1:
        return pieces[0]
    middle = "".join(f"(?>.*?{piece})" for piece in pieces[1:-1] if piece)
    return f"{pieces[0]}{middle}.*{pieces[-1]}"


@lru_cache(maxsize=4096)
def _compile(source: str) -> re.Pattern[str]:
    return re.compile(source, re.DOTALL)
