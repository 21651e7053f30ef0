"""Training: every instance follows its own points; the first makes k centers of all theirs.

The model is `kmeans-model.npz`, as numpy writes it, with one array: `centers`, a row of
feature_dim float32 for each of the k clusters.
"""

import io
import time
from collections.abc import Mapping

import numpy as np

from flowmaker.sagemaker.algorithms import observations
from flowmaker.sagemaker.algorithms.exchange import exchange
from flowmaker.sagemaker.algorithms.job import CustomerError, Job
from flowmaker.sagemaker.algorithms.kmeans import clustering
from flowmaker.sagemaker.algorithms.observations import Numbers, Points
from flowmaker.sagemaker.algorithms.reports import progress, quality, say

MODEL = "kmeans-model.npz"

_BATCH = 5000
#: What AWS's `auto` comes to.
_EXTRA_CENTERS = 10
_TRIALS = 10
_SEED = 0


def _stream(job: Job, points: Points) -> tuple[Points, Numbers]:
    """Many centers of this instance's points, and how many points each stands for."""
    rng = np.random.default_rng(_SEED)
    size, epochs = job.integer("mini_batch_size", _BATCH), job.integer("epochs", 1)
    wanted = job.integer("k", 1) * job.integer("extra_center_factor", _EXTRA_CENTERS)
    count = min(wanted, len(points))
    first = points[rng.choice(len(points), size=min(len(points), max(size, count)), replace=False)]
    ones = np.ones(len(first), dtype=np.float64)
    stream = clustering.Stream(
        clustering.initial(job.text("init_method", "random"), first, ones, count, rng),
        half_life=job.integer("half_life_time_size", 0),
    )
    for epoch in range(epochs):
        begin = time.perf_counter()
        losses = [stream.take(points[rows]) for rows in clustering.batches(len(points), size, rng)]
        say(f"Epoch {epoch}: mean square distance of the batches {float(np.mean(losses)):.6f}")
        progress(job, epoch, epochs, len(points), time.perf_counter() - begin)
    some = stream.weights > 0
    return stream.centers[some], stream.weights[some]


def _packed(centers: Points, weights: Numbers) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, centers=centers, weights=weights)
    return buffer.getvalue()


def _unpacked(packed: bytes) -> tuple[Points, Numbers]:
    with np.load(io.BytesIO(packed)) as arrays:
        return arrays["centers"], arrays["weights"]


def _reduce(job: Job, centers: Points, weights: Numbers) -> Points:
    """K centers of the many: the best of several runs of Lloyd's algorithm."""
    k = job.integer("k", 1)
    if len(centers) < k:
        raise CustomerError(f"k is {k}, and there are {len(centers)} different points")
    rng = np.random.default_rng(_SEED)
    method = job.text("local_lloyd_init_method", "kmeans++")
    best: tuple[float, Points] | None = None
    for trial in range(job.integer("local_lloyd_num_trials", _TRIALS)):
        found, loss = clustering.lloyd(
            centers,
            weights,
            clustering.initial(method, centers, weights, k, rng),
            most=job.integer("local_lloyd_max_iter", 300),
            tolerance=job.number("local_lloyd_tol", 0.0001),
        )
        say(f"local kmeans attempt #{trial}. Current mean square distance {loss:.6f}")
        if best is None or loss < best[0]:
            best = loss, found
    assert best is not None
    return best[1]


def _combined(job: Job, everyone: Mapping[str, bytes]) -> bytes:
    parts = [_unpacked(packed) for packed in everyone.values()]
    centers = np.concatenate([centers for centers, _ in parts])
    weights = np.concatenate([weights for _, weights in parts])
    final = _reduce(job, centers, weights)
    return _packed(final, np.ones(len(final)))


def _summed(everyone: Mapping[str, bytes]) -> bytes:
    return np.sum([np.frombuffer(each) for each in everyone.values()], axis=0).tobytes()


def train(job: Job) -> None:
    """The whole job."""
    width = job.integer("feature_dim", 1)
    points = observations.train_channel(job, width).features
    mine = (
        _stream(job, points)
        if len(points)
        else (np.empty((0, width), dtype=np.float32), np.empty(0, dtype=np.float64))
    )
    packed = exchange(job, "centers", _packed(*mine), lambda everyone: _combined(job, everyone))
    centers, _ = _unpacked(packed)
    _, squares = clustering.nearest(points, centers)
    totals = np.array([squares.sum(), float(len(points))])
    total, count = np.frombuffer(exchange(job, "quality", totals.tobytes(), _summed))
    if not job.leads:
        return
    quality(job, "train", "msd", float(total / count))
    test = observations.evaluation_channel(job, "test", width)
    if test is not None:
        _test(job, test.features, centers)
    job.model.mkdir(parents=True, exist_ok=True)
    np.savez(job.model / MODEL, centers=centers)


def _test(job: Job, points: Points, centers: Points) -> None:
    _, squares = clustering.nearest(points, centers)
    scores = {"msd": float(squares.mean()), "ssd": float(squares.sum())}
    wanted = job.words("eval_metrics") or ["msd"]
    objective = job.text("_tuning_objective_metric")
    if objective == "test:ssd":
        wanted = [*wanted, "ssd"]
    for metric in dict.fromkeys(wanted):
        quality(job, "test", metric, scores[metric])
