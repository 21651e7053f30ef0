"""What callers of Amazon's own algorithms send: rows of features, in any of the forms they take."""

import json
from http import HTTPStatus
from typing import cast

import numpy as np

from flowmaker.sagemaker.algorithms import recordio, tables
from flowmaker.sagemaker.algorithms.observations import Points
from flowmaker.sagemaker.serving.model import Refused


def features(body: bytes, content_type: str, width: int) -> Points:
    """The rows of a request, each of so many features.

    Raises:
        Refused: with the status and the words that the container answers with.
    """
    kind, _ = tables.media_type(content_type or tables.CSV)
    try:
        points = _read(body, kind)
    except (ValueError, TypeError) as error:
        raise unreadable(kind, error) from error
    if points.shape[1] != width:
        raise Refused(
            HTTPStatus.BAD_REQUEST,
            f"The data has {points.shape[1]} features, the model has {width}.",
        )
    return points


def unreadable(kind: str, error: Exception) -> Refused:
    """The refusal of a body that is not what its content type says."""
    return Refused(HTTPStatus.BAD_REQUEST, f"The body could not be read as {kind}: {error}")


def unsupported(kind: str, *known: str) -> Refused:
    """The refusal of a content type."""
    return Refused(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        f"Content-type {kind} is not supported. Supported are {', '.join(known[:-1])} and "
        f"{known[-1]}.",
    )


def _read(body: bytes, kind: str) -> Points:
    if kind == tables.CSV:
        return tables.parse_csv(body.decode())
    if kind in (tables.JSON, tables.JSON_LINES):
        return _table([_numbers(one) for one in instances(body, kind)])
    if kind == tables.RECORDIO:
        return tables.stack(list(recordio.read(body)))
    raise unsupported(kind, tables.CSV, tables.JSON, tables.JSON_LINES, tables.RECORDIO)


def instances(body: bytes, kind: str) -> list[object]:
    """What a body of JSON or JSON lines asks about, each as inner() gives it.

    Raises:
        ValueError: it has another form.
    """
    if kind == tables.JSON_LINES:
        return [inner(json.loads(line)) for line in body.splitlines() if line]
    document: object = json.loads(body)
    if not isinstance(document, dict) or "instances" not in document:
        raise ValueError('it must be {"instances": [{"features": [...]}, ...]}')
    return [inner(one) for one in cast("dict[str, list[object]]", document)["instances"]]


def inner(value: object) -> object:
    """The features of one instance, out of any of the wrappings that SageMaker's JSON has.

    A list of numbers; of a sparse one an object with `keys`, `shape` and `values`.
    """
    if isinstance(value, dict) and "keys" not in value:
        for name in ("data", "features", "values"):
            if name in value:
                return inner(cast("dict[str, object]", value)[name])
    return cast("object", value)


def _numbers(value: object) -> list[float]:
    if not isinstance(value, list):
        raise ValueError('an instance must be {"features": [...]}')  # noqa: TRY004
    return [float(cast("float", each)) for each in cast("list[object]", value)]


def _table(rows: list[list[float]]) -> Points:
    if len({len(row) for row in rows}) > 1:
        raise ValueError("instances with different numbers of features")
    return np.asarray(rows, dtype=np.float32).reshape(len(rows), -1)
