"""The hyperparameters of random cut forest as SageMaker has them. Pure data."""

from flowmaker.sagemaker.algorithms.hyperparameters import (
    BOOLEAN,
    Categorical,
    CommaSeparated,
    Integer,
    Interval,
    Schema,
)
from flowmaker.sagemaker.algorithms.reports import PROGRESS, definition

SCHEMA = Schema(
    required=("feature_dim",),
    kinds={
        "feature_dim": Integer(Interval(1, 10_000)),
        "eval_metrics": CommaSeparated(("accuracy", "precision_recall_fscore")),
        "num_samples_per_tree": Integer(Interval(1, 2048)),
        "num_trees": Integer(Interval(50, 1000)),
        "mini_batch_size": Integer(Interval(1)),
        "force_dense": BOOLEAN,
        "_tuning_objective_metric": Categorical(("test:f1",)),
    },
)

#: Name and regex of every metric that is reported.
DEFINITIONS = (
    *(definition("test", name, kind="score") for name in ("accuracy", "precision", "recall", "f1")),
    *PROGRESS,
)
