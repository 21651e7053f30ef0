"""The hyperparameters of k-means as SageMaker has them. Pure data."""

from flowmaker.sagemaker.algorithms.hyperparameters import (
    BOOLEAN,
    Categorical,
    CommaSeparated,
    Continuous,
    Integer,
    Interval,
    Schema,
)
from flowmaker.sagemaker.algorithms.reports import PROGRESS, definition

_POSITIVE = Interval(1)
_INITIALISATION = Categorical(("random", "kmeans++"))

SCHEMA = Schema(
    required=("k", "feature_dim"),
    kinds={
        "k": Integer(_POSITIVE),
        "feature_dim": Integer(_POSITIVE),
        "epochs": Integer(_POSITIVE),
        "eval_metrics": CommaSeparated(("msd", "ssd")),
        "extra_center_factor": Integer(_POSITIVE, words=("auto",)),
        "half_life_time_size": Integer(Interval(0)),
        "init_method": _INITIALISATION,
        "local_lloyd_init_method": _INITIALISATION,
        "local_lloyd_max_iter": Integer(_POSITIVE),
        "local_lloyd_num_trials": Integer(_POSITIVE, words=("auto",)),
        "local_lloyd_tol": Continuous(Interval(0, 1)),
        "mini_batch_size": Integer(_POSITIVE),
        # The SageMaker SDK sends it with every record set: dense is how we compute anyway.
        "force_dense": BOOLEAN,
        "_tuning_objective_metric": Categorical(("train:msd", "test:msd", "test:ssd")),
    },
)

#: Name and regex of every metric that AWS defines for the algorithm.
DEFINITIONS = (
    definition("train", "msd"),
    *PROGRESS,
    definition("test", "msd"),
    definition("test", "ssd"),
)
