"""The channels of a k-means job as points."""

import numpy as np

from flowmaker.sagemaker.algorithms import recordio, tables
from flowmaker.sagemaker.algorithms.job import Channel, CustomerError
from flowmaker.sagemaker.algorithms.kmeans.clustering import Points


def _label_size(channel: Channel, parameters: dict[str, str]) -> int:
    size = parameters.get("label_size", "1")
    if size not in ("0", "1"):
        raise CustomerError(f"Channel {channel.name}: label_size is {size}; it can be 0 or 1.")
    return int(size)


def _csv(channel: Channel, parameters: dict[str, str], width: int) -> list[Points]:
    skipped = _label_size(channel, parameters)
    parts: list[Points] = []
    for path in channel.files():
        table = tables.read_csv(path.read_bytes())
        if table.size and table.shape[1] - skipped != width:
            raise ValueError(
                f"{path.name} has {table.shape[1]} columns, {skipped} of them a label, and "
                f"feature_dim is {width}. Rows without a label need the ContentType "
                "text/csv;label_size=0"
            )
        if table.size:
            parts.append(table[:, skipped:])
    return parts


def read(channel: Channel, width: int) -> Points:
    """All the points of a channel, each of so many features.

    Raises:
        CustomerError: with the channel, and what is wrong in it.
    """
    kind, parameters = tables.media_type(channel.content_type or tables.RECORDIO)
    try:
        if kind == tables.CSV:
            parts = _csv(channel, parameters, width)
        elif kind == tables.RECORDIO:
            parts = [_records(path.read_bytes(), width) for path in channel.files()]
        else:
            raise CustomerError(
                f"Channel {channel.name}: the content type {channel.content_type} is not "
                f"supported. Use {tables.RECORDIO} or {tables.CSV}."
            )
    except ValueError as error:
        raise CustomerError(
            f"Channel {channel.name}: {error}. It was read as {kind}: set the channel's "
            "ContentType if it is something else."
        ) from error
    points = np.concatenate([np.empty((0, width), dtype=np.float32), *parts])
    if not np.isfinite(points).all():
        raise CustomerError(f"Channel {channel.name}: a value is missing, or not a finite number")
    return points


def _records(data: bytes, width: int) -> Points:
    points = tables.stack(list(recordio.read(data)), width)
    if len(points) and points.shape[1] != width:
        raise ValueError(f"records have {points.shape[1]} features, and feature_dim is {width}")
    return points
