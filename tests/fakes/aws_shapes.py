"""Random values of the shapes of a model, for round trips against botocore's own codecs."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

WORDS = ["plain", "two words", "ünï-ć", "<&>\"'", "a/b?c=d&e", "日本", "100%+1", "x" * 50]
HEADER_WORDS = ["plain", "two words", "a/b?c=d&e", "100%+1", "text/csv"]
NUMBERS = {"integer": (0, 2**31 - 1), "long": (-(2**53), 2**53)}
DEEPEST = 4


class Values:
    """Values by a seed: the same seed, the same values."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def structure(self, shape: Any, depth: int = 0) -> dict[str, Any]:
        """Required members always; others by chance, and none too deep."""
        names = [
            name
            for name, member in shape.members.items()
            if not member.serialization.get("streaming")
        ]
        chosen = [
            name
            for name in names
            if name in shape.required_members or (depth < DEEPEST and self._random.random() < 0.6)
        ]
        if names and (shape.metadata.get("union") or not chosen):
            chosen = [self._random.choice(names)]
        return {name: self.value(shape.members[name], depth + 1) for name in chosen}

    def value(self, shape: Any, depth: int = 0) -> Any:
        kind = shape.type_name
        where = shape.serialization.get("location")
        if kind == "structure":
            return self.structure(shape, depth)
        if kind == "list":
            inside = shape.member
            return [self._item(inside, where, depth) for _ in range(self._random.randint(1, 3))]
        if kind == "map":
            return {
                self._text(shape.key, "header" if where else None, number): self._item(
                    shape.value, where, depth
                )
                for number in range(self._random.randint(1, 3))
            }
        return self._scalar(shape, where)

    def _item(self, shape: Any, where: str | None, depth: int) -> Any:
        if where and shape.type_name == "string":
            return self._random.choice(shape.enum or ["one", "two", "three"])
        return self.value(shape, depth + 1)

    def _text(self, shape: Any, where: str | None, number: int = 0) -> str:
        if getattr(shape, "enum", None):
            return shape.enum[number % len(shape.enum)]
        words = HEADER_WORDS if where == "header" else WORDS
        word = f"key-{number}" if where and number is not None else self._random.choice(words)
        return f"{word}{number}" if not where else word

    def _scalar(self, shape: Any, where: str | None) -> Any:
        kind = shape.type_name
        if kind == "string":
            words = HEADER_WORDS if where in ("header", "headers") else WORDS
            return self._random.choice(shape.enum or words)
        if kind == "timestamp":
            return self._moment(shape, where)
        if kind == "boolean":
            return self._random.random() < 0.5
        if kind == "blob":
            return self._random.randbytes(self._random.randint(1, 40))
        if kind in NUMBERS:
            return self._random.randint(*NUMBERS[kind])
        return self._random.choice([0.5, -1.25, 3.0, 1e-7, 2.5e30])

    def _moment(self, shape: Any, where: str | None) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self._random.randint(0, 10**8))
