"""Many linear models that are trained side by side, each with settings of its own."""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from flowmaker.sagemaker.algorithms.job import Job
from flowmaker.sagemaker.algorithms.linear_learner.losses import Cube, Loss
from flowmaker.sagemaker.algorithms.linear_learner.optimizers import Optimizer
from flowmaker.sagemaker.algorithms.observations import Numbers

#: What is tried where a hyperparameter is `auto`.
_LEARNING_RATES = (0.1, 0.03, 0.01, 0.003)
_WEIGHT_DECAYS = (0.0, 0.0001, 0.01)


@dataclass(frozen=True, slots=True)
class Setting:
    """The hyperparameters that models differ in."""

    learning_rate: float
    wd: float
    l1: float


def settings(job: Job) -> list[Setting]:
    """One for each model: of all that `auto` tries as many as num_models, over again if more."""
    rates = _tried(job, "learning_rate", _LEARNING_RATES)
    decays = _tried(job, "wd", _WEIGHT_DECAYS)
    tried = [Setting(*each) for each in product(rates, decays, _tried(job, "l1", (0.0,)))]
    count = job.integer("num_models", len(tried))
    return [tried[number % len(tried)] for number in range(count)]


def _tried(job: Job, name: str, values: tuple[float, ...]) -> tuple[float, ...]:
    given = job.number(name, -1)
    return values if given < 0 else (given,)


@dataclass(frozen=True, slots=True)
class Models:
    """The parameters of all of them."""

    #: By feature, model and class.
    weights: NDArray[np.float64]
    #: By model and class.
    bias: NDArray[np.float64]

    def outputs(self, rows: NDArray[np.float64]) -> Cube:
        """What each gives for each row."""
        width, models, classes = self.weights.shape
        flat = rows @ self.weights.reshape(width, models * classes)
        return flat.reshape(len(rows), models, classes) + self.bias


def initial(job: Job, width: int, count: int, classes: int) -> Models:
    """Random weights, the same on every instance."""
    rng = np.random.default_rng(0)
    shape = (width, count, classes)
    if job.text("init_method", "uniform") == "uniform":
        scale = job.number("init_scale", 0.07)
        weights = rng.uniform(-scale, scale, size=shape)
    else:
        weights = rng.normal(scale=job.number("init_sigma", 0.01), size=shape)
    return Models(weights, np.full((count, classes), job.number("init_bias", 0)))


@dataclass(slots=True)
class Trainer:
    """Takes models down the slope of a loss, a batch at a time."""

    loss: Loss
    optimizer: Optimizer
    rates: Numbers
    wd: Numbers
    l1: Numbers
    bias_rate: float
    bias_wd: float
    use_bias: bool

    def step(
        self, models: Models, rows: NDArray[np.float64], targets: Numbers, importance: Numbers
    ) -> tuple[Models, Numbers]:
        """The models after a batch, and the mean loss of each before it."""
        outputs = models.outputs(rows)
        share = (importance / len(rows))[:, None]
        losses = (self.loss.values(outputs, targets) * share).sum(axis=0)
        slopes = self.loss.slopes(outputs, targets) * share[:, :, None]
        down = self.optimizer.steps(
            {
                "weights": self._weight_slopes(models, rows, slopes),
                "bias": slopes.sum(axis=0) + self.bias_wd * self.wd[:, None] * models.bias,
            }
        )
        weights = models.weights - self.rates[None, :, None] * down["weights"]
        after = replace(models, weights=self._stopped(models.weights, weights))
        if self.use_bias:
            after = replace(
                after, bias=models.bias - self.bias_rate * self.rates[:, None] * down["bias"]
            )
        return after, losses

    def _weight_slopes(
        self, models: Models, rows: NDArray[np.float64], slopes: Cube
    ) -> NDArray[np.float64]:
        flat = rows.T @ slopes.reshape(len(rows), -1)
        weights = models.weights
        plain = flat.reshape(weights.shape) + self.wd[None, :, None] * weights
        # L1 pulls each weight to zero, and holds it there against what pulls less.
        pull = self.l1[None, :, None]
        held = np.sign(plain) * np.maximum(np.abs(plain) - pull, 0)
        return np.where(weights == 0, held, plain + pull * np.sign(weights))

    def _stopped(
        self, before: NDArray[np.float64], after: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """With L1 a weight on its way past zero stops there."""
        passed = (before * after < 0) & (self.l1 > 0)[None, :, None]
        return np.where(passed, 0, after)
