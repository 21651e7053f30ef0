"""Predictions over HTTP, as SageMaker's linear learner gives them."""

from pathlib import Path

from flowmaker.sagemaker.algorithms import answers, questions, tables
from flowmaker.sagemaker.algorithms.linear_learner import predict
from flowmaker.sagemaker.algorithms.linear_learner.predict import Linear
from flowmaker.sagemaker.serving.model import Answer


class Predictions:
    """A trained model, ready to predict."""

    def __init__(self, linear: Linear) -> None:
        self._linear = linear

    def predict(self, body: bytes, content_type: str, accept: str) -> Answer:
        """Answers a request; see the protocol."""
        wanted = answers.accepted(accept, answers.OFFERED, tables.JSON)
        points = questions.features(body, content_type, len(self._linear.weights))
        return answers.encode(self._linear.rows(points), wanted)


def load(folder: Path) -> Predictions:
    """The model of a folder."""
    return Predictions(predict.read(folder))
