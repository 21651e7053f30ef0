"""Bodies of predictions, and which of them the caller takes."""

import json
from collections.abc import Sequence
from http import HTTPStatus

from flowmaker.sagemaker.algorithms import tables
from flowmaker.sagemaker.serving.model import Answer, Refused


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
