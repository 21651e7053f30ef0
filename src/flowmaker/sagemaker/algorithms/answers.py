"""Bodies of predictions, and which of them the caller takes."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import numpy as np

from flowmaker.sagemaker.algorithms import recordio, tables
from flowmaker.sagemaker.serving.model import Answer, Refused

#: What Amazon's own algorithms answer with.
OFFERED = (tables.JSON, tables.JSON_LINES, tables.RECORDIO, tables.CSV)

#: One prediction: its parts by name, each a number or several.
Row = Mapping[str, float | Sequence[float]]


def accepted(header: str, offered: Sequence[str], default: str) -> str:
    """The first of the types that the Accept header names and that is offered.

    Raises:
        Refused: none of them is.
    """
    wanted = [tables.media_type(part)[0] for part in header.split(",") if part.strip()]
    for name in wanted or ["*/*"]:
        if name == "*/*":
            return default
        if name in offered:
            return name
    raise Refused(
        HTTPStatus.NOT_ACCEPTABLE,
        f"Accept type {header} is not supported. Please use supported accept types: "
        f"{list(offered)}.",
    )


def json_of(value: object) -> Answer:
    """One JSON document."""
    return Answer(json.dumps(value).encode(), tables.JSON)


def json_lines(rows: Sequence[object]) -> Answer:
    """One JSON document a line."""
    return Answer("".join(json.dumps(row) + "\n" for row in rows).encode(), tables.JSON_LINES)


def encode(rows: Sequence[Row], wanted: str, *, under: str = "predictions") -> Answer:
    """Rows in one of the forms OFFERED; `under` is the name that JSON has for all of them."""
    if wanted == tables.JSON:
        return json_of({under: rows})
    if wanted == tables.JSON_LINES:
        return json_lines(rows)
    if wanted == tables.RECORDIO:
        return Answer(b"".join(recordio.write(label=_tensors(row)) for row in rows), wanted)
    lines = (",".join(str(number) for number in _numbers(row)) + "\n" for row in rows)
    return Answer("".join(lines).encode(), tables.CSV)


def _tensors(row: Row) -> dict[str, "np.ndarray[tuple[int, ...], np.dtype[np.float32]]"]:
    return {name: np.atleast_1d(np.asarray(value, dtype=np.float32)) for name, value in row.items()}


def _numbers(row: Row) -> list[float]:
    return [
        number
        for value in row.values()
        for number in ([value] if isinstance(value, int | float) else value)
    ]
