"""Requests and answers of script mode where the script does not read and write them itself."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import numpy as np

from flowmaker.sagemaker.serving.model import Refused

JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"
ANY = "*/*"
#: Bodies of these are given to scripts as text.
TEXTS = (JSON, CSV)


def media_type(header: str) -> str:
    """`text/csv` of `text/csv; charset=utf-8`."""
    return header.partition(";")[0].strip().lower()


def decode(body: str | bytes, content_type: str) -> "np.ndarray[Any, Any]":
    """The array of a request.

    Raises:
        Refused: this type is not read here.
        ValueError: the body is not of it.
    """
    kind = media_type(content_type)
    if kind not in _DECODERS:
        raise unsupported(content_type)
    return _DECODERS[kind](body)


def encode(prediction: Any, accept: str) -> bytes:  # noqa: ANN401 - a script's
    """The body of an answer.

    Raises:
        Refused: this type is not written here.
    """
    kind = media_type(accept)
    if kind not in _ENCODERS:
        raise unsupported(accept, HTTPStatus.NOT_ACCEPTABLE)
    return _ENCODERS[kind](prediction)


def unsupported(
    content_type: str, status: HTTPStatus = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
) -> Refused:
    """In the words of SageMaker's toolkit."""
    return Refused(
        status,
        f"Content type {content_type} is not supported by this framework. Please implement "
        "input_fn to deserialize the request data or an output_fn to serialize the response.",
    )


def _text(body: str | bytes) -> str:
    return body.decode() if isinstance(body, bytes) else body


def _from_npy(body: str | bytes) -> "np.ndarray[Any, Any]":
    assert isinstance(body, bytes), "only JSON and CSV are text"
    return np.load(io.BytesIO(body), allow_pickle=True)


def _from_csv(body: str | bytes) -> "np.ndarray[Any, Any]":
    rows = list(csv.reader(io.StringIO(_text(body)), strict=True))
    array = np.array([row for row in rows if row])
    try:
        return array.astype(float)
    except ValueError:
        return array


def _from_json(body: str | bytes) -> "np.ndarray[Any, Any]":
    return np.array(json.loads(body))


def _to_npy(prediction: Any) -> bytes:  # noqa: ANN401
    made = io.BytesIO()
    np.save(made, prediction)
    return made.getvalue()


def _to_csv(prediction: Any) -> bytes:  # noqa: ANN401
    array = np.array(prediction)
    made = io.StringIO()
    rows: Any = array.reshape(-1, 1) if array.ndim <= 1 else array
    csv.writer(made, lineterminator="\n").writerows(rows.tolist())
    return made.getvalue().encode()


def _to_json(prediction: Any) -> bytes:  # noqa: ANN401
    def plain(value: Any) -> Any:  # noqa: ANN401
        if hasattr(value, "tolist"):
            return value.tolist()
        raise TypeError(f"a {type(value).__name__} cannot be written as JSON")

    return json.dumps(prediction, default=plain).encode()


_DECODERS: Mapping[str, Callable[[str | bytes], "np.ndarray[Any, Any]"]] = {
    NPY: _from_npy,
    CSV: _from_csv,
    JSON: _from_json,
}
_ENCODERS: Mapping[str, Callable[[Any], bytes]] = {NPY: _to_npy, CSV: _to_csv, JSON: _to_json}
