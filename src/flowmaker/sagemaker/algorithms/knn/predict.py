"""A trained model of k-nearest neighbors: labels for rows of features."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flowmaker.sagemaker.algorithms.knn.neighbors import Index, Reduction, mean, vote
from flowmaker.sagemaker.algorithms.observations import Numbers, Points

MODEL = "knn-model.npz"
SETTINGS = "knn-model.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Labelled:
    """What is predicted for some rows, and of which neighbors."""

    predicted: Numbers
    #: Of the k neighbors of each row, the nearest first.
    labels: NDArray[np.float64]
    distances: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Neighbors:
    """The model."""

    index: Index
    classifies: bool
    reduction: Reduction | None
    #: Features of a row as it is sent, before any reduction.
    width: int

    @classmethod
    def of(
        cls,
        *,
        points: Points,
        labels: Numbers,
        k: int,
        metric: str,
        classifies: bool,
        reduction: Reduction | None,
    ) -> "Neighbors":
        """A model of a sample, whose points are reduced already."""
        width = len(reduction.directions) if reduction else points.shape[1]
        index = Index(points=points, labels=labels, k=k, metric=metric)
        return cls(index, classifies, reduction, width)

    def labels(self, points: Points) -> Labelled:
        """What is predicted for rows of `width` features."""
        queries = self.reduction(points) if self.reduction else points
        rows, distances = self.index.search(queries)
        labels = self.index.labels[rows]
        predicted = vote(labels) if self.classifies else mean(labels)
        return Labelled(predicted=predicted, labels=labels, distances=distances)


def read(folder: Path) -> Neighbors:
    """The model that training left in a folder."""
    settings = json.loads((folder / SETTINGS).read_text())
    with np.load(folder / MODEL) as arrays:
        directions = arrays["directions"]
        return Neighbors.of(
            points=arrays["points"],
            labels=arrays["labels"],
            k=settings["k"],
            metric=settings["metric"],
            classifies=settings["predictor_type"] == "classifier",
            reduction=Reduction(directions) if directions.size else None,
        )
