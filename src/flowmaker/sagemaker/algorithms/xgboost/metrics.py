"""The names of XGBoost's metrics in SageMaker, and how their lines in the log are read. Pure."""

MAXIMIZED = (
    "accuracy",
    "auc",
    "aucpr",
    "balanced_accuracy",
    "f1",
    "f1_binary",
    "f1_macro",
    "map",
    "ndcg",
    "precision",
    "precision_macro",
    "precision_micro",
    "r2",
    "recall",
    "recall_macro",
    "recall_micro",
)
MINIMIZED = (
    "aft-nloglik",
    "cox-nloglik",
    "error",
    "gamma-deviance",
    "gamma-nloglik",
    "interval-regression-accuracy",
    "logloss",
    "mae",
    "mape",
    "merror",
    "mlogloss",
    "mphe",
    "mse",
    "poisson-nloglik",
    "rmse",
    "rmsle",
    "tweedie-nloglik",
)
METRICS = MAXIMIZED + MINIMIZED

#: Those that XGBoost itself does not have; the program computes them.
COMPUTED = frozenset(
    {
        "accuracy",
        "balanced_accuracy",
        "f1",
        "f1_binary",
        "f1_macro",
        "mse",
        "precision",
        "precision_macro",
        "precision_micro",
        "r2",
        "recall",
        "recall_macro",
        "recall_micro",
    }
)

#: Those that may carry a threshold, e.g. `error@0.7`.
_WITH_THRESHOLD = ("error", "ndcg", "map", "tweedie-nloglik")

_SETS = ("train", "validation")


def has_threshold(metric: str) -> bool:
    """Whether it is e.g. `ndcg@10` or `ndcg@10-`, with a metric that takes one."""
    name, at, threshold = metric.partition("@")
    if not at or name not in _WITH_THRESHOLD:
        return False
    try:
        float(threshold.removesuffix("-"))
    except ValueError:
        return False
    return True


def regex(data_set: str, metric: str) -> str:
    r"""Finds the metric in a line `[12]\ttrain-merror:0.01\tvalidation-merror:0.02`.

    CloudWatch shows the tab as `#011`; the regex takes both, for either may be read.
    """
    return rf".*\[[0-9]+\].*(?:#011|\t){data_set}-{metric}:([^\s#]+)"


#: Name and regex of every metric that AWS defines for the algorithm.
DEFINITIONS = tuple(
    (f"{data_set}:{metric}", regex(data_set, metric)) for metric in METRICS for data_set in _SETS
)
