"""The hyperparameters of PCA as SageMaker has them. Pure data."""

from collections.abc import Mapping

from flowmaker.sagemaker.algorithms.hyperparameters import (
    BOOLEAN,
    Categorical,
    Integer,
    Interval,
    Schema,
    Value,
)
from flowmaker.sagemaker.algorithms.reports import PROGRESS

_POSITIVE = Interval(1)


def _fewer_components_than_features(values: Mapping[str, Value]) -> list[str]:
    width, count = values["feature_dim"], values["num_components"]
    assert isinstance(width, int)
    assert isinstance(count, int)
    if count <= width:
        return []
    return [f"num_components ({count}) must not be more than feature_dim ({width})"]


SCHEMA = Schema(
    required=("feature_dim", "mini_batch_size", "num_components"),
    kinds={
        "feature_dim": Integer(_POSITIVE),
        "mini_batch_size": Integer(_POSITIVE),
        "num_components": Integer(_POSITIVE),
        "algorithm_mode": Categorical(("regular", "randomized", "stable")),
        "extra_components": Integer(Interval(-1)),
        "subtract_mean": BOOLEAN,
        "force_dense": BOOLEAN,
    },
    rules=(_fewer_components_than_features,),
)

#: AWS defines no metric of quality for the algorithm.
DEFINITIONS = PROGRESS
