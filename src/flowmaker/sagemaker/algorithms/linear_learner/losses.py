"""The losses of linear learner, and their slopes. Numpy alone.

`outputs` are what the linear functions give, by row, model and class (one class unless softmax);
`targets` are, by row, the label: 0 or 1, a class, or a number.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flowmaker.sagemaker.algorithms.observations import Numbers

#: By row, model and class.
Cube = NDArray[np.float64]
#: By row and model.
Table = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Loss:
    """Of each row and model the loss; and by how much it changes with each output."""

    values: Callable[[Cube, Numbers], Table]
    slopes: Callable[[Cube, Numbers], Cube]


def _single(value: Callable[[Table, Table], Table], slope: Callable[[Table, Table], Table]) -> Loss:
    """A loss of one output, from what it is of output and target."""
    return Loss(
        lambda outputs, targets: value(outputs[:, :, 0], targets[:, None]),
        lambda outputs, targets: slope(outputs[:, :, 0], targets[:, None])[:, :, None],
    )


def sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """1/(1 + exp(-x)), whatever x is."""
    return np.exp(-np.logaddexp(0, -values))


def softmax(outputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the last axis the exponentials, divided by their sum."""
    powers = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _chosen(outputs: Cube, targets: Numbers) -> Table:
    classes = np.broadcast_to(targets.astype(np.int64)[:, None, None], (*outputs.shape[:2], 1))
    return np.take_along_axis(outputs, classes, axis=2)[:, :, 0]


def _softmax_values(outputs: Cube, targets: Numbers) -> Table:
    highest = outputs.max(axis=2)
    total = highest + np.log(np.exp(outputs - highest[:, :, None]).sum(axis=2))
    return total - _chosen(outputs, targets)


def _softmax_slopes(outputs: Cube, targets: Numbers) -> Cube:
    ones = np.equal.outer(targets, np.arange(outputs.shape[2], dtype=np.float64))
    return softmax(outputs) - ones[:, None, :]


def named(
    name: str, *, margin: float, insensitivity: float, quantile: float, huber_delta: float
) -> Loss:
    """The loss of that name, with the parameters that it needs."""

    def beyond(outputs: Table, targets: Table) -> Table:
        return np.maximum(np.abs(outputs - targets) - insensitivity, 0)

    def toward(outputs: Table, targets: Table) -> Table:
        return np.sign(outputs - targets)

    def hinge(outputs: Table, targets: Table) -> Table:
        return np.maximum(margin - (2 * targets - 1) * outputs, 0)

    def huber(outputs: Table, targets: Table) -> Table:
        away = np.abs(outputs - targets)
        inside = 0.5 * away**2
        return np.where(away <= huber_delta, inside, huber_delta * (away - 0.5 * huber_delta))

    losses = {
        "logistic": _single(lambda z, y: np.logaddexp(0, z) - y * z, lambda z, y: sigmoid(z) - y),
        "hinge_loss": _single(hinge, lambda z, y: np.where(hinge(z, y) > 0, 1 - 2 * y, 0)),
        "softmax_loss": Loss(_softmax_values, _softmax_slopes),
        "squared_loss": _single(lambda z, y: (z - y) ** 2, lambda z, y: 2 * (z - y)),
        "absolute_loss": _single(lambda z, y: np.abs(z - y), toward),
        "eps_insensitive_squared_loss": _single(
            lambda z, y: beyond(z, y) ** 2, lambda z, y: 2 * beyond(z, y) * toward(z, y)
        ),
        "eps_insensitive_absolute_loss": _single(
            beyond, lambda z, y: np.where(beyond(z, y) > 0, toward(z, y), 0)
        ),
        "quantile_loss": _single(
            lambda z, y: np.where(y >= z, quantile * (y - z), (1 - quantile) * (z - y)),
            lambda z, y: np.where(y >= z, -quantile, 1 - quantile),
        ),
        "huber_loss": _single(huber, lambda z, y: np.clip(z - y, -huber_delta, huber_delta)),
    }
    return losses[name]
