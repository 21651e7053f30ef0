"""XGBoost's hyperparameters as SageMaker has them. Pure data, shared by server and program."""

from collections.abc import Mapping

from flowmaker.sagemaker.algorithms.hyperparameters import (
    Categorical,
    CommaSeparated,
    Continuous,
    Integer,
    IntegerList,
    Interval,
    Schema,
    Value,
)
from flowmaker.sagemaker.algorithms.xgboost.metrics import METRICS, has_threshold

_UNIT = Interval(0, 1)
_POSITIVE_UNIT = Interval(0, 1, low_open=True)
_NOT_NEGATIVE = Interval(0)
_FLAG = Integer(Interval(0, 1))
_BOOLEAN = Categorical(("true", "false"))

OBJECTIVES = (
    "binary:logistic",
    "binary:logitraw",
    "binary:hinge",
    "count:poisson",
    "multi:softmax",
    "multi:softprob",
    "rank:pairwise",
    "rank:ndcg",
    "rank:map",
    "reg:linear",
    "reg:squarederror",
    "reg:logistic",
    "reg:gamma",
    "reg:pseudohubererror",
    "reg:squaredlogerror",
    "reg:absoluteerror",
    "reg:tweedie",
    "survival:aft",
    "survival:cox",
)
_UPDATERS = (
    "grow_colmaker",
    "grow_histmaker",
    "grow_quantile_histmaker",
    "sync",
    "refresh",
    "prune",
    "shotgun",
    "coord_descent",
)


def _num_class(values: Mapping[str, Value]) -> list[str]:
    multi = str(values.get("objective", "")).startswith("multi:")
    if multi and "num_class" not in values:
        return ["Require input for parameter 'num_class' for multi-classification"]
    if not multi and "num_class" in values:
        return ["Do not need to setup parameter 'num_class' unless for multi-classification."]
    return []


def _constraints(values: Mapping[str, Value]) -> list[str]:
    allowed = {
        "monotone_constraints": {"exact", "hist"},
        "interaction_constraints": {"exact", "hist", "approx"},
    }
    return [
        f"{name} can be used only when the tree_method parameter is set to one of "
        f"{', '.join(sorted(methods))}."
        for name, methods in allowed.items()
        if name in values and values.get("tree_method") not in methods
    ]


def _auc(values: Mapping[str, Value]) -> list[str]:
    objective, metrics = str(values.get("objective", "reg:squarederror")), values.get("eval_metric")
    if not isinstance(metrics, list):
        return []
    complaints: list[str] = []
    if "auc" in metrics and not objective.startswith(("binary:", "rank:", "multi:")):
        complaints.append(
            "Metric 'auc' can only be applied for classification and ranking problems."
        )
    if "aft-nloglik" in metrics and objective != "survival:aft":
        complaints.append("Metric 'aft-nloglik' can only be applied for 'survival:aft' objective.")
    return complaints


def _rounds_of_folds(values: Mapping[str, Value]) -> list[str]:
    if "_num_cv_round" in values and "_kfold" not in values:
        return ["_num_cv_round is the number of rounds of a cross-validation: give _kfold, too"]
    if "_kfold" in values and str(values.get("objective", "")).startswith("rank:"):
        return ["_kfold cannot share out the queries of a ranking"]
    return []


_NO_GPU = "there is no GPU in Flowmaker's built-in XGBoost; use hist"

SCHEMA = Schema(
    required=("num_round",),
    aliases={
        "learning_rate": "eta",
        "min_split_loss": "gamma",
        "reg_lambda": "lambda",
        "reg_alpha": "alpha",
    },
    kinds={
        "num_round": Integer(Interval(1)),
        "csv_weights": _FLAG,
        "early_stopping_rounds": Integer(Interval(1)),
        "booster": Categorical(("gbtree", "gblinear", "dart")),
        "verbosity": Integer(Interval(0, 3)),
        "silent": _FLAG,
        "nthread": Integer(Interval(1)),
        "eta": Continuous(_UNIT),
        "gamma": Continuous(_NOT_NEGATIVE),
        "max_depth": Integer(_NOT_NEGATIVE),
        "min_child_weight": Continuous(_NOT_NEGATIVE),
        "max_delta_step": Continuous(_NOT_NEGATIVE),
        "subsample": Continuous(_POSITIVE_UNIT),
        "colsample_bytree": Continuous(_POSITIVE_UNIT),
        "colsample_bylevel": Continuous(_POSITIVE_UNIT),
        "colsample_bynode": Continuous(_POSITIVE_UNIT),
        "lambda": Continuous(_NOT_NEGATIVE),
        "alpha": Continuous(_NOT_NEGATIVE),
        "tree_method": Categorical(("auto", "exact", "approx", "hist", "gpu_hist")),
        "sketch_eps": Continuous(Interval(0, 1, low_open=True, high_open=True)),
        "scale_pos_weight": Continuous(Interval(0, low_open=True)),
        "updater": CommaSeparated(_UPDATERS),
        "dsplit": Categorical(("row", "col")),
        "refresh_leaf": _FLAG,
        "process_type": Categorical(("default", "update")),
        "grow_policy": Categorical(("depthwise", "lossguide")),
        "max_leaves": Integer(_NOT_NEGATIVE),
        "max_bin": Integer(_NOT_NEGATIVE),
        "predictor": Categorical(("auto", "cpu_predictor", "gpu_predictor")),
        "monotone_constraints": IntegerList(Interval(-1, 1)),
        "interaction_constraints": IntegerList(Interval(0), nested=True),
        "sample_type": Categorical(("uniform", "weighted")),
        "normalize_type": Categorical(("tree", "forest")),
        "rate_drop": Continuous(_UNIT),
        "one_drop": _FLAG,
        "skip_drop": Continuous(_UNIT),
        "lambda_bias": Continuous(_UNIT),
        "tweedie_variance_power": Continuous(Interval(1, 2, low_open=True, high_open=True)),
        "objective": Categorical(OBJECTIVES),
        "num_class": Integer(Interval(2)),
        "base_score": Continuous(_NOT_NEGATIVE),
        "_kfold": Integer(Interval(2)),
        "_num_cv_round": Integer(Interval(1)),
        "_tuning_objective_metric": Categorical(
            tuple(
                f"{data_set}:{metric}" for data_set in ("train", "validation") for metric in METRICS
            )
        ),
        "eval_metric": CommaSeparated(METRICS, also=has_threshold),
        "seed": Integer(Interval(-(2**31), 2**31 - 1, low_open=True, high_open=True)),
        "num_parallel_tree": Integer(Interval(1)),
        "save_model_on_termination": _BOOLEAN,
        "aft_loss_distribution": Categorical(("normal", "logistic", "extreme")),
        "aft_loss_distribution_scale": Continuous(_NOT_NEGATIVE),
        "single_precision_histogram": _BOOLEAN,
        "deterministic_histogram": _BOOLEAN,
        "sampling_method": Categorical(("uniform", "gradient_based")),
        "prob_buffer_row": Integer(Interval(1, low_open=True)),
        "use_dask_gpu_training": _BOOLEAN,
    },
    refused={
        ("tree_method", "gpu_hist"): _NO_GPU,
        ("predictor", "gpu_predictor"): _NO_GPU,
        ("use_dask_gpu_training", "true"): _NO_GPU,
        ("sampling_method", "gradient_based"): _NO_GPU,
        ("process_type", "update"): "there is no earlier model to update in a training job",
    },
    rules=(_num_class, _constraints, _auc, _rounds_of_folds),
)
