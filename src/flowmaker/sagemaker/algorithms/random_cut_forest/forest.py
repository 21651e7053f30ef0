"""The mathematics of random cut forests (Guha, Mishra, Roy, Schrijvers, 2016). Numpy alone.

A tree cuts the box around its points in two, at a random place of a dimension that is drawn with
the length of the box in it, and so on until each leaf holds equal points. A point is strange if it
would have been cut off early. The score of a tree is the expected inverse depth at which a new
point would be separated, as in AWS's open-source implementation of the algorithm: 1/(depth + 1) if
it is cut off there; 1/(depth + log2(mass + 1)) at the leaf that holds its like, dampened by how
many these are; all times log2(size + 1), so that trees of different sizes compare.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from flowmaker.sagemaker.algorithms.observations import Numbers, Points

#: So many numbers are held at once while points are scored.
_CHUNK = 4_000_000


@dataclass(slots=True)
class _Growing:
    """The nodes of a forest as they are made; a leaf has no left."""

    dimension: list[int] = field(default_factory=list[int])
    cut: list[float] = field(default_factory=list[float])
    left: list[int] = field(default_factory=list[int])
    right: list[int] = field(default_factory=list[int])
    mass: list[int] = field(default_factory=list[int])
    low: list[Points] = field(default_factory=list[Points])
    high: list[Points] = field(default_factory=list[Points])

    def add(self, points: Points) -> int:
        for numbers, value in ((self.dimension, 0), (self.left, -1), (self.right, -1)):
            numbers.append(value)
        self.cut.append(0.0)
        self.mass.append(len(points))
        self.low.append(points.min(axis=0))
        self.high.append(points.max(axis=0))
        return len(self.mass) - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Forest:
    """The nodes of all trees. `low` and `high` are the corners of the box around their points."""

    roots: NDArray[np.int64]
    dimension: NDArray[np.int64]
    cut: Points
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    mass: NDArray[np.int64]
    low: Points
    high: Points

    def scores(self, points: Points) -> Numbers:
        """How strange each point is: about 1 is usual, more is stranger."""
        step = max(1, _CHUNK // (len(self.roots) * max(1, points.shape[1])))
        parts = [self._scores(points[at : at + step]) for at in range(0, len(points), step)]
        return np.concatenate([np.empty(0), *parts])

    def _scores(self, points: Points) -> Numbers:
        """All points go down all trees at once, a level at a time."""
        trees = len(self.roots)
        query = np.repeat(np.arange(len(points)), trees)
        node = np.tile(self.roots, len(points))
        size = self.mass[node]
        score, together = np.zeros(len(node)), np.ones(len(node))
        going = np.arange(len(node))
        depth = 0
        while len(going):
            here, seen = node[going], points[query[going]]
            apart = self._separation(here, seen)
            leaf = self.left[here] < 0
            score[going] += together[going] * apart / (depth + 1)
            together[going] *= 1 - apart
            at_leaf = self._seen(depth, self.mass[here[leaf]], size[going[leaf]])
            score[going[leaf]] += together[going[leaf]] * at_leaf
            going, here, seen = going[~leaf], here[~leaf], seen[~leaf]
            values = seen[np.arange(len(seen)), self.dimension[here]]
            node[going] = np.where(values <= self.cut[here], self.left[here], self.right[here])
            depth += 1
        whole = score * np.log2(size + 1)
        return whole.reshape(len(points), trees).mean(axis=1)

    def _separation(self, node: NDArray[np.int64], points: Points) -> Numbers:
        """The probability that a cut of the box stretched to the point cuts the point off."""
        low, high = self.low[node].astype(np.float64), self.high[node].astype(np.float64)
        outside = (np.maximum(low - points, 0) + np.maximum(points - high, 0)).sum(axis=1)
        whole = (high - low).sum(axis=1) + outside
        return np.divide(outside, whole, out=np.zeros_like(whole), where=whole > 0)

    def _seen(
        self, depth: int, mass: NDArray[np.int64], size: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """The score of a point that is the like of those in a leaf."""
        return (1 - mass / (2 * size)) / (depth + np.log2(mass + 1))


def grow(samples: list[Points], rng: np.random.Generator) -> Forest:
    """A tree over each of the samples."""
    made = _Growing()
    roots = [_tree(made, points, rng) for points in samples]
    return Forest(
        roots=np.asarray(roots),
        dimension=np.asarray(made.dimension),
        cut=np.asarray(made.cut, dtype=np.float32),
        left=np.asarray(made.left),
        right=np.asarray(made.right),
        mass=np.asarray(made.mass),
        low=np.asarray(made.low),
        high=np.asarray(made.high),
    )


def _tree(made: _Growing, points: Points, rng: np.random.Generator) -> int:
    root = made.add(points)
    todo = [(root, points)]
    while todo:
        node, inside = todo.pop()
        low, high = made.low[node], made.high[node]
        if not (high > low).any():
            continue
        dimension, cut = _cut(low, high, rng)
        first = inside[:, dimension] <= cut
        parts = inside[first], inside[~first]
        made.dimension[node], made.cut[node] = dimension, float(cut)
        made.left[node], made.right[node] = (made.add(part) for part in parts)
        todo += [(made.left[node], parts[0]), (made.right[node], parts[1])]
    return root


def _cut(low: Points, high: Points, rng: np.random.Generator) -> tuple[int, np.float32]:
    """A dimension and a place in it: at least the lowest point is left of it, and one is not."""
    lengths = high.astype(np.float64) - low
    dimension = int(rng.choice(len(lengths), p=lengths / lengths.sum()))
    lowest, highest = float(low[dimension]), float(high[dimension])
    place = np.float32(rng.uniform(lowest, highest))
    # Rounded to float32 it may have become the highest point itself.
    return dimension, place if place < highest else np.float32(lowest)
