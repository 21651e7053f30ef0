"""Training: every tree has its own sample of all rows of all instances; the first grows them.

The model is `rcf-model.npz`, as numpy writes it: the arrays of the forest's nodes.
"""

import io
import time
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial

import numpy as np
from numpy.typing import NDArray

from flowmaker.sagemaker.algorithms import observations
from flowmaker.sagemaker.algorithms.exchange import exchange
from flowmaker.sagemaker.algorithms.job import Job
from flowmaker.sagemaker.algorithms.observations import Observations, Points
from flowmaker.sagemaker.algorithms.random_cut_forest import forest
from flowmaker.sagemaker.algorithms.random_cut_forest.forest import Forest
from flowmaker.sagemaker.algorithms.reports import progress, quality

MODEL = "rcf-model.npz"

_TREES, _SAMPLES = 100, 256
_SEED = 0
#: A test row is called an anomaly if its score is so many standard deviations above the mean.
_DEVIATIONS = 3


def _drawn(job: Job, points: Points, trees: int, size: int) -> bytes:
    """For each tree this instance's best lots: those of all rows that have the smallest."""
    rng = np.random.default_rng([_SEED, job.hosts.index(job.host)])
    count = min(size, len(points))
    rows = np.empty((trees, count), dtype=np.int64)
    lots = np.empty((trees, count))
    for tree in range(trees):
        drawn = rng.random(len(points))
        rows[tree] = np.argpartition(drawn, count - 1)[:count] if count else []
        lots[tree] = drawn[rows[tree]]
    return _packed(points[rows], lots)


def _packed(points: NDArray[np.float32], lots: NDArray[np.float64]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, points=points, lots=lots)
    return buffer.getvalue()


def _combined(everyone: Mapping[str, bytes], size: int) -> bytes:
    """For each tree the rows with the smallest lots of all instances: drawn of all rows alike."""
    points: list[NDArray[np.float32]] = []
    lots: list[NDArray[np.float64]] = []
    for packed in everyone.values():
        with np.load(io.BytesIO(packed)) as arrays:
            points.append(arrays["points"])
            lots.append(arrays["lots"])
    all_points, all_lots = np.concatenate(points, axis=1), np.concatenate(lots, axis=1)
    best = np.argsort(all_lots, axis=1)[:, :size]
    return _packed(
        np.take_along_axis(all_points, best[:, :, None], axis=1),
        np.take_along_axis(all_lots, best, axis=1),
    )


def train(job: Job) -> None:
    """The whole job."""
    width = job.integer("feature_dim", 1)
    trees, size = job.integer("num_trees", _TREES), job.integer("num_samples_per_tree", _SAMPLES)
    points = observations.train_channel(job, width).features
    begin = time.perf_counter()
    mine = _drawn(job, points, trees, size)
    drawn = exchange(job, "samples", mine, partial(_combined, size=size))
    if not job.leads:
        return
    with np.load(io.BytesIO(drawn)) as arrays:
        grown = forest.grow(list(arrays["points"]), np.random.default_rng(_SEED))
    progress(job, 0, 1, len(points), time.perf_counter() - begin)
    test = observations.evaluation_channel(job, "test", width)
    if test is not None:
        _test(job, grown, test)
    job.model.mkdir(parents=True, exist_ok=True)
    np.savez(job.model / MODEL, **asdict(grown))


def _test(job: Job, grown: Forest, rows: Observations) -> None:
    scores = grown.scores(rows.features)
    called = scores > scores.mean() + _DEVIATIONS * scores.std()
    actual = rows.targets > 0
    hits = int((called & actual).sum())
    wanted = job.words("eval_metrics") or ["accuracy", "precision_recall_fscore"]
    if "accuracy" in wanted:
        quality(job, "test", "accuracy", float(np.mean(np.equal(called, actual))), kind="score")
    if "precision_recall_fscore" in wanted:
        quality(job, "test", "precision", hits / max(1, int(called.sum())), kind="score")
        quality(job, "test", "recall", hits / max(1, int(actual.sum())), kind="score")
        both = int(called.sum()) + int(actual.sum())
        quality(job, "test", "f1", 2 * hits / max(1, both), kind="score")
