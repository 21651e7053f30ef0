"""The channels of a job with one of Amazon's own algorithms, as rows of features and their labels.

Files are RecordIO-wrapped protobuf, or CSV whose first column is the label unless the content type
says `label_size=0`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flowmaker.sagemaker.algorithms import recordio, tables
from flowmaker.sagemaker.algorithms.job import Channel, CustomerError, Job

Points = NDArray[np.float32]
Numbers = NDArray[np.float64]

_LABEL = "values"


@dataclass(frozen=True, slots=True)
class Observations:
    """Rows of a channel."""

    #: A row of `feature_dim` for each.
    features: Points
    #: One number for each; None where the data has no labels.
    labels: Numbers | None

    def __len__(self) -> int:
        return len(self.features)

    @property
    def targets(self) -> Numbers:
        """The labels of an algorithm that cannot do without.

        Raises:
            CustomerError: there are none.
        """
        if self.labels is None:
            raise CustomerError(
                "The data has no labels. Records need a label named 'values'; rows of CSV have it "
                "in the first column, with the ContentType text/csv"
            )
        return self.labels


def read(channel: Channel, width: int = 0) -> Observations:
    """All rows of a channel; `width` is feature_dim, 0 for what the data has.

    Raises:
        CustomerError: with the channel, and what is wrong in it.
    """
    kind, parameters = tables.media_type(channel.content_type or tables.RECORDIO)
    try:
        if kind == tables.CSV:
            found = _csv(channel, parameters, width)
        elif kind == tables.RECORDIO:
            found = [_records(data, width) for _, data in channel.contents()]
        else:
            raise CustomerError(
                f"Channel {channel.name}: the content type {channel.content_type} is not "
                f"supported. Use {tables.RECORDIO} or {tables.CSV}."
            )
        whole = _joined([part for part in found if len(part)], width)
    except ValueError as error:
        raise CustomerError(
            f"Channel {channel.name}: {error}. It was read as {kind}: set the channel's "
            "ContentType if it is something else."
        ) from error
    if not np.isfinite(whole.features).all():
        raise CustomerError(f"Channel {channel.name}: a value is missing, or not a finite number")
    if whole.labels is not None and not np.isfinite(whole.labels).all():
        raise CustomerError(f"Channel {channel.name}: a label is missing, or not a finite number")
    return whole


def train_channel(job: Job, width: int = 0) -> Observations:
    """The rows of the channel that every algorithm needs; none where other instances have them.

    Raises:
        CustomerError: it is not there, or nobody has a row of it.
    """
    if "train" not in job.channels:
        raise CustomerError("Missing required channel: train")
    rows = read(job.channels["train"], width)
    if not len(rows) and len(job.hosts) == 1:
        raise CustomerError("No data in the train channel")
    return rows


def evaluation_channel(job: Job, name: str, width: int = 0) -> Observations | None:
    """The rows of a channel that may be given; None if it is not.

    Raises:
        CustomerError: it is there, and empty.
    """
    if name not in job.channels:
        return None
    rows = read(job.channels[name], width)
    if not len(rows):
        raise CustomerError(f"No data in the {name} channel")
    return rows


def _joined(parts: Sequence[Observations], width: int) -> Observations:
    if not parts:
        return Observations(np.empty((0, width), dtype=np.float32), np.empty(0))
    if len({part.features.shape[1] for part in parts}) > 1:
        raise ValueError("files with different numbers of features")
    labels = [part.labels for part in parts if part.labels is not None]
    if 0 < len(labels) < len(parts):
        raise ValueError("some files have labels, and some have none")
    features = np.concatenate([part.features for part in parts])
    return Observations(features, np.concatenate(labels) if labels else None)


def _label_size(channel: Channel, parameters: dict[str, str]) -> int:
    size = parameters.get("label_size", "1")
    if size not in ("0", "1"):
        raise CustomerError(f"Channel {channel.name}: label_size is {size}; it can be 0 or 1.")
    return int(size)


def _csv(channel: Channel, parameters: dict[str, str], width: int) -> list[Observations]:
    label = _label_size(channel, parameters)
    parts: list[Observations] = []
    for name, data in channel.contents():
        table = tables.read_csv(data)
        if not table.size:
            continue
        if width and table.shape[1] - label != width:
            raise ValueError(
                f"{name} has {table.shape[1]} columns, {label} of them a label, and "
                f"feature_dim is {width}. Rows without a label need the ContentType "
                "text/csv;label_size=0"
            )
        labels = table[:, 0].astype(np.float64) if label else None
        parts.append(Observations(table[:, label:], labels))
    return parts


def _records(data: bytes, width: int) -> Observations:
    rows = list(recordio.read(data))
    points = tables.stack(rows, width)
    if width and len(points) and points.shape[1] != width:
        raise ValueError(f"records have {points.shape[1]} features, and feature_dim is {width}")
    return Observations(points, labels_of(rows))


def labels_of(rows: Sequence[recordio.Record]) -> Numbers | None:
    """The label of each record; None where none has one.

    Raises:
        ValueError: some have a label and some not, or one has several.
    """
    labelled = [row.label[_LABEL].values for row in rows if _LABEL in row.label]
    if not labelled:
        return None
    if len(labelled) < len(rows):
        raise ValueError("some records have a label, and some have none")
    if any(len(values) != 1 for values in labelled):
        raise ValueError("a label of more than one number")
    return np.concatenate(labelled)
