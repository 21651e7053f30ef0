"""The hyperparameters of k-nearest neighbors as SageMaker has them. Pure data."""

from collections.abc import Mapping

from flowmaker.sagemaker.algorithms.hyperparameters import (
    Categorical,
    Integer,
    Interval,
    Schema,
    Value,
)
from flowmaker.sagemaker.algorithms.reports import PROGRESS, definition

_POSITIVE = Interval(1)


def _target_of_a_reduction(values: Mapping[str, Value]) -> list[str]:
    target, width = values.get("dimension_reduction_target"), values["feature_dim"]
    if "dimension_reduction_type" not in values:
        return []
    assert isinstance(width, int)
    if isinstance(target, int) and target < width:
        return []
    problem = (
        "dimension_reduction_type needs a dimension_reduction_target that is less than "
        f"feature_dim ({width})"
    )
    return [problem]


SCHEMA = Schema(
    required=("feature_dim", "k", "predictor_type", "sample_size"),
    kinds={
        "feature_dim": Integer(_POSITIVE),
        "k": Integer(Interval(1, 1024)),
        "predictor_type": Categorical(("classifier", "regressor")),
        "sample_size": Integer(_POSITIVE),
        "dimension_reduction_target": Integer(_POSITIVE),
        "dimension_reduction_type": Categorical(("sign", "fjlt")),
        "faiss_index_ivf_nlists": Integer(_POSITIVE, words=("auto",)),
        "faiss_index_pq_m": Integer(_POSITIVE),
        "index_metric": Categorical(("L2", "INNER_PRODUCT", "COSINE")),
        "index_type": Categorical(("faiss.Flat", "faiss.IVFFlat", "faiss.IVFPQ")),
        "mini_batch_size": Integer(_POSITIVE),
        "_tuning_objective_metric": Categorical(("test:accuracy", "test:mse")),
    },
    rules=(_target_of_a_reduction,),
)

#: Name and regex of every metric that AWS defines for the algorithm.
DEFINITIONS = (
    definition("test", "accuracy", kind="score"),
    definition("test", "mse"),
    *PROGRESS,
)
