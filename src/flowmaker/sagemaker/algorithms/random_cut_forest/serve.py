"""Scores over HTTP, as SageMaker's random cut forest gives them."""

from pathlib import Path

import numpy as np

from flowmaker.sagemaker.algorithms import answers, questions, tables
from flowmaker.sagemaker.algorithms.random_cut_forest.forest import Forest
from flowmaker.sagemaker.algorithms.random_cut_forest.train import MODEL
from flowmaker.sagemaker.serving.model import Answer


class Scores:
    """A trained model, ready to tell how strange something is."""

    def __init__(self, forest: Forest) -> None:
        self.forest = forest

    def predict(self, body: bytes, content_type: str, accept: str) -> Answer:
        """Answers a request; see the protocol."""
        wanted = answers.accepted(accept, answers.OFFERED, tables.JSON)
        points = questions.features(body, content_type, self.forest.low.shape[1])
        rows = [{"score": score} for score in self.forest.scores(points).tolist()]
        return answers.encode(rows, wanted, under="scores")


def load(folder: Path) -> Scores:
    """The model of a folder."""
    with np.load(folder / MODEL) as arrays:
        return Scores(Forest(**{name: arrays[name] for name in arrays.files}))
