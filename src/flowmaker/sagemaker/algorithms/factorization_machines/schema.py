"""The hyperparameters of factorization machines as SageMaker has them. Pure data."""

from flowmaker.sagemaker.algorithms.hyperparameters import (
    Categorical,
    Continuous,
    Integer,
    Interval,
    Kind,
    Schema,
)
from flowmaker.sagemaker.algorithms.reports import PROGRESS, definition

_COUNT = Interval(1)
_NOT_NEGATIVE = Interval(0)

#: The three groups of parameters, each with settings of its own.
PARTS = ("bias", "linear", "factors")


def _of_each_part() -> dict[str, Kind]:
    kinds: dict[str, Kind] = {}
    for part in PARTS:
        kinds |= {
            f"{part}_init_method": Categorical(("normal", "uniform", "constant")),
            f"{part}_init_scale": Continuous(_NOT_NEGATIVE),
            f"{part}_init_sigma": Continuous(_NOT_NEGATIVE),
            f"{part}_init_value": Continuous(),
            f"{part}_lr": Continuous(_NOT_NEGATIVE),
            f"{part}_wd": Continuous(_NOT_NEGATIVE),
        }
    return kinds


_REGRESSION = ("rmse", "mse", "absolute_loss")
_SCORES = ("binary_classification_accuracy", "binary_f_beta")
_CROSS_ENTROPY = "binary_classification_cross_entropy"

SCHEMA = Schema(
    required=("feature_dim", "num_factors", "predictor_type"),
    kinds={
        "feature_dim": Integer(_COUNT),
        "num_factors": Integer(_COUNT),
        "predictor_type": Categorical(("binary_classifier", "regressor")),
        "clip_gradient": Continuous(_NOT_NEGATIVE),
        "epochs": Integer(_COUNT),
        "eps": Continuous(_NOT_NEGATIVE),
        "mini_batch_size": Integer(_COUNT),
        "rescale_grad": Continuous(_NOT_NEGATIVE),
        "_tuning_objective_metric": Categorical(
            ("test:rmse", *(f"test:{name}" for name in (*_SCORES, _CROSS_ENTROPY)))
        ),
        **_of_each_part(),
    },
)

#: Name and regex of every metric that is reported.
DEFINITIONS = (
    *(
        definition(data, name)
        for data in ("train", "test")
        for name in (*_REGRESSION, _CROSS_ENTROPY)
    ),
    *(definition(data, name, kind="score") for data in ("train", "test") for name in _SCORES),
    *PROGRESS,
)
