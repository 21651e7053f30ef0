"""The mathematics of principal components, over sums that instances can add up. Numpy alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flowmaker.sagemaker.algorithms.observations import Numbers, Points

#: Times the random directions are turned towards the largest components.
TURNS = 4


@dataclass(frozen=True, slots=True)
class Components:
    """The directions in which the data varies most, smallest first, as AWS's model has them."""

    #: Subtracted from each row; zeros if nothing is.
    mean: Numbers
    #: feature_dim x num_components; each column a direction of length 1.
    directions: NDArray[np.float64]
    #: The singular value of each.
    values: Numbers

    def project(self, points: Points) -> NDArray[np.float64]:
        """Each row in the coordinates of the directions."""
        return (points - self.mean) @ self.directions


def sums(points: Points) -> NDArray[np.float64]:
    """Of (x, 1) for each row x, the sum of the products of all pairs."""
    extended = np.hstack([points.astype(np.float64), np.ones((len(points), 1))])
    return extended.T @ extended


def mean_of(total: NDArray[np.float64]) -> Numbers:
    """The mean row, out of added sums()."""
    return total[-1, :-1] / total[-1, -1]


def exact(total: NDArray[np.float64], count: int, *, centered: bool) -> Components:
    """The components out of added sums(), by the eigenvectors of the covariance."""
    mean = mean_of(total) if centered else np.zeros(len(total) - 1)
    scatter = total[:-1, :-1] - total[-1, -1] * np.outer(mean, mean)
    values, vectors = np.linalg.eigh(scatter)
    return _components(mean, vectors[:, -count:], values[-count:])


def first_directions(width: int, count: int) -> NDArray[np.float64]:
    """Random directions that the randomized search begins with: the same on every instance."""
    return np.random.default_rng(0).standard_normal((width, count))


def turned(points: Points, mean: Numbers, directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """The scatter of the rows times the directions; adds up over instances."""
    centered = points - mean
    return centered.T @ (centered @ directions)


def randomized(
    basis: NDArray[np.float64], scatter: NDArray[np.float64], mean: Numbers, count: int
) -> Components:
    """The components within an orthonormal basis, of the scatter as that basis sees it."""
    values, vectors = np.linalg.eigh(scatter)
    return _components(mean, basis @ vectors[:, -count:], values[-count:])


def _components(mean: Numbers, vectors: NDArray[np.float64], values: Numbers) -> Components:
    # A direction and its opposite are equally right: the largest part is made positive.
    signs = np.sign(vectors[np.argmax(np.abs(vectors), axis=0), np.arange(vectors.shape[1])])
    return Components(mean, vectors * signs, np.sqrt(np.maximum(values, 0)))
