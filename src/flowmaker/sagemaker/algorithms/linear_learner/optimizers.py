"""Steps down a slope: plain with momentum, RMSProp and Adam, for many models at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_TINY = 1e-8
_RMS_DECAY = 0.9


class Optimizer(Protocol):
    """Remembers what it needs between the steps."""

    def steps(self, slopes: Mapping[str, Array]) -> dict[str, Array]:
        """By how much to go down, for a learning rate of 1, for each named array of parameters."""
        ...


@dataclass(slots=True)
class Sgd:
    momentum: float = 0.0
    _speed: dict[str, Array] = field(default_factory=dict[str, Array])

    def steps(self, slopes: Mapping[str, Array]) -> dict[str, Array]:
        for name, slope in slopes.items():
            self._speed[name] = self.momentum * self._speed.get(name, 0.0) + slope
        return dict(self._speed)


@dataclass(slots=True)
class RmsProp:
    _squares: dict[str, Array] = field(default_factory=dict[str, Array])

    def steps(self, slopes: Mapping[str, Array]) -> dict[str, Array]:
        found: dict[str, Array] = {}
        for name, slope in slopes.items():
            before = self._squares.get(name, slope**2)
            self._squares[name] = _RMS_DECAY * before + (1 - _RMS_DECAY) * slope**2
            found[name] = slope / (np.sqrt(self._squares[name]) + _TINY)
        return found


@dataclass(slots=True)
class Adam:
    beta_1: float = 0.9
    beta_2: float = 0.999
    _count: int = 0
    _means: dict[str, Array] = field(default_factory=dict[str, Array])
    _squares: dict[str, Array] = field(default_factory=dict[str, Array])

    def steps(self, slopes: Mapping[str, Array]) -> dict[str, Array]:
        self._count += 1
        found: dict[str, Array] = {}
        for name, slope in slopes.items():
            mean = self.beta_1 * self._means.get(name, 0.0) + (1 - self.beta_1) * slope
            square = self.beta_2 * self._squares.get(name, 0.0) + (1 - self.beta_2) * slope**2
            self._means[name], self._squares[name] = mean, square
            mean = mean / (1 - self.beta_1**self._count)
            square = square / (1 - self.beta_2**self._count)
            found[name] = mean / (np.sqrt(square) + _TINY)
        return found


def named(name: str, *, momentum: float, beta_1: float, beta_2: float) -> Optimizer:
    """`sgd`, `rmsprop` or `adam`, which is `auto`."""
    if name == "sgd":
        return Sgd(momentum)
    return RmsProp() if name == "rmsprop" else Adam(beta_1, beta_2)
