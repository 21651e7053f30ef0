"""How good predictions are, and where the threshold of a binary classifier lies. Numpy alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flowmaker.sagemaker.algorithms.observations import Numbers


@dataclass(frozen=True, slots=True)
class Counts:
    """Of a binary classification: who was called what; arrays for several thresholds."""

    true_positives: Numbers
    false_positives: Numbers
    positives: float
    negatives: float

    @property
    def accuracy(self) -> Numbers:
        right = self.true_positives + self.negatives - self.false_positives
        return right / (self.positives + self.negatives)

    @property
    def precision(self) -> Numbers:
        called = self.true_positives + self.false_positives
        return np.divide(self.true_positives, called, out=np.zeros_like(called), where=called > 0)

    @property
    def recall(self) -> Numbers:
        return self.true_positives / max(self.positives, 1)

    def f(self, beta: float) -> Numbers:
        called = self.true_positives + self.false_positives
        weighted = beta**2 * self.positives + called
        whole = (1 + beta**2) * self.true_positives
        return np.divide(whole, weighted, out=np.zeros_like(weighted), where=weighted > 0)


def at(scores: Numbers, targets: Numbers, threshold: float) -> Counts:
    """What calling positive all from the threshold on comes to."""
    called = scores >= threshold
    hits = np.asarray(float((called & (targets > 0)).sum()))
    misses = np.asarray(float((called & (targets <= 0)).sum()))
    return Counts(hits, misses, float((targets > 0).sum()), float((targets <= 0).sum()))


@dataclass(frozen=True, slots=True)
class Calibration:
    """A threshold, and how good it is by the criterion."""

    threshold: float
    value: float


def calibrate(
    scores: Numbers, targets: Numbers, criterion: str, *, beta: float, target: float
) -> Calibration:
    """The threshold that is best by the criterion; `target` is that of a precision or a recall."""
    order = np.argsort(-scores, kind="stable")
    ranked, positive = scores[order], targets[order] > 0
    # Only between different scores can a threshold lie.
    last = np.append(ranked[1:] != ranked[:-1], True)
    counts = Counts(
        np.cumsum(positive)[last].astype(np.float64),
        np.cumsum(~positive)[last].astype(np.float64),
        float(positive.sum()),
        float((~positive).sum()),
    )
    values = _by(counts, criterion, beta, target)
    best = int(np.argmax(values))
    cuts = ranked[last]
    below = cuts[best + 1] if best + 1 < len(cuts) else cuts[best]
    return Calibration(float((cuts[best] + below) / 2), float(values[best]))


def _by(counts: Counts, criterion: str, beta: float, target: float) -> Numbers:
    if criterion == "precision_at_target_recall":
        return np.where(counts.recall >= target, counts.precision, counts.recall - 1)
    if criterion == "recall_at_target_precision":
        return np.where(counts.precision >= target, counts.recall, counts.precision - 1)
    if criterion in ("f_beta", "f1"):
        return counts.f(beta if criterion == "f_beta" else 1)
    return counts.accuracy


def area_under_curve(scores: Numbers, targets: Numbers) -> float:
    """Of all pairs of a positive and a negative, how many have the positive above."""
    _, place, tied = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(tied) - (tied - 1) / 2
    positive = targets > 0
    some, others = float(positive.sum()), float((~positive).sum())
    if not some or not others:
        return 0.5
    return float((ranks[place][positive].sum() - some * (some + 1) / 2) / (some * others))


def multiclass(
    outputs: NDArray[np.float64], targets: Numbers, *, top: int, beta: float
) -> dict[str, float]:
    """The scores of a classifier into classes, by their names."""
    wanted = targets.astype(np.int64)
    called = outputs.argmax(axis=1)
    own = outputs[np.arange(len(outputs)), wanted]
    better = (outputs > own[:, None]).sum(axis=1)
    classes = np.unique(wanted)
    counts = [
        at((called == one).astype(float), (wanted == one).astype(float), 1) for one in classes
    ]
    return {
        "multiclass_accuracy": float(np.mean(np.equal(called, wanted))),
        "multiclass_top_k_accuracy": float(np.count_nonzero(better < top) / len(better)),
        "macro_precision": float(np.mean([one.precision for one in counts])),
        "macro_recall": float(np.mean([one.recall for one in counts])),
        "macro_f_beta": float(np.mean([one.f(beta) for one in counts])),
    }


def regression(outputs: Numbers, targets: Numbers) -> dict[str, float]:
    """The errors of a regressor, by their names."""
    away = outputs - targets
    square = float(np.mean(away**2))
    return {"mse": square, "rmse": square**0.5, "absolute_loss": float(np.mean(np.abs(away)))}
