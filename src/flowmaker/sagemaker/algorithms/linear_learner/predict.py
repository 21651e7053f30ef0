"""A trained linear model: scores and labels for rows of features."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flowmaker.sagemaker.algorithms.answers import Row
from flowmaker.sagemaker.algorithms.linear_learner.losses import sigmoid, softmax
from flowmaker.sagemaker.algorithms.observations import Numbers, Points

MODEL = "linear-learner-model.npz"
SETTINGS = "linear-learner-model.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Linear:
    """The model. Of a classifier into two or a regressor there is one class."""

    #: By feature and class.
    weights: NDArray[np.float64]
    bias: Numbers
    predictor_type: str
    loss: str
    #: Of a binary classifier: from which score on it is 1.
    threshold: float = 0.5

    def scores(self, points: Points) -> NDArray[np.float64]:
        """By row and class: a probability of classifiers, but for the hinge loss."""
        outputs = points @ self.weights + self.bias
        if self.predictor_type == "multiclass_classifier":
            return softmax(outputs)
        return sigmoid(outputs) if self.loss == "logistic" else outputs

    def rows(self, points: Points) -> list[Row]:
        """The predictions as AWS names their parts."""
        scores = self.scores(points)
        if self.predictor_type == "regressor":
            return [{"score": score} for score in scores[:, 0].tolist()]
        if self.predictor_type == "binary_classifier":
            return [
                {"score": score, "predicted_label": int(score >= self.threshold)}
                for score in scores[:, 0].tolist()
            ]
        labels = scores.argmax(axis=1).tolist()
        pairs = zip(scores.tolist(), labels, strict=True)
        return [{"score": score, "predicted_label": label} for score, label in pairs]

    def save(self, folder: Path) -> None:
        """Writes the model into a folder, as numpy and JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(folder / MODEL, weights=self.weights, bias=self.bias)
        settings = {
            "predictor_type": self.predictor_type,
            "loss": self.loss,
            "threshold": self.threshold,
        }
        (folder / SETTINGS).write_text(json.dumps(settings))


def read(folder: Path) -> Linear:
    """The model that training left in a folder."""
    settings = json.loads((folder / SETTINGS).read_text())
    with np.load(folder / MODEL) as arrays:
        return Linear(weights=arrays["weights"], bias=arrays["bias"], **settings)
