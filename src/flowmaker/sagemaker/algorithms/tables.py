"""Rows of numbers out of the bytes that users send and store."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from flowmaker.sagemaker.algorithms import recordio

CSV = "text/csv"
LIBSVM = "text/libsvm"
RECORDIO = "application/x-recordio-protobuf"
PARQUET = "application/x-parquet"
JSON = "application/json"
JSON_LINES = "application/jsonlines"

#: The other names that AWS's containers take for a content type.
_OTHER_NAMES = {
    "csv": CSV,
    "libsvm": LIBSVM,
    "text/x-libsvm": LIBSVM,
    "recordio-protobuf": RECORDIO,
    "parquet": PARQUET,
}

_DELIMITERS = ",\t;| "


def media_type(header: str) -> tuple[str, dict[str, str]]:
    """A content type's main name, and its parameters: `text/csv; label_size=0`."""
    name, *rest = (part.strip() for part in header.lower().split(";"))
    pairs = (part.partition("=") for part in rest if part)
    return _OTHER_NAMES.get(name, name), {key.strip(): value.strip() for key, _, value in pairs}


def delimiter(line: str) -> str:
    """What separates the values of a line; a comma if there is but one value."""
    return next((mark for mark in _DELIMITERS if mark in line.strip()), ",")


def parse_csv(text: str) -> NDArray[np.float32]:
    """Rows without a header; a value that is missing is NaN.

    Raises:
        ValueError: a value is no number, or the rows differ in length; says which row.
    """
    lines = text.strip().splitlines()
    if not lines:
        return np.empty((0, 0), dtype=np.float32)
    mark = delimiter(lines[0])
    rows: list[list[float]] = []
    for number, line in enumerate(lines, 1):
        try:
            rows.append([float(value) if value.strip() else np.nan for value in line.split(mark)])
        except ValueError as error:
            hint = "; is it a header? The data must have none" if number == 1 else ""
            raise ValueError(f"row {number}: {error}{hint}") from error
        if len(rows[-1]) != len(rows[0]):
            raise ValueError(f"row {number} has {len(rows[-1])} values, row 1 has {len(rows[0])}")
    return np.asarray(rows, dtype=np.float32)


def read_csv(data: bytes) -> NDArray[np.float32]:
    """As parse_csv, but fast for large files that miss no values."""
    text = data.decode()
    first = text.lstrip().split("\n", 1)[0]
    try:
        return np.loadtxt(
            text.splitlines(), delimiter=delimiter(first), dtype=np.float32, ndmin=2, comments=None
        )
    except ValueError:
        return parse_csv(text)


def stack(rows: Sequence[recordio.Record], width: int = 0) -> NDArray[np.float32]:
    """The features named `values` of the records, one row each."""
    if not rows:
        return np.empty((0, width), dtype=np.float32)
    try:
        tensors = [row.features["values"] for row in rows]
    except KeyError as error:
        raise ValueError("a record without features named 'values'") from error
    sparse = [tensor for tensor in tensors if tensor.keys is not None and len(tensor.keys)]
    reach = [
        max(tensor.length, int(tensor.keys.max()) + 1)
        for tensor in sparse
        if tensor.keys is not None
    ]
    width = max([width, *reach], default=0)
    dense = [tensor.dense(width) for tensor in tensors]
    if len({len(row) for row in dense}) > 1:
        raise ValueError("records with different numbers of features")
    return np.asarray(dense, dtype=np.float32)
