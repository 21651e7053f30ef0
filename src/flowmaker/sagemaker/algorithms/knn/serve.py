"""Predictions over HTTP, as SageMaker's k-nearest neighbors gives them."""

from pathlib import Path

from flowmaker.sagemaker.algorithms import answers, questions, tables
from flowmaker.sagemaker.algorithms.knn import predict
from flowmaker.sagemaker.algorithms.knn.predict import Neighbors
from flowmaker.sagemaker.serving.model import Answer


class Labels:
    """A trained model, ready to predict."""

    def __init__(self, neighbors: Neighbors) -> None:
        self._neighbors = neighbors

    def predict(self, body: bytes, content_type: str, accept: str) -> Answer:
        """Answers a request; with `; verbose=true` in Accept it tells the neighbors too."""
        wanted = answers.accepted(accept, answers.OFFERED, tables.JSON)
        points = questions.features(body, content_type, self._neighbors.width)
        found = self._neighbors.labels(points)
        rows: list[answers.Row] = [{"predicted_label": label} for label in found.predicted.tolist()]
        if tables.media_type(accept)[1].get("verbose") == "true":
            rows = [
                {**row, "distances": distances, "labels": labels}
                for row, distances, labels in zip(
                    rows, found.distances.tolist(), found.labels.tolist(), strict=True
                )
            ]
        return answers.encode(rows, wanted)


def load(folder: Path) -> Labels:
    """The model of a folder."""
    return Labels(predict.read(folder))
