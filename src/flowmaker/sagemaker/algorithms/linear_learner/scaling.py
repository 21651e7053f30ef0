"""Data brought to zero mean and unit deviation for training, and models brought back from it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flowmaker.sagemaker.algorithms.observations import Numbers, Points


@dataclass(frozen=True, slots=True)
class Scaling:
    """(x - shift) / scale, for each column."""

    shift: Numbers
    scale: Numbers

    def __call__(self, values: NDArray[np.float64] | Points) -> NDArray[np.float64]:
        return (values - self.shift) / self.scale


def sums(values: NDArray[np.float64] | Points) -> NDArray[np.float64]:
    """Of each column the count, the sum and the sum of squares; adds up over instances."""
    wide = values.astype(np.float64)
    return np.stack(
        [np.full(wide.shape[1], float(len(wide))), wide.sum(axis=0), (wide**2).sum(axis=0)]
    )


def of_sums(total: NDArray[np.float64], *, unbias: bool, normalize: bool) -> Scaling:
    """The scaling by the added sums(); one that does nothing where nothing is asked for."""
    count, first, second = total
    mean = first / np.maximum(count, 1)
    deviation = np.sqrt(np.maximum(second / np.maximum(count, 1) - mean**2, 0))
    constant = deviation <= 1e-9 * np.maximum(np.abs(mean), 1)
    return Scaling(
        mean if unbias else np.zeros_like(mean),
        np.where(constant, 1, deviation) if normalize else np.ones_like(mean),
    )


def restored(
    weights: NDArray[np.float64], bias: Numbers, data: Scaling, label: Scaling
) -> tuple[NDArray[np.float64], Numbers]:
    """Weights (feature x class) and bias of scaled data as those of the data as it was."""
    plain = weights / data.scale[:, None]
    shifted = bias - data.shift @ plain
    return plain * label.scale, shifted * label.scale + label.shift
