"""The channels of a job as XGBoost's DMatrix."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from flowmaker.sagemaker.algorithms import recordio, tables
from flowmaker.sagemaker.algorithms.job import Channel, CustomerError
from flowmaker.sagemaker.algorithms.xgboost import libsvm
from flowmaker.sagemaker.algorithms.xgboost.libsvm import Features, Parsed, dmatrix


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """What was read: features, and for each row its label and perhaps weight and query."""

    features: Features
    label: NDArray[np.float32]
    weight: NDArray[np.float32] | None = None
    qid: NDArray[np.int64] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        rows, columns = self.features.shape
        return rows, columns


def _libsvm(parts: Sequence[bytes]) -> Table:
    rows = Parsed()
    for part in parts:
        for number, line in enumerate(part.decode().splitlines(), 1):
            try:
                if line.strip():
                    rows.add(line)
            except ValueError as error:
                raise ValueError(f"row {number}, '{line[:50]}': {error}") from error
    weights = rows.per_row(rows.weights, "weight")
    queries = rows.per_row(rows.queries, "qid")
    return Table(
        features=rows.rows(),
        label=np.asarray(rows.labels, dtype=np.float32),
        weight=None if weights is None else np.asarray(weights, dtype=np.float32),
        qid=None if queries is None else np.asarray(queries, dtype=np.int64),
    )


def _csv(parts: Sequence[bytes], *, weights: bool) -> Table:
    return _labelled([tables.read_csv(part) for part in parts if part.strip()], weights=weights)


def _parquet(parts: Sequence[bytes], *, piped: bool) -> Table:
    # Only here: it takes as long to import as the rest of the program.
    from flowmaker.sagemaker.algorithms.xgboost import parquet  # noqa: PLC0415

    files = [file for part in parts for file in parquet.split(part)] if piped else parts
    return _labelled(parquet.read(files), weights=False)


def _labelled(tables_read: Sequence[NDArray[np.float32]], *, weights: bool) -> Table:
    """Tables of which the first column is the label, and perhaps the second the weight."""
    if not tables_read:
        return Table(features=np.empty((0, 0), dtype=np.float32), label=np.empty(0, np.float32))
    widths = {table.shape[1] for table in tables_read}
    if len(widths) > 1:
        raise ValueError(f"files with different numbers of columns: {sorted(widths)}")
    table = np.concatenate(tables_read)
    first = 2 if weights else 1
    if table.shape[1] <= first:
        raise ValueError(f"{table.shape[1]} columns: the label comes first, features after it")
    return Table(
        features=table[:, first:],
        label=table[:, 0],
        weight=table[:, 1] if weights else None,
    )


def _recordio(parts: Sequence[bytes]) -> Table:
    records = [record for part in parts for record in recordio.read(part)]
    if any("values" not in record.label for record in records):
        raise ValueError("a record without a label named 'values'")
    labels = [float(record.label["values"].values[0]) for record in records]
    return Table(features=tables.stack(records), label=np.asarray(labels, dtype=np.float32))


def _reader(channel: Channel, *, weights: bool) -> Callable[[Sequence[bytes]], Table]:
    name, parameters = tables.media_type(channel.content_type or tables.LIBSVM)
    if name == tables.LIBSVM:
        if channel.piped:
            raise CustomerError(
                f"Channel {channel.name}: Pipe mode is not supported for libsvm. Use File or "
                f"FastFile, or {tables.CSV}, {tables.PARQUET} or {tables.RECORDIO}."
            )
        return _libsvm
    if name == tables.RECORDIO:
        return _recordio
    if name == tables.CSV:
        if parameters.get("label_size", "1") != "1":
            raise CustomerError(
                f"{channel.content_type} is not an accepted csv ContentType. "
                "Optional parameter label_size must be equal to 1"
            )
        return lambda parts: _csv(parts, weights=weights)
    if name == tables.PARQUET:
        return lambda parts: _parquet(parts, piped=channel.piped)
    raise CustomerError(
        f"{channel.content_type} is not an accepted ContentType: csv, libsvm, parquet, "
        f"recordio-protobuf, {tables.CSV}, {tables.LIBSVM}, text/x-libsvm, {tables.PARQUET}, "
        f"{tables.RECORDIO}."
    )


def read(channel: Channel, *, weights: bool = False) -> Table:
    """All the files of a channel as one table.

    Raises:
        CustomerError: with the channel, and what is wrong in it.
    """
    reader = _reader(channel, weights=weights)
    try:
        return reader([data for _, data in channel.contents()])
    except ValueError as error:
        kind = channel.content_type or tables.LIBSVM
        raise CustomerError(
            f"Failed to load the {channel.name} channel as {kind}: {error}. "
            "Set the channel's ContentType to what the files are."
        ) from error


def joined(first: Table, second: Table) -> Table:
    """The rows of both; what only one has, weights for example, counts as absent."""
    weights = (first.weight, second.weight)
    return Table(
        features=libsvm.joined(first.features, second.features),
        label=np.concatenate([first.label, second.label]),
        weight=None
        if weights[0] is None or weights[1] is None
        else np.concatenate([weights[0], weights[1]]),
    )


def matrix(table: Table, columns: int) -> xgb.DMatrix:
    """XGBoost's own form, with at least so many columns."""
    return dmatrix(table.features, columns, label=table.label, weight=table.weight, qid=table.qid)
