"""Training by Adam; instances take the mean of their parameters after each epoch.

The model is `fm-model.npz`, as numpy writes it: `bias`, `linear` and `factors`.
"""

import io
import time
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from flowmaker.sagemaker.algorithms import sparse
from flowmaker.sagemaker.algorithms.exchange import exchange
from flowmaker.sagemaker.algorithms.factorization_machines.machine import Adam, Machine
from flowmaker.sagemaker.algorithms.factorization_machines.predict import Predictor
from flowmaker.sagemaker.algorithms.factorization_machines.schema import PARTS
from flowmaker.sagemaker.algorithms.job import CustomerError, Job
from flowmaker.sagemaker.algorithms.observations import Numbers
from flowmaker.sagemaker.algorithms.reports import progress, quality
from flowmaker.sagemaker.algorithms.sparse import Rows

_BATCH, _EPOCHS = 1000, 1
#: AWS's defaults for each group of parameters: learning rate, weight decay, initial deviation.
_DEFAULTS = {
    "bias": (0.1, 0.01, 0.01),
    "linear": (0.001, 0.001, 0.01),
    "factors": (0.0001, 0.00001, 0.001),
}
_TINY = 1e-8


def train(job: Job) -> None:
    """The whole job."""
    width = job.integer("feature_dim", 1)
    if "train" not in job.channels:
        raise CustomerError("Missing required channel: train")
    rows, labels = _labelled(job, "train", width)
    if not len(rows) and len(job.hosts) == 1:
        raise CustomerError("No data in the train channel")
    classifies = job.text("predictor_type") == "binary_classifier"
    predictor = Predictor(_initial(job, width), classifies)
    adams = {part: _adam(job, part) for part in PARTS}
    epochs = job.integer("epochs", _EPOCHS)
    rng = np.random.default_rng(job.hosts.index(job.host))
    for epoch in range(epochs):
        begin = time.perf_counter()
        _pass(job, predictor, adams, rows, labels, rng.permutation(len(rows)))
        _agree(job, f"epoch {epoch}", predictor.machine, len(rows))
        progress(job, epoch, epochs, len(rows), time.perf_counter() - begin)
        if not np.isfinite(predictor.machine.factors).all():
            raise CustomerError("A parameter is not finite any more: try smaller learning rates")
    if not job.leads:
        return
    _report(job, "train", predictor, rows, labels)
    if "test" in job.channels:
        _report(job, "test", predictor, *_labelled(job, "test", width))
    predictor.save(job.model)


def _labelled(job: Job, name: str, width: int) -> tuple[Rows, Numbers]:
    rows, labels = sparse.read(job.channels[name], width)
    if job.text("predictor_type") == "binary_classifier" and not np.isin(labels, (0, 1)).all():
        raise CustomerError(f"Channel {name}: a label of a binary_classifier is neither 0 nor 1")
    return rows, labels


def _initial(job: Job, width: int) -> Machine:
    """Random parameters, the same on every instance."""
    rng = np.random.default_rng(0)

    def drawn(part: str, shape: tuple[int, int]) -> NDArray[np.float64]:
        method = job.text(f"{part}_init_method", "normal")
        if method == "constant":
            return np.full(shape, job.number(f"{part}_init_value", 0))
        if method == "uniform":
            scale = job.number(f"{part}_init_scale", _DEFAULTS[part][2])
            return rng.uniform(-scale, scale, size=shape)
        return rng.normal(scale=job.number(f"{part}_init_sigma", _DEFAULTS[part][2]), size=shape)

    factors = job.integer("num_factors", 1)
    return Machine(
        drawn("bias", (1, 1)), drawn("linear", (width, 1)), drawn("factors", (width, factors))
    )


def _adam(job: Job, part: str) -> Adam:
    rate, decay, _ = _DEFAULTS[part]
    return Adam(
        rate=job.number(f"{part}_lr", rate),
        decay=job.number(f"{part}_wd", decay),
        clip=job.number("clip_gradient", 0),
        tiny=job.number("eps", _TINY),
    )


def _pass(
    job: Job,
    predictor: Predictor,
    adams: Mapping[str, Adam],
    rows: Rows,
    labels: Numbers,
    order: NDArray[np.int64],
) -> None:
    """All rows once, a batch at a time."""
    size = job.integer("mini_batch_size", _BATCH)
    rescale = job.number("rescale_grad", 1)
    machine = predictor.machine
    for start in range(0, len(order), size):
        some = order[start : start + size]
        batch = rows.take(some)
        # The slope of the logistic loss, and of half of the squared one, is the same difference.
        pulls = (predictor.scores(batch) - labels[some]) * rescale / len(some)
        slopes = machine.slopes(batch, pulls)
        adams["bias"].step(machine.bias, slopes.bias, np.zeros(1, dtype=np.int64))
        adams["linear"].step(machine.linear, slopes.linear, slopes.touched)
        adams["factors"].step(machine.factors, slopes.factors, slopes.touched)


def _agree(job: Job, topic: str, machine: Machine, rows: int) -> None:
    """Gives every instance's machine the mean of all, weighted by their rows."""
    if len(job.hosts) == 1:
        return
    buffer = io.BytesIO()
    np.savez(
        buffer,
        bias=machine.bias,
        linear=machine.linear,
        factors=machine.factors,
        rows=np.array(float(rows)),
    )
    agreed = exchange(job, topic, buffer.getvalue(), _mean)
    with np.load(io.BytesIO(agreed)) as arrays:
        machine.bias, machine.linear = arrays["bias"], arrays["linear"]
        machine.factors = arrays["factors"]


def _mean(everyone: Mapping[str, bytes]) -> bytes:
    total = dict.fromkeys(("rows", *PARTS), np.array(0.0))
    for packed in everyone.values():
        with np.load(io.BytesIO(packed)) as arrays:
            rows = arrays["rows"]
            total["rows"] = total["rows"] + rows
            for part in PARTS:
                total[part] = total[part] + rows * arrays[part]
    if not total["rows"]:
        raise CustomerError("No data in the train channel")
    buffer = io.BytesIO()
    bias, linear, factors = (total[part] / total["rows"] for part in PARTS)
    np.savez(buffer, bias=bias, linear=linear, factors=factors)
    return buffer.getvalue()


def _report(job: Job, name: str, predictor: Predictor, rows: Rows, labels: Numbers) -> None:
    """The metrics of a channel, into the log."""
    scores = predictor.scores(rows)
    if not predictor.classifies:
        square = float(np.mean((scores - labels) ** 2))
        quality(job, name, "rmse", square**0.5)
        quality(job, name, "mse", square)
        quality(job, name, "absolute_loss", float(np.mean(np.abs(scores - labels))))
        return
    outputs = predictor.machine.outputs(rows)
    entropy = float(np.mean(np.logaddexp(0, outputs) - labels * outputs))
    quality(job, name, "binary_classification_cross_entropy", entropy)
    called = predictor.labels(scores)
    hits, both = float((called * labels).sum()), float(called.sum() + labels.sum())
    accuracy = float(np.mean(np.equal(called, labels)))
    quality(job, name, "binary_classification_accuracy", accuracy, kind="score")
    quality(job, name, "binary_f_beta", 2 * hits / max(1.0, both), kind="score")
