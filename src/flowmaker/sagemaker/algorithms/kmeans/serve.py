"""Predictions over HTTP, as SageMaker's k-means gives them."""

import json
import sys
from http import HTTPStatus
from pathlib import Path
from typing import cast

import numpy as np

from flowmaker.sagemaker.algorithms import answers, recordio, tables
from flowmaker.sagemaker.algorithms.kmeans import clustering
from flowmaker.sagemaker.algorithms.kmeans.clustering import Points
from flowmaker.sagemaker.algorithms.kmeans.train import MODEL
from flowmaker.sagemaker.serving import server
from flowmaker.sagemaker.serving.model import Answer, Refused

_ACCEPTED = (tables.JSON, tables.JSON_LINES, tables.RECORDIO, tables.CSV)


class Clusters:
    """A trained model, ready to predict."""

    def __init__(self, centers: Points) -> None:
        self._centers = centers

    def predict(self, body: bytes, content_type: str, accept: str) -> Answer:
        """Answers a request; see the protocol."""
        wanted = answers.accepted(accept, _ACCEPTED, tables.JSON)
        points = _read(body, content_type)
        width = self._centers.shape[1]
        if points.shape[1] != width:
            raise Refused(
                HTTPStatus.BAD_REQUEST,
                f"The data has {points.shape[1]} features, the model has {width}.",
            )
        labels, squares = clustering.nearest(points, self._centers)
        pairs = zip(labels.tolist(), np.sqrt(squares).tolist(), strict=True)
        rows = [
            {"closest_cluster": float(label), "distance_to_cluster": distance}
            for label, distance in pairs
        ]
        return _encode(rows, wanted)


def _encode(rows: list[dict[str, float]], wanted: str) -> Answer:
    if wanted == tables.JSON:
        return answers.json_of({"predictions": rows})
    if wanted == tables.JSON_LINES:
        return answers.json_lines(rows)
    if wanted == tables.RECORDIO:
        records = (
            recordio.write(
                label={name: np.array([value], dtype=np.float32) for name, value in row.items()}
            )
            for row in rows
        )
        return Answer(b"".join(records), tables.RECORDIO)
    lines = (f"{row['closest_cluster']},{row['distance_to_cluster']}\n" for row in rows)
    return Answer("".join(lines).encode(), tables.CSV)


def _instance(value: object) -> list[float]:
    """The features of one instance, in either of the forms that SageMaker's JSON has."""
    if isinstance(value, dict):
        for name in ("data", "features", "values"):
            if name in value:
                return _instance(cast("dict[str, object]", value)[name])
    if not isinstance(value, list):
        raise ValueError('an instance must be {"features": [...]}')  # noqa: TRY004
    return [float(cast("float", each)) for each in cast("list[object]", value)]


def _table(rows: list[list[float]]) -> Points:
    if len({len(row) for row in rows}) > 1:
        raise ValueError("instances with different numbers of features")
    return np.asarray(rows, dtype=np.float32).reshape(len(rows), -1)


def _json(body: bytes) -> Points:
    document: object = json.loads(body)
    if not isinstance(document, dict) or "instances" not in document:
        raise ValueError('it must be {"instances": [{"features": [...]}, ...]}')
    instances = cast("dict[str, list[object]]", document)["instances"]
    return _table([_instance(one) for one in instances])


def _read(body: bytes, content_type: str) -> Points:
    kind, _ = tables.media_type(content_type or tables.CSV)
    try:
        if kind == tables.CSV:
            return tables.parse_csv(body.decode())
        if kind == tables.JSON:
            return _json(body)
        if kind == tables.JSON_LINES:
            return _table([_instance(json.loads(line)) for line in body.splitlines() if line])
        if kind == tables.RECORDIO:
            return tables.stack(list(recordio.read(body)))
    except (ValueError, TypeError) as error:
        raise Refused(
            HTTPStatus.BAD_REQUEST, f"The body could not be read as {kind}: {error}"
        ) from error
    raise Refused(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        f"Content-type {kind} is not supported. Supported are {tables.CSV}, {tables.JSON}, "
        f"{tables.JSON_LINES} and {tables.RECORDIO}.",
    )


def serve(folder: Path) -> int:
    """Serves the model of a folder until it is told to end."""
    try:
        with np.load(folder / MODEL) as arrays:
            clusters = Clusters(arrays["centers"])
    except (OSError, KeyError, ValueError) as error:
        print(  # noqa: T201 - the log
            f"Unable to load model: the model archive must hold {MODEL}, as training here writes "
            f"it ({error})",
            file=sys.stderr,
        )
        return 1
    server.serve(clusters)
    return 0
