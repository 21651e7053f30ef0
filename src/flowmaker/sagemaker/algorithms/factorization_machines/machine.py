"""The mathematics of factorization machines (Rendle, 2010), of sparse rows. Numpy alone.

y(x) = b + sum w_i x_i + sum_{i<j} <v_i, v_j> x_i x_j

The last sum is half of (sum v_i x_i)^2 - sum v_i^2 x_i^2, which takes one pass over the row.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from flowmaker.sagemaker.algorithms.observations import Numbers
from flowmaker.sagemaker.algorithms.sparse import Rows

Array = NDArray[np.float64]

_BETA_1, _BETA_2 = 0.9, 0.999


@dataclass(slots=True)
class Machine:
    """The parameters: of shape (1, 1), (feature, 1) and (feature, factor)."""

    bias: Array
    linear: Array
    factors: Array

    def outputs(self, rows: Rows) -> Numbers:
        """y(x) of each row."""
        return self._outputs(rows, rows.times(self.factors))

    def _outputs(self, rows: Rows, mixed: Array) -> Numbers:
        squares = np.zeros(len(rows))
        own = (self.factors[rows.columns] ** 2).sum(axis=1) * rows.values**2
        np.add.at(squares, rows.owners, own)
        pairs = 0.5 * ((mixed**2).sum(axis=1) - squares)
        return self.bias[0, 0] + rows.times(self.linear)[:, 0] + pairs

    def slopes(self, rows: Rows, pulls: Numbers) -> "Slopes":
        """By how much the loss changes with each parameter, where it does with y(x) by `pulls`.

        Only of the features that are in the rows.
        """
        mixed = rows.times(self.factors)
        touched, place = np.unique(rows.columns, return_inverse=True)
        weighted = (pulls[rows.owners] * rows.values)[:, None]
        linear = np.zeros((len(touched), 1))
        np.add.at(linear, place, weighted)
        others = mixed[rows.owners] - rows.values[:, None] * self.factors[rows.columns]
        factors = np.zeros((len(touched), self.factors.shape[1]))
        np.add.at(factors, place, weighted * others)
        return Slopes(np.array([[pulls.sum()]]), linear, factors, touched)


@dataclass(frozen=True, slots=True)
class Slopes:
    """Of a batch: those of linear and factors are of the features `touched` alone."""

    bias: Array
    linear: Array
    factors: Array
    touched: NDArray[np.int64]


@dataclass(slots=True)
class Adam:
    """Steps for one group of parameters, of the rows of it that a batch touched."""

    rate: float
    decay: float
    clip: float
    tiny: float
    _count: int = 0
    _mean: Array = field(default_factory=lambda: np.empty(0))
    _square: Array = field(default_factory=lambda: np.empty(0))

    def step(self, parameters: Array, slopes: Array, rows: NDArray[np.int64]) -> None:
        """Changes the parameters in their place."""
        if not self._count:
            self._mean, self._square = np.zeros_like(parameters), np.zeros_like(parameters)
        self._count += 1
        down = slopes + self.decay * parameters[rows]
        if self.clip:
            down = np.clip(down, -self.clip, self.clip)
        self._mean[rows] = _BETA_1 * self._mean[rows] + (1 - _BETA_1) * down
        self._square[rows] = _BETA_2 * self._square[rows] + (1 - _BETA_2) * down**2
        mean = self._mean[rows] / (1 - _BETA_1**self._count)
        square = self._square[rows] / (1 - _BETA_2**self._count)
        parameters[rows] -= self.rate * mean / (np.sqrt(square) + self.tiny)
