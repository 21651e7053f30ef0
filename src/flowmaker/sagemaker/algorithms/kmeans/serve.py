"""Predictions over HTTP, as SageMaker's k-means gives them."""

from pathlib import Path

import numpy as np

from flowmaker.sagemaker.algorithms import answers, questions, tables
from flowmaker.sagemaker.algorithms.kmeans import clustering
from flowmaker.sagemaker.algorithms.kmeans.train import MODEL
from flowmaker.sagemaker.algorithms.observations import Points
from flowmaker.sagemaker.serving.model import Answer


class Clusters:
    """A trained model, ready to predict."""

    def __init__(self, centers: Points) -> None:
        self._centers = centers

    def predict(self, body: bytes, content_type: str, accept: str) -> Answer:
        """Answers a request; see the protocol."""
        wanted = answers.accepted(accept, answers.OFFERED, tables.JSON)
        points = questions.features(body, content_type, self._centers.shape[1])
        labels, squares = clustering.nearest(points, self._centers)
        pairs = zip(labels.tolist(), np.sqrt(squares).tolist(), strict=True)
        rows = [
            {"closest_cluster": float(label), "distance_to_cluster": distance}
            for label, distance in pairs
        ]
        return answers.encode(rows, wanted)


def load(folder: Path) -> Clusters:
    """The model of a folder."""
    with np.load(folder / MODEL) as arrays:
        return Clusters(arrays["centers"])
