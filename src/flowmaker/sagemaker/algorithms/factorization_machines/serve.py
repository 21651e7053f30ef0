"""Predictions over HTTP, as SageMaker's factorization machines give them."""

from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from flowmaker.sagemaker.algorithms import answers, questions, recordio, sparse, tables
from flowmaker.sagemaker.algorithms.factorization_machines import predict
from flowmaker.sagemaker.algorithms.factorization_machines.predict import Predictor
from flowmaker.sagemaker.algorithms.sparse import Rows
from flowmaker.sagemaker.serving.model import Answer


class Predictions:
    """A trained model, ready to predict."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    def predict(self, body: bytes, content_type: str, accept: str) -> Answer:
        """Answers a request; see the protocol."""
        wanted = answers.accepted(accept, answers.OFFERED, tables.JSON)
        scores = self._predictor.scores(_rows(body, content_type, self._predictor.width))
        if not self._predictor.classifies:
            return answers.encode([{"score": score} for score in scores.tolist()], wanted)
        labels = self._predictor.labels(scores).tolist()
        pairs = zip(scores.tolist(), labels, strict=True)
        rows = [{"score": score, "predicted_label": label} for score, label in pairs]
        return answers.encode(rows, wanted)


def _rows(body: bytes, content_type: str, width: int) -> Rows:
    """The rows of a request; raises Refused."""
    kind, _ = tables.media_type(content_type or tables.RECORDIO)
    try:
        if kind == tables.RECORDIO:
            return sparse.of_records(list(recordio.read(body)), width)
        if kind in (tables.JSON, tables.JSON_LINES):
            return Rows.of([_instance(one, width) for one in questions.instances(body, kind)])
    except (ValueError, TypeError, KeyError) as error:
        raise questions.unreadable(kind, error) from error
    raise questions.unsupported(kind, tables.JSON, tables.JSON_LINES, tables.RECORDIO)


def _instance(value: object, width: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The columns and values of a JSON instance: all its numbers, or keys and values."""
    if isinstance(value, dict):
        given = cast("dict[str, list[float]]", value)
        keys = np.asarray(given["keys"], dtype=np.int64)
        return sparse.of_pairs(keys, np.asarray(given["values"], dtype=np.float64), width)
    numbers = np.asarray(value, dtype=np.float64)
    if numbers.shape != (width,):
        raise ValueError(f"an instance has {numbers.size} features, the model has {width}")
    some = np.flatnonzero(numbers)
    return some, numbers[some]


def load(folder: Path) -> Predictions:
    """The model of a folder."""
    return Predictions(predict.read(folder))
