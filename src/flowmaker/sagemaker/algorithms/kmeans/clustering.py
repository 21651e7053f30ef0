"""The mathematics of k-means, over weighted points. Nothing but numpy."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from flowmaker.sagemaker.algorithms.observations import Numbers, Points

#: So many distances are held at once.
_CHUNK = 4_000_000


def nearest(points: Points, centers: Points) -> tuple[NDArray[np.int64], Numbers]:
    """Of each point, the closest center and its squared distance."""
    labels = np.empty(len(points), dtype=np.int64)
    squares = np.empty(len(points), dtype=np.float64)
    lengths = np.einsum("ij,ij->i", centers, centers)
    step = max(1, _CHUNK // max(1, len(centers)))
    for start in range(0, len(points), step):
        part = points[start : start + step]
        scores = lengths - 2 * (part @ centers.T)
        best = np.argmin(scores, axis=1)
        labels[start : start + step] = best
        # From the differences: the short form above loses digits where a point is on its center.
        squares[start : start + step] = np.sum((part - centers[best]) ** 2, axis=1)
    return labels, squares


def _squares(points: Points, center: Points) -> Numbers:
    return np.einsum("ij,ij->i", points - center, points - center, dtype=np.float64)


def plus_plus(points: Points, weights: Numbers, k: int, rng: np.random.Generator) -> Points:
    """K of the points, each drawn with the square of its distance to those drawn before."""
    chosen = [int(rng.choice(len(points), p=weights / weights.sum()))]
    squares = _squares(points, points[chosen[0]])
    for _ in range(1, k):
        odds = weights * squares
        total = odds.sum()
        odds = odds / total if total > 0 else weights / weights.sum()
        chosen.append(int(rng.choice(len(points), p=odds)))
        squares = np.minimum(squares, _squares(points, points[chosen[-1]]))
    return points[chosen].copy()


def initial(
    method: str, points: Points, weights: Numbers, k: int, rng: np.random.Generator
) -> Points:
    """K centers to begin with, by `random` or `kmeans++`."""
    if method == "kmeans++":
        return plus_plus(points, weights, k, rng)
    return points[rng.choice(len(points), size=k, replace=False)].copy()


def _means(
    points: Points, weights: Numbers, labels: NDArray[np.int64], k: int
) -> tuple[Numbers, Numbers]:
    """Of each center, the weighted sum of its points, and their weight."""
    sums = np.zeros((k, points.shape[1]), dtype=np.float64)
    np.add.at(sums, labels, points * weights[:, None])
    owned = np.zeros(k, dtype=np.float64)
    np.add.at(owned, labels, weights)
    return sums, owned


def lloyd(
    points: Points, weights: Numbers, centers: Points, *, most: int, tolerance: float
) -> tuple[Points, float]:
    """Lloyd's iterations from the centers given; those found, and their mean square distance."""
    total = weights.sum()
    labels, squares = nearest(points, centers)
    loss = float(np.sum(squares * weights) / total)
    for _ in range(most):
        sums, owned = _means(points, weights, labels, len(centers))
        some = owned > 0
        centers = centers.copy()
        centers[some] = (sums[some] / owned[some, None]).astype(np.float32)
        labels, squares = nearest(points, centers)
        before, loss = loss, float(np.sum(squares * weights) / total)
        if before - loss <= tolerance * before:
            break
    return centers, loss


class Stream:
    """Centers that follow points as they go by: mini-batch k-means.

    Each center is the mean of all points that were closest to it when they came; with a half-life,
    older points count less.
    """

    def __init__(self, centers: Points, *, half_life: int = 0) -> None:
        self.centers = centers.copy()
        self.weights = np.zeros(len(centers), dtype=np.float64)
        self._half_life = half_life

    def take(self, batch: Points) -> float:
        """Moves the centers by a batch; its mean square distance before."""
        labels, squares = nearest(batch, self.centers)
        if self._half_life:
            self.weights *= 0.5 ** (len(batch) / self._half_life)
        ones = np.ones(len(batch), dtype=np.float64)
        sums, owned = _means(batch, ones, labels, len(self.centers))
        some = owned > 0
        kept = self.weights[some, None]
        moved = (self.centers[some] * kept + sums[some]) / (kept + owned[some, None])
        self.centers[some] = moved.astype(np.float32)
        self.weights += owned
        return float(np.mean(squares))


def batches(count: int, size: int, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """The numbers below `count` in a random order, `size` at a time."""
    order = rng.permutation(count)
    for start in range(0, count, size):
        yield order[start : start + size]
