"""Rows of which most numbers are zero: only the others are kept, and where they are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flowmaker.sagemaker.algorithms import recordio, tables
from flowmaker.sagemaker.algorithms.job import Channel, CustomerError
from flowmaker.sagemaker.algorithms.observations import Numbers, labels_of


@dataclass(frozen=True, slots=True)
class Rows:
    """Row i has `values[starts[i]:starts[i + 1]]` in the columns `columns[...]` of the same."""

    starts: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.starts) - 1

    @classmethod
    def of(cls, rows: Sequence[tuple[NDArray[np.int64], NDArray[np.float64]]]) -> "Rows":
        """From the columns and values of each."""
        sizes = [len(values) for _, values in rows]
        columns = [columns for columns, _ in rows]
        values = [values for _, values in rows]
        return cls(
            np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64),
            np.concatenate([np.empty(0, dtype=np.int64), *columns]),
            np.concatenate([np.empty(0), *values]),
        )

    def take(self, some: NDArray[np.int64]) -> "Rows":
        """Some of them, in that order."""
        begin, size = self.starts[some], self.starts[some + 1] - self.starts[some]
        starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(size)])
        places = np.arange(int(starts[-1])) + np.repeat(begin - starts[:-1], size)
        return Rows(starts, self.columns[places], self.values[places])

    @property
    def owners(self) -> NDArray[np.int64]:
        """Of each value, which row it is in."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def times(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """The product with a dense matrix, a row of it for each column here."""
        out = np.zeros((len(self), matrix.shape[1]))
        np.add.at(out, self.owners, self.values[:, None] * matrix[self.columns])
        return out


def of_records(records: Sequence[recordio.Record], width: int) -> Rows:
    """The features named `values` of records, dense or sparse.

    Raises:
        ValueError: a record has none, or one beyond the width.
    """
    return Rows.of([_row(record, width) for record in records])


def _row(record: recordio.Record, width: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    if "values" not in record.features:
        raise ValueError("a record without features named 'values'")
    tensor = record.features["values"]
    if tensor.keys is not None:
        return of_pairs(tensor.keys, tensor.values, width)
    if len(tensor.values) not in (0, width):
        raise ValueError(f"a record has {len(tensor.values)} features, and feature_dim is {width}")
    some = np.flatnonzero(tensor.values)
    return some, tensor.values[some]


def of_pairs(
    columns: NDArray[np.int64], values: NDArray[np.float64], width: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The columns and values of a row, checked.

    Raises:
        ValueError: a column is beyond the width, or they are not as many as the values.
    """
    if len(columns) != len(values):
        raise ValueError(f"{len(columns)} keys, and {len(values)} values")
    if len(columns) and not 0 <= columns.min() <= columns.max() < width:
        raise ValueError(f"a key is not below feature_dim, which is {width}")
    return columns, values


def read(channel: Channel, width: int) -> tuple[Rows, Numbers]:
    """The rows of a channel of RecordIO-wrapped protobuf, and their labels.

    Raises:
        CustomerError: with the channel, and what is wrong in it.
    """
    kind, _ = tables.media_type(channel.content_type or tables.RECORDIO)
    if kind != tables.RECORDIO:
        raise CustomerError(
            f"Channel {channel.name}: the content type {channel.content_type} is not supported. "
            f"Use {tables.RECORDIO}."
        )
    try:
        records = [one for _, data in channel.contents() for one in recordio.read(data)]
        rows, labels = of_records(records, width), labels_of(records)
    except ValueError as error:
        raise CustomerError(f"Channel {channel.name}: {error}") from error
    if labels is None and len(rows):
        raise CustomerError(f"Channel {channel.name}: records need a label named 'values'")
    if not np.isfinite(rows.values).all():
        raise CustomerError(f"Channel {channel.name}: a value is not a finite number")
    return rows, labels if labels is not None else np.empty(0)
