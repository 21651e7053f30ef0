"""Projections over HTTP, as SageMaker's PCA gives them."""

from pathlib import Path

import numpy as np

from flowmaker.sagemaker.algorithms import answers, questions, tables
from flowmaker.sagemaker.algorithms.pca.components import Components
from flowmaker.sagemaker.algorithms.pca.train import MODEL
from flowmaker.sagemaker.serving.model import Answer


class Projector:
    """A trained model, ready to project."""

    def __init__(self, components: Components) -> None:
        self._components = components

    def predict(self, body: bytes, content_type: str, accept: str) -> Answer:
        """Answers a request; see the protocol."""
        wanted = answers.accepted(accept, answers.OFFERED, tables.JSON)
        points = questions.features(body, content_type, len(self._components.mean))
        rows = [{"projection": row} for row in self._components.project(points).tolist()]
        return answers.encode(rows, wanted, under="projections")


def load(folder: Path) -> Projector:
    """The model of a folder."""
    with np.load(folder / MODEL) as arrays:
        return Projector(Components(arrays["mean"], arrays["v"], arrays["s"]))
