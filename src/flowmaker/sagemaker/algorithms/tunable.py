"""What AWS lets a tuning job tune of each built-in algorithm, and by which metrics. Pure data.

Contract: the pages "Tune a … Model" of the developer guide. Ranges are those recommended there;
Autotune searches them where it is not told others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flowmaker.sagemaker.algorithms.xgboost.metrics import MAXIMIZED, METRICS

#: Lowest, highest, and `integer`, `continuous` or `logarithmic`; or the words to choose from.
Recommended = tuple[float, float, str] | tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tuning:
    """What of an algorithm is tuned."""

    #: Hyperparameters that may be, with their recommended ranges.
    ranges: Mapping[str, Recommended]
    #: Metrics that a tuning job may have as its objective: `Maximize` or `Minimize`.
    objectives: Mapping[str, str]


_UNIT = (0.0, 1.0, "continuous")
_RATE = (1e-5, 1.0, "logarithmic")
_DECAY = (1e-8, 512.0, "logarithmic")
_INIT = (1e-8, 512.0, "logarithmic")

_RANGES: Mapping[str, Mapping[str, Recommended]] = {
    "xgboost": {
        "alpha": (0.0, 1000.0, "continuous"),
        "colsample_bylevel": (0.1, 1.0, "continuous"),
        "colsample_bynode": (0.1, 1.0, "continuous"),
        "colsample_bytree": (0.5, 1.0, "continuous"),
        "eta": (0.1, 0.5, "continuous"),
        "gamma": (0.0, 5.0, "continuous"),
        "lambda": (0.0, 1000.0, "continuous"),
        "max_delta_step": (0, 10, "integer"),
        "max_depth": (0, 10, "integer"),
        "min_child_weight": (0.0, 120.0, "continuous"),
        "num_round": (1, 4000, "integer"),
        "subsample": (0.5, 1.0, "continuous"),
    },
    "kmeans": {
        "epochs": (1, 10, "integer"),
        "extra_center_factor": (4, 10, "integer"),
        "init_method": ("kmeans++", "random"),
        "mini_batch_size": (3000, 15000, "integer"),
    },
    "linear-learner": {
        "wd": (1e-7, 1.0, "logarithmic"),
        "l1": (1e-7, 1.0, "logarithmic"),
        "learning_rate": _RATE,
        "mini_batch_size": (100, 5000, "integer"),
        "use_bias": ("true", "false"),
        "positive_example_weight_mult": (1e-5, 1e5, "logarithmic"),
    },
    "knn": {
        "k": (1, 1024, "integer"),
        "sample_size": (256, 20_000_000, "integer"),
    },
    "randomcutforest": {
        "num_samples_per_tree": (1, 2048, "integer"),
        "num_trees": (50, 1000, "integer"),
    },
    "factorization-machines": {
        **{
            f"{part}_{what}": value
            for part in ("bias", "linear", "factors")
            for what, value in (
                ("init_scale", _INIT),
                ("init_sigma", _INIT),
                ("init_value", (-512.0, 512.0, "continuous")),
                ("lr", _DECAY),
                ("wd", _DECAY),
            )
        },
        "epochs": (1, 1000, "integer"),
        "mini_batch_size": (100, 10000, "integer"),
    },
    "pca": {},
}


def tuning(name: str, definitions: Sequence[tuple[str, str]]) -> Tuning:
    """What of the algorithm is tuned; `definitions` are the names and regexes of its metrics."""
    if name == "xgboost":
        objectives = {
            f"validation:{metric}": "Maximize" if metric in MAXIMIZED else "Minimize"
            for metric in METRICS
        }
    else:
        objectives = {
            metric: "Maximize" if "<score>" in regex else "Minimize"
            for metric, regex in definitions
            if "#quality_metric" in regex
        }
    return Tuning(ranges=_RANGES[name], objectives=objectives)
