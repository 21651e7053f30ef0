"""Which images are built-in algorithms, and what is wrong with a job's settings."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sagemaker
from sagemaker import image_uris

from flowmaker.sagemaker.algorithms.accounts import ACCOUNTS, domain
from flowmaker.sagemaker.algorithms.registry import (
    find,
    metric_definitions,
    validate_hyperparameters,
)

CONFIG = Path(sagemaker.__file__).with_name("image_uri_config")
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
KMEANS = "174872318107.dkr.ecr.us-west-2.amazonaws.com/kmeans:1"


NAMES = (
    "xgboost",
    "kmeans",
    "pca",
    "knn",
    "linear-learner",
    "randomcutforest",
    "factorization-machines",
)
REGISTRIES = {name: json.loads((CONFIG / f"{name}.json").read_text()) for name in NAMES}
#: One region of each partition: the SDK is slow to make a URI.
PARTITIONS = ("us-east-1", "cn-north-1", "us-gov-west-1", "us-iso-east-1", "us-isob-east-1")


def _versions(name: str) -> dict[str, dict[str, Any]]:
    config = REGISTRIES[name]
    return config.get("training", config)["versions"]


def test_the_accounts_are_the_sdk_s() -> None:
    of_the_sdk = {
        (region, one["repository"]): account
        for name in REGISTRIES
        for one in _versions(name).values()
        for region, account in one["registries"].items()
    }
    assert dict(ACCOUNTS) == of_the_sdk
    for (region, repository), account in of_the_sdk.items():
        uri = f"{account}.dkr.ecr.{region}.{domain(region)}/{repository}:1"
        found = find(uri if repository != "sagemaker-xgboost" else f"{uri}.7-1")
        assert found is not None, uri


@pytest.mark.parametrize("name", REGISTRIES)
def test_the_uris_that_the_sdk_makes_are_known(name: str) -> None:
    for version in _versions(name):
        for region in PARTITIONS if version in ("1", "1.7-1") else PARTITIONS[:1]:
            uri = image_uris.retrieve(name, region, version)
            found = find(uri)
            assert found is not None, uri
            assert found.name == name
            assert found.version.startswith(version)


@pytest.mark.parametrize(
    "image",
    [
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1",
        "123456789012.dkr.ecr.us-west-2.amazonaws.com/kmeans:1",
        "174872318107.dkr.ecr.us-east-1.amazonaws.com/kmeans:1",
        "174872318107.dkr.ecr.us-west-2.example.com/kmeans:1",
        "174872318107.dkr.ecr.us-west-2.amazonaws.com/kmeans:2",
        "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3",
        "kmeans:1",
        "python:3.11",
    ],
)
def test_anyone_else_s_image_is_not(image: str) -> None:
    assert find(image) is None


def test_a_built_in_has_all_that_a_job_needs() -> None:
    found = find(XGBOOST)
    assert found is not None
    assert found.module == "flowmaker.sagemaker.algorithms.xgboost"
    assert found.version == "1.7-1"
    assert "xgboost-cpu==" in found.lock
    assert "--hash=sha256:" in found.lock
    assert "://" not in found.lock
    assert {one.name for one in found.metric_definitions} >= {"validation:merror", "train:rmse"}
    assert find(XGBOOST) is found


def test_the_registry_imports_no_mathematics() -> None:
    program = "import sys, flowmaker.sagemaker.algorithms.registry; print(*sys.modules)"
    out = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    ).stdout.split()
    assert not {"numpy", "scipy", "xgboost", "sklearn", "uvicorn"} & set(out)


GOOD = {"num_round": "10"}


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, "Missing required hyperparameter: num_round"),
        ({"num_round": "0"}, "Hyperparameter num_round: 0 is not in [1, +inf)"),
        ({"num_round": "ten"}, "Hyperparameter num_round: could not parse value 'ten'"),
        ({**GOOD, "eta": "2"}, "Hyperparameter eta: 2.0 is not in [0, 1]"),
        ({**GOOD, "learning_rate": "nan"}, "Hyperparameter learning_rate: nan is not in [0, 1]"),
        ({**GOOD, "subsample": "0"}, "Hyperparameter subsample: 0.0 is not in (0, 1]"),
        ({**GOOD, "nrounds": "3"}, "Extraneous hyperparameter found: nrounds"),
        ({**GOOD, "eta": "1", "learning_rate": "1"}, "given twice, as learning_rate too"),
        ({**GOOD, "objective": "multi:softmax"}, "Require input for parameter 'num_class'"),
        ({**GOOD, "num_class": "3"}, "Do not need to setup parameter 'num_class'"),
        ({**GOOD, "objective": "x"}, "Hyperparameter objective: x is not in ['binary:logistic'"),
        ({**GOOD, "eval_metric": "rmse,x"}, "Hyperparameter eval_metric: value x not in range"),
        ({**GOOD, "eval_metric": "auc"}, "Metric 'auc' can only be applied"),
        ({**GOOD, "tree_method": "gpu_hist"}, "gpu_hist is not supported here: there is no GPU"),
        ({**GOOD, "_num_cv_round": "5"}, "give _kfold, too"),
        ({**GOOD, "_kfold": "5", "objective": "rank:ndcg"}, "cannot share out the queries"),
        ({**GOOD, "monotone_constraints": "(1,-1)"}, "can be used only when the tree_method"),
        ({**GOOD, "monotone_constraints": "(2)"}, "value (2) not in range [-1, 1]"),
        ({**GOOD, "interaction_constraints": "[1]"}, "could not parse value '[1]'"),
    ],
)
def test_what_xgboost_refuses(given: dict[str, str], problem: str) -> None:
    found = find(XGBOOST)
    assert found is not None
    problems = validate_hyperparameters(found, given, ["train", "validation"])
    assert len(problems) == 1
    assert problem in problems[0]


@pytest.mark.parametrize(
    "given",
    [
        GOOD,
        {**GOOD, "objective": "multi:softprob", "num_class": "3", "eval_metric": "mlogloss"},
        {**GOOD, "objective": "rank:ndcg", "eval_metric": "ndcg@10,map@5-"},
        {**GOOD, "eval_metric": '["rmse", "mae"]'},
        {**GOOD, "reg_lambda": "1", "reg_alpha": "0", "min_split_loss": "4", "silent": "0"},
        {**GOOD, "tree_method": "hist", "monotone_constraints": "(1, -1,)"},
        {**GOOD, "tree_method": "hist", "interaction_constraints": "[[0, 1], [2]]"},
        {**GOOD, "_tuning_objective_metric": "validation:rmse"},
    ],
)
def test_what_xgboost_takes(given: dict[str, str]) -> None:
    found = find(XGBOOST)
    assert found is not None
    assert validate_hyperparameters(found, given, ["train"]) == []


def test_k_means_and_channels() -> None:
    found = find(KMEANS)
    assert found is not None
    settings = {"k": "10", "feature_dim": "784", "extra_center_factor": "auto"}
    more = {"mini_batch_size": "500", "eval_metrics": '["msd","ssd"]', "force_dense": "True"}
    assert validate_hyperparameters(found, settings | more, ["train", "test"]) == []
    assert validate_hyperparameters(found, settings | {"k": "auto"}, ["trian"]) == [
        "Hyperparameter k: could not parse value 'auto'",
        "Missing required channel: train",
        "Extraneous channel found: trian; kmeans has train, test",
    ]


def test_a_jobs_own_metrics_stand_above_its_images() -> None:
    own = [{"Name": "train:rmse", "Regex": "mine=(.*)"}, {"Name": "new", "Regex": "new=(.*)"}]
    given = {"TrainingImage": XGBOOST, "MetricDefinitions": own}
    found = metric_definitions(given)
    assert (found["train:rmse"], found["new"]) == ("mine=(.*)", "new=(.*)")
    assert found["train:error"] == metric_definitions({"TrainingImage": XGBOOST})["train:error"]
    assert "train-error" in found["train:error"]
