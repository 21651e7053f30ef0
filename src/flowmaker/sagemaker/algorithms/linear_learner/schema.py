"""The hyperparameters of linear learner as SageMaker has them. Pure data."""

from collections.abc import Mapping

from flowmaker.sagemaker.algorithms.hyperparameters import (
    BOOLEAN,
    Categorical,
    Continuous,
    Integer,
    Interval,
    Schema,
    Value,
)
from flowmaker.sagemaker.algorithms.reports import PROGRESS, definition

_AUTO = ("auto",)
_POSITIVE = Interval(0, low_open=True)
_NOT_NEGATIVE = Interval(0)
_BELOW_ONE = Interval(0, 1, high_open=True)
_OPEN_UNIT = Interval(0, 1, low_open=True, high_open=True)
_COUNT = Interval(1)
_AUTO_BOOLEAN = Categorical(("auto", *BOOLEAN.choices))

#: The losses of each type of predictor, the one that `auto` is first.
LOSSES = {
    "binary_classifier": ("logistic", "hinge_loss"),
    "multiclass_classifier": ("softmax_loss",),
    "regressor": (
        "squared_loss",
        "absolute_loss",
        "eps_insensitive_squared_loss",
        "eps_insensitive_absolute_loss",
        "quantile_loss",
        "huber_loss",
    ),
}

CRITERIA = (
    "accuracy",
    "f_beta",
    "f1",
    "precision_at_target_recall",
    "recall_at_target_precision",
    "loss_function",
)

_MULTICLASS = (
    "multiclass_accuracy",
    "multiclass_top_k_accuracy",
    "macro_precision",
    "macro_recall",
    "macro_f_beta",
)
_BINARY = ("binary_classification_accuracy", "binary_f_beta", "precision", "recall")
#: What is measured of each type of predictor: those that are better large.
SCORES = (*_BINARY, "roc_auc_score", *_MULTICLASS)
#: And those that are better small.
ERRORS = ("objective_loss", "mse", "rmse", "absolute_loss")

_TUNABLE = tuple(f"{data}:{name}" for data in ("validation", "test") for name in ERRORS + SCORES)


def _classes(values: Mapping[str, Value]) -> list[str]:
    many = values["predictor_type"] == "multiclass_classifier"
    if many and "num_classes" not in values:
        return ["num_classes is required for predictor_type multiclass_classifier"]
    if not many and "num_classes" in values:
        return ["num_classes is for predictor_type multiclass_classifier alone"]
    return []


def _loss(values: Mapping[str, Value]) -> list[str]:
    kind, loss = str(values["predictor_type"]), values.get("loss", "auto")
    if loss == "auto" or loss in LOSSES[kind]:
        return []
    return [f"loss {loss} is not one of predictor_type {kind}: {', '.join(LOSSES[kind])}"]


SCHEMA = Schema(
    required=("predictor_type",),
    kinds={
        "predictor_type": Categorical(tuple(LOSSES)),
        "feature_dim": Integer(_COUNT, words=_AUTO),
        "num_classes": Integer(Interval(3, 1_000_000)),
        "accuracy_top_k": Integer(_COUNT),
        "balance_multiclass_weights": BOOLEAN,
        "beta_1": Continuous(_BELOW_ONE, words=_AUTO),
        "beta_2": Continuous(_BELOW_ONE, words=_AUTO),
        "bias_lr_mult": Continuous(_POSITIVE, words=_AUTO),
        "bias_wd_mult": Continuous(_NOT_NEGATIVE, words=_AUTO),
        "binary_classifier_model_selection_criteria": Categorical(CRITERIA),
        "early_stopping_patience": Integer(_COUNT),
        "early_stopping_tolerance": Continuous(_POSITIVE),
        "epochs": Integer(_COUNT),
        "f_beta": Continuous(_POSITIVE),
        "force_dense": BOOLEAN,
        "huber_delta": Continuous(_POSITIVE),
        "init_bias": Continuous(),
        "init_method": Categorical(("uniform", "normal")),
        "init_scale": Continuous(_POSITIVE),
        "init_sigma": Continuous(_POSITIVE),
        "l1": Continuous(_NOT_NEGATIVE, words=_AUTO),
        "learning_rate": Continuous(_POSITIVE, words=_AUTO),
        "loss": Categorical(("auto", *(loss for losses in LOSSES.values() for loss in losses))),
        "loss_insensitivity": Continuous(_POSITIVE),
        "lr_scheduler_factor": Continuous(_OPEN_UNIT, words=_AUTO),
        "lr_scheduler_minimum_lr": Continuous(_POSITIVE, words=_AUTO),
        "lr_scheduler_step": Integer(_COUNT, words=_AUTO),
        "margin": Continuous(_POSITIVE),
        "mini_batch_size": Integer(_COUNT),
        "momentum": Continuous(_BELOW_ONE, words=_AUTO),
        "normalize_data": _AUTO_BOOLEAN,
        "normalize_label": _AUTO_BOOLEAN,
        "num_calibration_samples": Integer(_COUNT, words=_AUTO),
        "num_models": Integer(_COUNT, words=_AUTO),
        "num_point_for_scaler": Integer(_COUNT),
        "optimizer": Categorical(("auto", "sgd", "adam", "rmsprop")),
        "positive_example_weight_mult": Continuous(_POSITIVE, words=("auto", "balanced")),
        "quantile": Continuous(_OPEN_UNIT),
        "target_precision": Continuous(_OPEN_UNIT),
        "target_recall": Continuous(_OPEN_UNIT),
        "unbias_data": _AUTO_BOOLEAN,
        "unbias_label": _AUTO_BOOLEAN,
        "use_bias": _AUTO_BOOLEAN,
        "use_lr_scheduler": _AUTO_BOOLEAN,
        "wd": Continuous(_NOT_NEGATIVE, words=_AUTO),
        "_tuning_objective_metric": Categorical(_TUNABLE),
    },
    rules=(_classes, _loss),
)

#: Name and regex of every metric that is reported.
DEFINITIONS = (
    definition("train", "objective_loss"),
    *(definition(data, name) for data in ("validation", "test") for name in ERRORS),
    *(definition(data, name, kind="score") for data in ("validation", "test") for name in SCORES),
    *PROGRESS,
)
