"""Training, on one instance or on several."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import xgboost as xgb

from flowmaker.sagemaker.algorithms.hyperparameters import Value
from flowmaker.sagemaker.algorithms.job import CustomerError, Job, say
from flowmaker.sagemaker.algorithms.xgboost import data, folds, progress, scores
from flowmaker.sagemaker.algorithms.xgboost.distributed import together
from flowmaker.sagemaker.algorithms.xgboost.metrics import COMPUTED
from flowmaker.sagemaker.algorithms.xgboost.progress import Progress

#: How the job's folder is called, wherever it is.
_OPT_ML = Path("/opt/ml")
#: Hyperparameters that are for this program, not for XGBoost.
_OURS = frozenset(
    {
        "num_round",
        "csv_weights",
        "early_stopping_rounds",
        "save_model_on_termination",
        "_tuning_objective_metric",
        "eval_metric",
        "use_dask_gpu_training",
        "silent",
        "_kfold",
        "_num_cv_round",
    }
)
#: Old names that XGBoost no longer takes.
_RENAMED = {"reg:linear": "reg:squarederror"}

#: In what XGBoost says when it is the user's data or settings that are wrong.
_CUSTOMER_SIGNS = (
    "label must be",
    "label set cannot be empty",
    "Check failed: label",
    "must be in [0",
    "should be in",
    "Invalid Parameter",
    "Invalid value",
    "expected to be",
    "Unknown metric",
    "not implemented for objective",
    "values must be",
    "is not supported",
)


def _metrics(job: Job) -> list[str]:
    wanted = job.words("eval_metric")
    objective = job.text("_tuning_objective_metric").partition(":")[2]
    if objective and objective not in wanted:
        wanted = [*wanted, objective]
    return wanted


def _parameters(job: Job) -> dict[str, object]:
    """What XGBoost is given, under its own names."""
    parameters: dict[str, object] = {
        name: _as_xgboost_has_it(name, value)
        for name, value in job.hyperparameters.items()
        if name not in _OURS
    }
    if job.integer("silent", 0):
        parameters.setdefault("verbosity", 0)
    own = [name for name in _metrics(job) if name not in COMPUTED]
    if own:
        parameters["eval_metric"] = own
    elif _metrics(job):
        parameters["disable_default_eval_metric"] = 1
    return parameters


def _as_xgboost_has_it(name: str, value: Value) -> object:
    if name == "objective":
        return _RENAMED.get(str(value), value)
    if name == "updater" and isinstance(value, list):
        return ",".join(str(word) for word in value)
    if name == "monotone_constraints" and isinstance(value, list):
        return tuple(value)
    return value


def _checkpoints(job: Job) -> Path | None:
    config = job.base / "input" / "config" / "checkpointconfig.json"
    if not config.exists():
        return None
    read = cast("dict[str, str]", json.loads(config.read_text()) or {})
    if not read.get("LocalPath"):
        return None
    place = Path(read["LocalPath"])
    return job.base / place.relative_to(_OPT_ML) if place.is_relative_to(_OPT_ML) else place


def train(job: Job) -> None:
    """The whole job."""
    weights = bool(job.integer("csv_weights", 0))
    if "train" not in job.channels:
        raise CustomerError("Missing required channel: train")
    table = data.read(job.channels["train"], weights=weights)
    validation = (
        data.read(job.channels["validation"], weights=weights)
        if "validation" in job.channels
        else None
    )
    _check_labels(job, table)
    if job.integer("_kfold", 0):
        _save(job, _cross_validated(job, table, validation))
        return
    if len(job.hosts) == 1:
        _check(table, "train")
        if validation is not None:
            _check(validation, "validation")
        model = _boost(job, table, validation, columns=_columns(table, validation), logs=True)
    else:
        model = together(
            job,
            rows=table.shape[0],
            columns=_columns(table, validation),
            boost=lambda columns, logs: _boost(job, table, validation, columns=columns, logs=logs),
        )
    if job.leads:
        _save(job, [model])


def _save(job: Job, models: Sequence[bytes]) -> None:
    """One model under its name; several under the numbers of their folds."""
    job.model.mkdir(parents=True, exist_ok=True)
    for number, model in enumerate(models):
        path = job.model / ("xgboost-model" if len(models) == 1 else f"xgboost-model-{number}")
        path.write_bytes(model)
        say(f"Stored trained model at {path}")


def _check(table: data.Table, channel: str) -> None:
    if not table.shape[0]:
        raise CustomerError(f"No data in the {channel} channel")


def _check_labels(job: Job, table: data.Table) -> None:
    """XGBoost complains of something else when labels do not fit the objective, or of nothing."""
    objective, labels = job.text("objective"), table.label
    if not table.shape[0]:
        return
    low, high = float(labels.min()), float(labels.max())
    if objective in {"binary:logistic", "binary:logitraw", "binary:hinge", "reg:logistic"}:
        if low < 0 or high > 1:
            raise CustomerError(
                f"label must be in [0,1] for {objective}, found {low:g} to {high:g}"
            )
    elif objective.startswith("multi:"):
        classes = job.integer("num_class", 2)
        if low < 0 or high >= classes:
            raise CustomerError(
                f"label must be in [0, num_class), found {low:g} to {high:g} "
                f"with num_class={classes}"
            )


def _columns(table: data.Table, validation: data.Table | None) -> int:
    return max(table.shape[1], validation.shape[1] if validation else 0)


def _cross_validated(job: Job, table: data.Table, validation: data.Table | None) -> list[bytes]:
    """A model for every fold of every round."""
    if len(job.hosts) > 1:
        raise CustomerError("_kfold needs all rows on one instance: set the InstanceCount to 1")
    _check(table, "train")
    count, rounds = job.integer("_kfold", 2), job.integer("_num_cv_round", 1)
    objective = job.text("objective")
    try:
        whole = data.joined(table, validation) if validation is not None else table
        parts = [
            folds.split(
                whole.label,
                folds=count,
                classes=objective.startswith(("binary:", "multi:")),
                seed=number,
            )
            for number in range(rounds)
        ]
    except ValueError as error:
        raise CustomerError(str(error)) from error
    matrix = data.matrix(whole, whole.shape[1])
    say(f"Run {rounds}-round of {count}-fold cross validation with {whole.shape[0]} rows")
    models: list[bytes] = []
    evaluations: list[folds.Evaluations] = []
    for number, split in enumerate(parts):
        for train_rows, held in folds.pairs(split):
            evals = [(matrix.slice(train_rows), "train"), (matrix.slice(held), "validation")]
            seen: dict[str, dict[str, list[float] | list[tuple[float, float]]]] = {}
            models.append(_boosted(job, evals, Progress(logs=True), seen=seen))
            evaluations.append(seen)
        say(f"The metrics of round {number + 1}")
        print(folds.means(job.integer("num_round", 1), evaluations[-count:]), flush=True)  # noqa: T201
    if rounds > 1:
        say(f"The overall metrics of {rounds}-round cross validation")
        print(folds.means(job.integer("num_round", 1), evaluations), flush=True)  # noqa: T201
    return models


def _boost(
    job: Job, table: data.Table, validation: data.Table | None, *, columns: int, logs: bool
) -> bytes:
    """Trains on this instance's data, and gives the model as XGBoost saves it."""
    evals = [(data.matrix(table, columns), "train")]
    say(f"Train matrix has {table.shape[0]} rows and {columns} columns")
    if validation is not None and validation.shape[0]:
        evals.append((data.matrix(validation, columns), "validation"))
        say(f"Validation matrix has {validation.shape[0]} rows")
    start_model, start = progress.latest(_checkpoints(job))
    if start:
        say(f"Resuming from iteration {start}")
    after = Progress(checkpoints=_checkpoints(job), start=start, logs=logs)
    return _boosted(job, evals, after, start=start, start_model=start_model)


