"""Training: each instance draws of its rows, the first keeps a sample of all of theirs.

The model is `knn-model.npz`, as numpy writes it: `points` and `labels` of the sample, `directions`
of a reduction (empty if there is none); and `knn-model.json` with k, the predictor's type and the
metric.
"""

import io
import json
import time
from collections.abc import Mapping

import numpy as np

from flowmaker.sagemaker.algorithms import observations
from flowmaker.sagemaker.algorithms.exchange import exchange
from flowmaker.sagemaker.algorithms.job import CustomerError, Job
from flowmaker.sagemaker.algorithms.knn.neighbors import Reduction
from flowmaker.sagemaker.algorithms.knn.predict import MODEL, SETTINGS, Neighbors
from flowmaker.sagemaker.algorithms.observations import Numbers, Observations, Points
from flowmaker.sagemaker.algorithms.reports import progress, quality, say

_SEED = 0


def _drawn(rows: Observations, size: int) -> tuple[Points, Numbers]:
    """A sample without repetition, in the order of the data."""
    if len(rows) <= size:
        return rows.features, rows.targets
    rng = np.random.default_rng(_SEED)
    some = np.sort(rng.choice(len(rows), size=size, replace=False))
    return rows.features[some], rows.targets[some]


def _packed(points: Points, labels: Numbers, stands_for: int) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, points=points, labels=labels, stands_for=np.array(stands_for))
    return buffer.getvalue()


def _combined(everyone: Mapping[str, bytes], size: int, width: int) -> bytes:
    """Of each instance's sample as many as its rows are of all rows."""
    parts: list[tuple[Points, Numbers, int]] = []
    for packed in everyone.values():
        with np.load(io.BytesIO(packed)) as arrays:
            parts.append((arrays["points"], arrays["labels"], int(arrays["stands_for"])))
    total = sum(count for _, _, count in parts)
    points: list[Points] = [np.empty((0, width), dtype=np.float32)]
    labels: list[Numbers] = [np.empty(0)]
    for mine, its_labels, count in parts:
        share = len(mine) if total <= size else round(size * count / total)
        points.append(mine[:share])
        labels.append(its_labels[:share])
    return _packed(np.concatenate(points), np.concatenate(labels), total)


def train(job: Job) -> None:
    """The whole job."""
    width, size = job.integer("feature_dim", 1), job.integer("sample_size", 1)
    begin = time.perf_counter()
    rows = observations.train_channel(job, width)
    points, labels = _drawn(rows, size)
    packed = exchange(
        job,
        "sample",
        _packed(points, labels, len(rows)),
        lambda everyone: _combined(everyone, size, width),
    )
    progress(job, 0, 1, len(rows), time.perf_counter() - begin)
    if not job.leads:
        return
    with np.load(io.BytesIO(packed)) as arrays:
        model = _model(job, arrays["points"], arrays["labels"])
    test = observations.evaluation_channel(job, "test", width)
    if test is not None:
        _test(job, model, test)
    _save(job, model)


def _model(job: Job, points: Points, labels: Numbers) -> Neighbors:
    k = job.integer("k", 1)
    if len(points) < k:
        raise CustomerError(f"k is {k}, and the sample has {len(points)} rows")
    kind = job.text("index_type", "faiss.Flat")
    if kind != "faiss.Flat":
        say(f"index_type {kind}: neighbors are searched for exactly here, as faiss.Flat does")
    reduction = None
    if job.text("dimension_reduction_type"):
        target = job.integer("dimension_reduction_target", 1)
        reduction = Reduction.draw(job.text("dimension_reduction_type"), points.shape[1], target)
        points = reduction(points)
    return Neighbors.of(
        points=points,
        labels=labels,
        k=k,
        metric=job.text("index_metric", "L2"),
        classifies=job.text("predictor_type") == "classifier",
        reduction=reduction,
    )


def _test(job: Job, model: Neighbors, rows: Observations) -> None:
    found = model.labels(rows.features).predicted
    if model.classifies:
        quality(
            job, "test", "accuracy", float(np.mean(np.equal(found, rows.targets))), kind="score"
        )
    else:
        quality(job, "test", "mse", float(np.mean((found - rows.targets) ** 2)))


def _save(job: Job, model: Neighbors) -> None:
    job.model.mkdir(parents=True, exist_ok=True)
    directions = model.reduction.directions if model.reduction else np.empty((0, 0))
    np.savez(
        job.model / MODEL,
        points=model.index.points,
        labels=model.index.labels,
        directions=directions,
    )
    settings = {
        "k": model.index.k,
        "metric": model.index.metric,
        "predictor_type": "classifier" if model.classifies else "regressor",
    }
    (job.model / SETTINGS).write_text(json.dumps(settings))
