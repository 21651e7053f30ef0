"""The metrics that SageMaker adds to XGBoost's own, over the labels that are predicted."""

from collections.abc import Callable

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Metric = Callable[[NDArray[np.float32], xgb.DMatrix], list[tuple[str, float]]]


def _labels(predicted: Numbers, objective: str) -> Numbers:
    """The class that a prediction stands for: SageMaker scores classes, not probabilities."""
    if predicted.ndim > 1:
        return np.argmax(predicted, axis=1).astype(float)
    if objective == "binary:logitraw":
        return (predicted > 0).astype(float)
    if objective.startswith("binary:"):
        return (predicted > 0.5).astype(float)  # noqa: PLR2004 - an even chance
    return predicted


def _ratio(part: Numbers, whole: Numbers) -> Numbers:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _counts(labels: Numbers, truth: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Of each class: rightly predicted, predicted, and there."""
    classes: Numbers = np.union1d(labels, truth)
    hits = np.array([np.sum((labels == one) & (truth == one)) for one in classes], dtype=float)
    predicted = np.array([np.sum(labels == one) for one in classes], dtype=float)
    there = np.array([np.sum(truth == one) for one in classes], dtype=float)
    return hits, predicted, there


def _precision(labels: Numbers, truth: Numbers) -> Numbers:
    hits, predicted, _ = _counts(labels, truth)
    return _ratio(hits, predicted)


def _recall(labels: Numbers, truth: Numbers) -> Numbers:
    hits, _, there = _counts(labels, truth)
    return _ratio(hits, there)


def _f1(labels: Numbers, truth: Numbers) -> Numbers:
    hits, predicted, there = _counts(labels, truth)
    return _ratio(2 * hits, predicted + there)


def _accuracy(labels: Numbers, truth: Numbers) -> float:
    return int(np.count_nonzero(labels == truth)) / len(truth)


def _balanced_accuracy(labels: Numbers, truth: Numbers) -> float:
    hits, _, there = _counts(labels, truth)
    return float(np.sum(_ratio(hits, there))) / int(np.sum(there > 0))


def _of_class_one(
    score: Callable[[Numbers, Numbers], Numbers],
) -> Callable[[Numbers, Numbers], float]:
    def of_one(labels: Numbers, truth: Numbers) -> float:
        classes: Numbers = np.union1d(labels, truth)
        scored = score(labels, truth)
        return float(np.sum(scored[classes == 1]))

    return of_one


def _mean(score: Callable[[Numbers, Numbers], Numbers]) -> Callable[[Numbers, Numbers], float]:
    return lambda labels, truth: float(np.mean(score(labels, truth)))


def _weighted_f1(labels: Numbers, truth: Numbers) -> float:
    _, _, there = _counts(labels, truth)
    return float(np.average(_f1(labels, truth), weights=there))


def _mse(predicted: Numbers, truth: Numbers) -> float:
    return float(np.mean((predicted - truth) ** 2))


def _r2(predicted: Numbers, truth: Numbers) -> float:
    spread = float(np.sum((truth - truth.mean()) ** 2))
    return 1 - float(np.sum((truth - predicted) ** 2)) / spread if spread else 0.0


_OF_CLASSES: dict[str, Callable[[Numbers, Numbers], float]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "f1": _weighted_f1,
    "f1_binary": _of_class_one(_f1),
    "f1_macro": _mean(_f1),
    "precision": _of_class_one(_precision),
    "precision_macro": _mean(_precision),
    # Over all classes at once, each row is one prediction and one truth: it is the accuracy.
    "precision_micro": _accuracy,
    "recall": _of_class_one(_recall),
    "recall_macro": _mean(_recall),
    "recall_micro": _accuracy,
}
_OF_NUMBERS = {"mse": _mse, "r2": _r2}


def custom_metric(names: list[str], objective: str) -> Metric:
    """What `xgboost.train` calls for the metrics that XGBoost does not have."""

    def evaluate(predicted: NDArray[np.float32], data: xgb.DMatrix) -> list[tuple[str, float]]:
        truth = np.asarray(data.get_label(), dtype=float)
        numbers = np.asarray(predicted, dtype=float)
        labels = _labels(numbers, objective)
        return [
            (name, _OF_NUMBERS[name](numbers, truth))
            if name in _OF_NUMBERS
            else (name, _OF_CLASSES[name](labels, truth))
            for name in names
        ]

    return evaluate
