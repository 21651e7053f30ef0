"""The mathematics of nearest neighbors: all distances, exactly. Numpy alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flowmaker.sagemaker.algorithms.observations import Numbers, Points

#: So many distances are held at once.
_CHUNK = 4_000_000


@dataclass(frozen=True, slots=True)
class Reduction:
    """Random directions that many features become few in; distances stay nearly what they were.

    `sign` multiplies by +1 and -1; `fjlt`, in AWS's words a fast Johnson-Lindenstrauss transform,
    is one by normally distributed numbers here: the same guarantee, at the price of its speed.
    """

    directions: Points

    @classmethod
    def draw(cls, kind: str, width: int, target: int) -> "Reduction":
        rng = np.random.default_rng(0)
        if kind == "sign":
            drawn = rng.choice([-1.0, 1.0], size=(width, target))
        else:
            drawn = rng.standard_normal((width, target))
        return cls((drawn / np.sqrt(target)).astype(np.float32))

    def __call__(self, points: Points) -> Points:
        return points @ self.directions


@dataclass(frozen=True, kw_only=True, slots=True)
class Index:
    """The sample, and how near is measured."""

    points: Points
    labels: Numbers
    k: int
    metric: str

    def search(self, queries: Points) -> tuple[NDArray[np.int64], Numbers]:
        """Of each query the rows of its k neighbors and their distances, the nearest first.

        L2 is squared, as in faiss; of INNER_PRODUCT and COSINE the largest is the nearest.
        """
        rows = np.empty((len(queries), self.k), dtype=np.int64)
        distances = np.empty((len(queries), self.k))
        step = max(1, _CHUNK // len(self.points))
        for start in range(0, len(queries), step):
            part = slice(start, start + step)
            rows[part], distances[part] = self._search(queries[part])
        return rows, distances

    def _search(self, queries: Points) -> tuple[NDArray[np.int64], Numbers]:
        away = self._away(queries)
        near = np.argpartition(away, self.k - 1, axis=1)[:, : self.k]
        values = np.take_along_axis(away, near, axis=1)
        # Of equally near ones the first of the sample comes first, whatever the partition did.
        order = np.lexsort((near, values), axis=1)
        near = np.take_along_axis(near, order, axis=1)
        values = np.take_along_axis(values, order, axis=1)
        return near, values if self.metric == "L2" else -values

    def _away(self, queries: Points) -> NDArray[np.float64]:
        """Distances: the smaller the nearer."""
        ours, theirs = self.points.astype(np.float64), queries.astype(np.float64)
        if self.metric == "L2":
            lengths = np.einsum("ij,ij->i", ours, ours)
            own = np.einsum("ij,ij->i", theirs, theirs)[:, None]
            return np.maximum(lengths - 2 * (theirs @ ours.T) + own, 0)
        if self.metric == "COSINE":
            ours, theirs = _unit(ours), _unit(theirs)
        return -(theirs @ ours.T)


def _unit(points: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    return points / np.where(lengths > 0, lengths, 1)


def vote(labels: NDArray[np.float64]) -> Numbers:
    """Of each row of labels, the nearest first, the most frequent; of several the nearest one."""
    same = labels[:, :, None] == labels[:, None, :]
    return labels[np.arange(len(labels)), np.argmax(same.sum(axis=2), axis=1)]


def mean(labels: NDArray[np.float64]) -> Numbers:
    """Of each row of labels the mean."""
    return labels.mean(axis=1)
