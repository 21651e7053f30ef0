"""Training: many models with different settings at once; the best of them is kept.

Instances train on their own rows, and take the mean of all their weights after each epoch.
The model is `linear-learner-model.npz` and `.json`; see predict.py.
"""

import io
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from flowmaker.sagemaker.algorithms import observations
from flowmaker.sagemaker.algorithms.exchange import exchange
from flowmaker.sagemaker.algorithms.job import CustomerError, Job
from flowmaker.sagemaker.algorithms.linear_learner import (
    losses,
    models,
    optimizers,
    scaling,
    selection,
)
from flowmaker.sagemaker.algorithms.linear_learner.losses import Loss
from flowmaker.sagemaker.algorithms.linear_learner.models import Models, Setting, Trainer
from flowmaker.sagemaker.algorithms.linear_learner.scaling import Scaling
from flowmaker.sagemaker.algorithms.linear_learner.schema import LOSSES
from flowmaker.sagemaker.algorithms.observations import Numbers, Observations
from flowmaker.sagemaker.algorithms.reports import progress, quality, say

_BATCH, _EPOCHS = 1000, 15
_SCALER_ROWS = 10_000
#: What `auto` comes to for a learning rate that falls: by how much, after how many epochs.
_FALL, _FALL_EPOCHS, _LOWEST = 0.9, 1, 1e-5


@dataclass(frozen=True, slots=True)
class Data:
    """Rows as the models see them."""

    rows: NDArray[np.float64]
    targets: Numbers
    #: What each counts in training.
    importance: Numbers


def train(job: Job) -> None:
    """The whole job."""
    kind = job.text("predictor_type")
    loss_name = job.text("loss", "auto")
    loss_name = LOSSES[kind][0] if loss_name == "auto" else loss_name
    given = observations.train_channel(job, job.integer("feature_dim", 0))
    _check_labels(job, given.targets, "train")
    width = _width(job, given)
    scales = _scales(job, given, width, regresses=kind == "regressor")
    validation = observations.evaluation_channel(job, "validation", width)
    if validation is not None:
        _check_labels(job, validation.targets, "validation")
    loss = _loss(job, loss_name)
    data = _data(job, given, scales)
    tried = models.settings(job)
    say(f"{len(tried)} models: " + "; ".join(map(str, dict.fromkeys(tried))))
    fit = _Fit(job, loss, tried, _data(job, validation, scales) if validation else None)
    trained = fit.run(data, width)
    if not job.leads:
        return
    judge = selection.Judge(job, loss_name, loss, scales)
    best = judge.best(trained, validation or given)
    say(f"The best model is number {best.number}, with {tried[best.number]}")
    for name in ("validation", "test"):
        rows = validation if name == "validation" else _test_rows(job, width)
        if rows is not None:
            judge.report(best, rows, name)
    best.linear.save(job.model)


def _test_rows(job: Job, width: int) -> Observations | None:
    rows = observations.evaluation_channel(job, "test", width)
    if rows is not None:
        _check_labels(job, rows.targets, "test")
    return rows


def _check_labels(job: Job, labels: Numbers, channel: str) -> None:
    kind = job.text("predictor_type")
    if kind == "regressor":
        return
    classes = job.integer("num_classes", 2)
    wrong = [label for label in np.unique(labels) if label not in range(classes)]
    if wrong:
        raise CustomerError(
            f"Channel {channel}: the label {wrong[0]:g} is not a class of a {kind}: they are the "
            f"whole numbers from 0 to {classes - 1}"
        )


def _width(job: Job, given: Observations) -> int:
    """Features of a row: an instance without rows learns it from the others."""
    mine = str(given.features.shape[1]).encode()
    widths = exchange(job, "width", mine, lambda everyone: max(everyone.values(), key=int))
    return int(widths)


def _scales(
    job: Job, given: Observations, width: int, *, regresses: bool
) -> tuple[Scaling, Scaling]:
    """How data and labels are scaled, by the first rows of every instance."""
    some = slice(job.integer("num_point_for_scaler", _SCALER_ROWS))
    labels = given.targets[some, None]
    mine = np.hstack([scaling.sums(_wide(given, width)[some]), scaling.sums(labels)])

    def add(everyone: Mapping[str, bytes]) -> bytes:
        return np.sum([np.frombuffer(each) for each in everyone.values()], axis=0).tobytes()

    total = np.frombuffer(exchange(job, "scales", mine.tobytes(), add)).reshape(mine.shape)
    if not total[0, -1]:
        raise CustomerError("No data in the train channel")
    data = scaling.of_sums(
        total[:, :-1],
        unbias=job.flag("unbias_data", default=True),
        normalize=job.flag("normalize_data", default=True),
    )
    label = scaling.of_sums(
        total[:, -1:],
        unbias=regresses and job.flag("unbias_label", default=True),
        normalize=regresses and job.flag("normalize_label", default=True),
    )
    return data, label


def _wide(given: Observations, width: int) -> observations.Points:
    return given.features if len(given) else np.empty((0, width), dtype=np.float32)


def _data(job: Job, given: Observations, scales: tuple[Scaling, Scaling]) -> Data:
    data, label = scales
    return Data(
        data(_wide(given, len(data.shift))),
        label(given.targets[:, None])[:, 0],
        _importance(job, given.targets),
    )