def _boosted(
    job: Job,
    evals: list[tuple[xgb.DMatrix, str]],
    after: Progress,
    *,
    start: int = 0,
    start_model: bytearray | None = None,
    seen: dict[str, dict[str, list[float] | list[tuple[float, float]]]] | None = None,
) -> bytes:
    """Trains on the first of `evals`, and fills `seen` with the metrics of all of them."""
    if job.text("save_model_on_termination") == "true":
        after.stop_on_sigterm()
    computed = [name for name in _metrics(job) if name in COMPUTED]
    parameters = _parameters(job)
    objective = str(parameters.get("objective", ""))
    try:
        booster = xgb.train(
            parameters,
            evals[0][0],
            num_boost_round=max(job.integer("num_round", 1) - start, 0),
            evals=evals,
            custom_metric=scores.custom_metric(computed, objective) if computed else None,
            early_stopping_rounds=job.integer("early_stopping_rounds", 0) or None,
            callbacks=[after],
            xgb_model=start_model,
            verbose_eval=False,
            evals_result=seen,
        )
    except (xgb.core.XGBoostError, ValueError) as error:
        raise _told(error) from error
    return bytes(booster.save_raw("ubj"))


def _told(error: Exception) -> Exception:
    """XGBoost's error without its stack of addresses, as whose fault it is."""
    lines = [line.strip() for line in str(error).splitlines()]
    told = " ".join(line for line in lines if line and not line.startswith(("Stack", "[bt]")))
    if any(sign.lower() in told.lower() for sign in _CUSTOMER_SIGNS):
        return CustomerError(told)
    return RuntimeError(f"XGB train call failed with exception: {told}")
