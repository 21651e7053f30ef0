"""Training: instances add up their sums, and the first finds the directions.

The model is `pca-model.npz`, as numpy writes it: `mean`, `v` (a column for each component, the
largest last) and `s` (their singular values), the names of AWS's own model.
"""

import time
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from flowmaker.sagemaker.algorithms import observations
from flowmaker.sagemaker.algorithms.exchange import exchange
from flowmaker.sagemaker.algorithms.job import CustomerError, Job
from flowmaker.sagemaker.algorithms.observations import Points
from flowmaker.sagemaker.algorithms.pca import components
from flowmaker.sagemaker.algorithms.pca.components import Components
from flowmaker.sagemaker.algorithms.reports import progress, say

MODEL = "pca-model.npz"

#: Extra directions that a randomized search keeps, if it is not said how many.
_EXTRA = 10


def _added(job: Job, topic: str, mine: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sum of what all instances have, on each of them."""

    def add(everyone: Mapping[str, bytes]) -> bytes:
        return np.sum([np.frombuffer(each) for each in everyone.values()], axis=0).tobytes()

    return np.frombuffer(exchange(job, topic, mine.tobytes(), add)).reshape(mine.shape)


def _exact(job: Job, points: Points, count: int, *, centered: bool) -> Components:
    total = _added(job, "sums", components.sums(points))
    _check_rows(total[-1, -1], count)
    return components.exact(total, count, centered=centered)


def _randomized(job: Job, points: Points, count: int, *, centered: bool) -> Components:
    """Without the covariance of all features with all others: it can be large."""
    width = points.shape[1]
    totals = _added(job, "mean", np.append(points.sum(axis=0, dtype=np.float64), len(points)))
    _check_rows(totals[-1], count)
    mean = totals[:-1] / totals[-1] if centered else np.zeros(width)
    extra = job.integer("extra_components", -1)
    wanted = min(width, count + (max(_EXTRA, count) if extra < 0 else extra))
    basis = np.linalg.qr(components.first_directions(width, wanted)).Q
    for turn in range(components.TURNS):
        seen = _added(job, f"turn {turn}", components.turned(points, mean, basis))
        basis = np.linalg.qr(seen).Q
    seen = _added(job, "last turn", components.turned(points, mean, basis))
    return components.randomized(basis, basis.T @ seen, mean, count)


def _check_rows(rows: float, count: int) -> None:
    if rows < count:
        raise CustomerError(
            f"num_components is {count}, and there are {int(rows)} rows: there must be as many"
        )


def train(job: Job) -> None:
    """The whole job."""
    points = observations.train_channel(job, job.integer("feature_dim", 1)).features
    begin = time.perf_counter()
    find = _randomized if job.text("algorithm_mode") == "randomized" else _exact
    found = find(
        job,
        points,
        job.integer("num_components", 1),
        centered=job.flag("subtract_mean", default=True),
    )
    progress(job, 0, 1, len(points), time.perf_counter() - begin)
    if not job.leads:
        return
    say(f"singular values, the largest last: {np.round(found.values, 4).tolist()}")
    job.model.mkdir(parents=True, exist_ok=True)
    np.savez(job.model / MODEL, mean=found.mean, v=found.directions, s=found.values)
