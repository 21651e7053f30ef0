"""A text that every match of a regular expression contains, to look for it before anything else.

A log may have millions of lines and a job dozens of metrics, most of which are never printed. To
look for a text in a file is a thousand times faster than to try an expression on each line.
"""

import re

#: What means itself in an expression.
_PLAIN = re.compile(r"[A-Za-z0-9_:=,/@%~<>\"' -]")
_FLAGS = re.compile(r"\(\?[a-zA-Z-]+[:)]")
#: What may follow a character and make it optional, or repeat it.
_QUANTIFIERS = "?*{"


def required_text(expression: str) -> str:
    """The longest run of plain characters outside of groups; empty when there is none for sure."""
    if _FLAGS.search(expression):
        return ""  # they change what a character means
    longest = run = ""
    depth = at = 0
    while at < len(expression):
        character = expression[at]
        following = expression[at + 1 : at + 2]
        if character == "\\":
            run, at = "", at + 2
            continue
        if character == "[":
            run, at = "", _end_of_set(expression, at)
            continue
        if character == "|" and depth == 0:
            return ""  # it could be the other
        depth += (character == "(") - (character == ")")
        is_plain = depth == 0 and _PLAIN.fullmatch(character)
        run = run + character if is_plain and following not in tuple(_QUANTIFIERS) else ""
        longest = max(longest, run, key=len)
        at += 1
    return longest


def sought_text(expression: str) -> str:
    """The same as it is in the log's file, where a tab is no `#011` yet: what is beside those."""
    return max(required_text(expression).split("#011"), key=len)


def _end_of_set(expression: str, begin: int) -> int:
    """The place behind `[…]`; a `]` at its start, or behind a backslash, is one of the set."""
    at = begin + 1
    if expression[at : at + 1] == "^":
        at += 1
    at += expression[at : at + 1] == "]"
    while at < len(expression) and expression[at] != "]":
        at += 2 if expression[at] == "\\" else 1
    return at + 1
