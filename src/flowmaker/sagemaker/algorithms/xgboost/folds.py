"""Cross-validation inside a job: every row is in the validation of one fold of each round.

As in AWS's container the rows of train and validation are taken together; the folds of a
classification have the classes in the same shares.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from flowmaker.sagemaker.algorithms.xgboost.progress import last

Rows = NDArray[np.int64]
#: By data set and metric the values of all rounds of boosting.
Evaluations = Mapping[str, Mapping[str, list[float] | list[tuple[float, float]]]]


def split(labels: NDArray[np.float32], *, folds: int, classes: bool, seed: int) -> list[Rows]:
    """The rows of each fold, shuffled; of a classification with each class shared out evenly.

    Raises:
        ValueError: there are fewer rows, or of every class fewer, than folds.
    """
    rng = np.random.default_rng(seed)
    groups = [np.flatnonzero(labels == one) for one in np.unique(labels)] if classes else None
    largest = max(map(len, groups), default=0) if groups else len(labels)
    if largest < folds:
        raise ValueError(f"_kfold is {folds}, and there are only {largest} rows to share out")
    order = np.concatenate([rng.permutation(group) for group in groups or [np.arange(len(labels))]])
    return [np.sort(order[number::folds]) for number in range(folds)]


def pairs(parts: Sequence[Rows]) -> Iterator[tuple[Rows, Rows]]:
    """For each fold the rows to train with, and those to validate with."""
    for number, held in enumerate(parts):
        rest = [part for other, part in enumerate(parts) if other != number]
        yield np.sort(np.concatenate(rest)), held


def means(rounds: int, evaluations: Sequence[Evaluations]) -> str:
    """The line of the log with the mean of each metric over the folds."""
    scores = [
        f"{data_set}-{metric}:{np.mean([last(one[data_set][metric]) for one in evaluations]):.5f}"
        for metric in evaluations[0]["train"]
        for data_set in ("train", "validation")
    ]
    return "\t".join([f"[{rounds}]", *scores])
