"""The command of a component.yaml, filled in for one call as KFP 1 did: when it is compiled.

What is left in it for the server to fill in are values and paths; `if` is decided here.
"""
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownLambdaType=false

from collections.abc import Mapping, Sequence
from typing import Any, cast

from flowmaker.compat.refusal import NotInKfp2Error
from flowmaker.compat.shell import FileContent, FilePath, Piece, Word
from flowmaker.compat.wire import is_file

_TRUE = ("true", "1", "yes", "y", "t", "on")


class Template:
    """One call's view of a command."""

    def __init__(self, passed: Mapping[str, Any]) -> None:
        """Take the call's arguments, by the names of the inputs in the component's YAML."""
        self._passed = passed

    def words(self, command: Sequence[Any]) -> list[Word]:
        """The words of a command or of its arguments."""
        return [word for part in command for word in self._word(part)]

    def _word(self, part: object) -> list[Word]:
        if isinstance(part, dict) and "if" in part:
            return self._if(cast("dict[str, Any]", part["if"]))
        if isinstance(part, dict) and "concat" in part:
            pieces = [piece for word in self.words(part["concat"]) for piece in word]
            return [_merged(pieces)]
        piece = self._piece(part)
        return [] if piece is None else [(piece,)]

    def _if(self, condition: Mapping[str, Any]) -> list[Word]:
        branch = condition.get("then" if self._holds(condition["cond"]) else "else") or []
        return self.words(branch if isinstance(branch, list) else [branch])

    def _holds(self, condition: object) -> bool:
        if isinstance(condition, dict):
            described = cast("dict[str, str]", condition)
            if "isPresent" in described:
                return described["isPresent"] in self._passed
            condition = self._passed.get(described.get("inputValue", ""), "")
        if not isinstance(condition, str | bool):
            raise NotInKfp2Error(
                f"'if' needs a value that is known when it is compiled: {condition}"
            )
        return str(condition).lower() in _TRUE

    def _piece(self, part: object) -> Piece | None:
        """A placeholder; None for an input that is not passed, which KFP 1 left out."""
        if not isinstance(part, dict):
            return str(part)
        placeholder = cast("dict[str, str]", part)
        kind, name = next(iter(placeholder.items()))
        if kind in ("outputPath", "executorInput"):
            return placeholder
        if kind not in ("inputValue", "inputPath"):
            raise NotInKfp2Error(
                f"{kind} is no placeholder that a command of component.yaml may have"
            )
        if name not in self._passed:
            return None
        if is_file(self._passed[name]):
            return placeholder if kind == "inputPath" else FileContent(name)
        return placeholder if kind == "inputValue" else FilePath(name)


def _merged(pieces: Sequence[Piece]) -> Word:
    """Neighbouring texts as one."""
    merged: list[Piece] = []
    for piece in pieces:
        if merged and isinstance(piece, str) and isinstance(merged[-1], str):
            merged[-1] += piece
        else:
            merged.append(piece)
    return merged


def as_yaml(word: Word) -> Any:
    """A word as a component's YAML writes it."""
    return word[0] if len(word) == 1 else {"concat": list(word)}


def outputs_told(part: object) -> set[str]:
    """The outputs whose paths a command is told."""
    if isinstance(part, list):
        return {name for one in cast("list[object]", part) for name in outputs_told(one)}
    if isinstance(part, dict):
        described = cast("dict[str, object]", part)
        own = {str(described["outputPath"])} if "outputPath" in described else set[str]()
        return own | {name for one in described.values() for name in outputs_told(one)}
    return set()