def _importance(job: Job, labels: Numbers) -> Numbers:
    """What each row counts: more where its class is rare, if that is asked for."""
    counts = np.ones(len(labels))
    if job.text("predictor_type") == "binary_classifier":
        positive = labels > 0
        given = job.text("positive_example_weight_mult", "1")
        if given == "balanced":
            more = float((~positive).sum()) / max(1.0, float(positive.sum()))
        else:
            more = job.number("positive_example_weight_mult", 1)
        counts[positive] = more
    elif job.flag("balance_multiclass_weights", default=False) and len(labels):
        _, place, often = np.unique(labels, return_inverse=True, return_counts=True)
        counts = (len(labels) / (len(often) * often))[place]
    return counts


def _loss(job: Job, name: str) -> Loss:
    return losses.named(
        name,
        margin=job.number("margin", 1),
        insensitivity=job.number("loss_insensitivity", 0.01),
        quantile=job.number("quantile", 0.5),
        huber_delta=job.number("huber_delta", 1),
    )


@dataclass(slots=True)
class _Fit:
    """The epochs, until they are over or nothing gets better."""

    job: Job
    loss: Loss
    settings: list[Setting]
    validation: Data | None
    _history: list[float] = field(default_factory=list[float])

    def run(self, data: Data, width: int) -> Models:
        job = self.job
        count = len(self.settings)
        current = models.initial(job, width, count, job.integer("num_classes", 1))
        trainer = self._trainer()
        size, epochs = job.integer("mini_batch_size", _BATCH), job.integer("epochs", _EPOCHS)
        rng = np.random.default_rng(job.hosts.index(job.host))
        falls = -(-len(data.targets) // size)
        step = job.integer("lr_scheduler_step", max(1, falls * _FALL_EPOCHS))
        taken = 0
        for epoch in range(epochs):
            begin = time.perf_counter()
            lost = np.zeros(count)
            order = rng.permutation(len(data.targets))
            for start in range(0, len(order), size):
                some = order[start : start + size]
                current, before = trainer.step(
                    current, data.rows[some], data.targets[some], data.importance[some]
                )
                lost += before * len(some)
                taken += 1
                if taken % step == 0:
                    self._fall(trainer)
            current, done = self._agree(epoch, current, lost, len(order))
            progress(job, epoch, epochs, len(order), time.perf_counter() - begin)
            if done:
                say("Early stopping: nothing gets better")
                break
        return current

    def _trainer(self) -> Trainer:
        job = self.job
        return Trainer(
            loss=self.loss,
            optimizer=optimizers.named(
                job.text("optimizer", "auto"),
                momentum=job.number("momentum", 0),
                beta_1=job.number("beta_1", 0.9),
                beta_2=job.number("beta_2", 0.999),
            ),
            rates=np.array([one.learning_rate for one in self.settings]),
            wd=np.array([one.wd for one in self.settings]),
            l1=np.array([one.l1 for one in self.settings]),
            bias_rate=job.number("bias_lr_mult", 1),
            bias_wd=job.number("bias_wd_mult", 0),
            use_bias=job.flag("use_bias", default=True),
        )

    def _fall(self, trainer: Trainer) -> None:
        if self.job.flag("use_lr_scheduler", default=True):
            lowest = self.job.number("lr_scheduler_minimum_lr", _LOWEST)
            less = trainer.rates * self.job.number("lr_scheduler_factor", _FALL)
            # A rate that begins below the lowest stays as it is.
            trainer.rates = np.maximum(less, np.minimum(trainer.rates, lowest))

    def _agree(self, epoch: int, mine: Models, lost: Numbers, rows: int) -> tuple[Models, bool]:
        """The mean of everyone's models, and whether the leader has seen enough."""
        buffer = io.BytesIO()
        np.savez(buffer, weights=mine.weights, bias=mine.bias, lost=lost, rows=np.array(rows))
        agreed = exchange(self.job, f"epoch {epoch}", buffer.getvalue(), self._mean)
        with np.load(io.BytesIO(agreed)) as arrays:
            return Models(arrays["weights"], arrays["bias"]), bool(arrays["done"])

    def _mean(self, everyone: Mapping[str, bytes]) -> bytes:
        """Runs on the leader."""
        total, weights, bias, lost = 0, 0.0, 0.0, 0.0
        for packed in everyone.values():
            with np.load(io.BytesIO(packed)) as arrays:
                rows = int(arrays["rows"])
                total += rows
                weights = weights + rows * arrays["weights"]
                bias = bias + rows * arrays["bias"]
                lost = lost + arrays["lost"]
        whole = Models(np.asarray(weights / total), np.asarray(bias / total))
        done = self._is_enough(whole, np.asarray(lost / total))
        buffer = io.BytesIO()
        np.savez(buffer, weights=whole.weights, bias=whole.bias, done=np.array(done))
        return buffer.getvalue()

    def _is_enough(self, whole: Models, trained: Numbers) -> bool:
        job = self.job
        quality(job, "train", "objective_loss", float(np.nanmin(trained)))
        judged = trained
        if self.validation is not None:
            outputs = whole.outputs(self.validation.rows)
            judged = self.loss.values(outputs, self.validation.targets).mean(axis=0)
            quality(job, "validation", "objective_loss", float(np.nanmin(judged)))
        if not np.isfinite(judged).any():
            raise CustomerError("The loss is not finite: try a smaller learning_rate")
        self._history.append(float(np.nanmin(judged)))
        patience = job.integer("early_stopping_patience", 3)
        if len(self._history) <= patience:
            return False
        tolerance = job.number("early_stopping_tolerance", 0.001)
        before, lately = min(self._history[:-patience]), min(self._history[-patience:])
        return before - lately <= tolerance * abs(before)
