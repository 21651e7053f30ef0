"""Hyperparameter tuning jobs as boto3 sees them: real training jobs of built-in XGBoost."""

import math
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.house import House
from tests.training import IMAGE, ROLE

NEWER = IMAGE.replace("1.7-1", "3.0-5")
BUCKET = "tuning-wire"
numbers = count()

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def sagemaker(server: House) -> Any:
    s3 = server.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    rows = [f"{int(a * b > 20)},{a},{b}" for a in range(10) for b in range(10)]
    s3.put_object(Bucket=BUCKET, Key="train/data.csv", Body="\n".join(rows))
    return server.client("sagemaker")


def channel(name: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/train"}
    return {
        "ChannelName": name,
        "ContentType": "text/csv",
        "DataSource": {"S3DataSource": source},
    }


def definition(**static: str) -> dict[str, Any]:
    return {
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "InputDataConfig": [channel("train"), channel("validation")],
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        "StaticHyperParameters": {
            "objective": "binary:logistic",
            "eval_metric": "logloss",
            "num_round": "3",
            "nthread": "1",
            **static,
        },
    }


RANGES = {
    "ContinuousParameterRanges": [
        {"Name": "eta", "MinValue": "0.01", "MaxValue": "1", "ScalingType": "Logarithmic"}
    ],
    "IntegerParameterRanges": [{"Name": "max_depth", "MinValue": "1", "MaxValue": "6"}],
}
OBJECTIVE = {"Type": "Minimize", "MetricName": "validation:logloss"}


def config(strategy: str = "Random", most: int | None = 4, **more: Any) -> dict[str, Any]:
    limits = {"MaxParallelTrainingJobs": 2} | ({"MaxNumberOfTrainingJobs": most} if most else {})
    return {
        "Strategy": strategy,
        "HyperParameterTuningJobObjective": OBJECTIVE,
        "ResourceLimits": limits,
        "ParameterRanges": RANGES,
        **more,
    }


def until(condition: Callable[[], Any], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


def started(sagemaker: Any, given: dict[str, Any], **more: Any) -> str:
    name = f"tune-{next(numbers)}"
    sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name,
        HyperParameterTuningJobConfig=given,
        **({"TrainingJobDefinition": definition()} | more),
    )
    return name


def described(sagemaker: Any, name: str) -> dict[str, Any]:
    return sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)


def ended(sagemaker: Any, name: str) -> dict[str, Any]:
    """The description of the job once it has ended."""
    until(
        lambda: (
            described(sagemaker, name)["HyperParameterTuningJobStatus"]
            not in ("InProgress", "Stopping")
        ),
        seconds=200,
    )
    return described(sagemaker, name)


def trials(sagemaker: Any, name: str, **wanted: Any) -> list[dict[str, Any]]:
    pages = sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
        HyperParameterTuningJobName=name, PaginationConfig={"PageSize": 3}, **wanted
    )
    return [one for page in pages for one in page["TrainingJobSummaries"]]


@pytest.fixture(scope="module")
def random(sagemaker: Any) -> dict[str, Any]:
    return ended(sagemaker, started(sagemaker, config(most=5, RandomSeed=1)))


def test_a_random_search_finds_the_best_of_its_trials(
    sagemaker: Any, random: dict[str, Any]
) -> None:
    assert random["HyperParameterTuningJobStatus"] == "Completed"
    assert random["TrainingJobStatusCounters"] == {
        "Completed": 5,
        "InProgress": 0,
        "RetryableError": 0,
        "NonRetryableError": 0,
        "Stopped": 0,
    }
    assert random["ObjectiveStatusCounters"] == {"Succeeded": 5, "Pending": 0, "Failed": 0}
    made = trials(sagemaker, random["HyperParameterTuningJobName"])
    assert len({one["TrainingJobName"] for one in made}) == 5
    values = [one["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for one in made]
    best = random["BestTrainingJob"]
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == min(values)
    assert best["ObjectiveStatus"] == "Succeeded"
    assert random["HyperParameterTuningEndTime"] >= random["CreationTime"]
    for one in made:
        chosen = one["TunedHyperParameters"]
        assert 0.01 <= float(chosen["eta"]) <= 1
        assert 1 <= int(chosen["max_depth"]) <= 6


def test_its_training_jobs_say_whose_they_are(sagemaker: Any, random: dict[str, Any]) -> None:
    best = random["BestTrainingJob"]
    job = sagemaker.describe_training_job(TrainingJobName=best["TrainingJobName"])
    assert job["TuningJobArn"] == random["HyperParameterTuningJobArn"]
    assert job["HyperParameters"]["_tuning_objective_metric"] == "validation:logloss"
    assert job["HyperParameters"]["eta"] == best["TunedHyperParameters"]["eta"]
    assert job["ModelArtifacts"]["S3ModelArtifacts"].endswith(
        f"/out/{best['TrainingJobName']}/output/model.tar.gz"
    )
    static = random["TrainingJobDefinition"]["StaticHyperParameters"]
    assert static["_tuning_objective_metric"] == "validation:logloss"


def test_trials_are_sorted_and_filtered(sagemaker: Any, random: dict[str, Any]) -> None:
    name = random["HyperParameterTuningJobName"]
    by_value = trials(sagemaker, name, SortBy="FinalObjectiveMetricValue", SortOrder="Descending")
    values = [one["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for one in by_value]
    assert values == sorted(values, reverse=True)
    assert len(trials(sagemaker, name, StatusEquals="Completed")) == 5
    assert trials(sagemaker, name, StatusEquals="Failed") == []
    by_time = trials(sagemaker, name, SortBy="CreationTime")
    times = [one["CreationTime"] for one in by_time]
    assert (times, len(times)) == (sorted(times), 5)
    listed = sagemaker.list_hyper_parameter_tuning_jobs(NameContains=name, MaxResults=100)
    (one,) = [
        each
        for each in listed["HyperParameterTuningJobSummaries"]
        if each["HyperParameterTuningJobName"] == name
    ]
    assert (one["Strategy"], one["TrainingJobStatusCounters"]["Completed"]) == ("Random", 5)


def test_a_seed_makes_the_same_trials_again(sagemaker: Any, random: dict[str, Any]) -> None:
    again = ended(sagemaker, started(sagemaker, config(most=2, RandomSeed=1)))
    first = trials(sagemaker, random["HyperParameterTuningJobName"])[:2]
    second = trials(sagemaker, again["HyperParameterTuningJobName"])
    assert [one["TunedHyperParameters"] for one in second] == [
        one["TunedHyperParameters"] for one in first
    ]


def test_a_grid_is_gone_through_once(sagemaker: Any) -> None:
    static = definition()
    static["InputDataConfig"] = [channel("train")]
    static["AlgorithmSpecification"]["TrainingImage"] = IMAGE.replace(
        "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1",
        "382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1",
    )
    static["InputDataConfig"].append(channel("validation"))
    static["StaticHyperParameters"] = {
        "predictor_type": "binary_classifier",
        "learning_rate": "0.1",
        "wd": "0",
    }
    ranges = {
        "CategoricalParameterRanges": [
            {"Name": "use_bias", "Values": ["true", "false"]},
        ]
    }
    objective = {"Type": "Minimize", "MetricName": "validation:objective_loss"}
    given = config("Grid", None, ParameterRanges=ranges)
    given["HyperParameterTuningJobObjective"] = objective
    done = ended(sagemaker, started(sagemaker, given, TrainingJobDefinition=static))
    assert done["HyperParameterTuningJobStatus"] == "Completed", done.get("FailureReason")
    chosen = [
        one["TunedHyperParameters"]
        for one in trials(sagemaker, done["HyperParameterTuningJobName"])
    ]
    assert chosen == [{"use_bias": "true"}, {"use_bias": "false"}]


def warm_start(parent: dict[str, Any], kind: str) -> dict[str, Any]:
    name = parent["HyperParameterTuningJobName"]
    return {
        "WarmStartType": kind,
        "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": name}],
    }


def test_a_bayesian_search_starts_from_its_parents(sagemaker: Any, random: dict[str, Any]) -> None:
    parent = random["HyperParameterTuningJobName"]
    warm = warm_start(random, "IdenticalDataAndAlgorithm")
    name = started(sagemaker, config("Bayesian", 4), WarmStartConfig=warm)
    done = ended(sagemaker, name)
    assert done["HyperParameterTuningJobStatus"] == "Completed", done.get("FailureReason")
    assert done["TrainingJobStatusCounters"]["Completed"] == 4
    overall, own, before = (
        one["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
        for one in (
            done["OverallBestTrainingJob"],
            done["BestTrainingJob"],
            random["BestTrainingJob"],
        )
    )
    assert overall == min(own, before)
    assert done["OverallBestTrainingJob"]["TuningJobName"] in (name, parent)


@pytest.mark.parametrize(
    ("kind", "change", "words"),
    [
        (
            "TransferLearning",
            {"StaticHyperParameters": {"objective": "reg:squarederror", "num_round": "3"}},
            "the total number must be the same",
        ),
        (
            "IdenticalDataAndAlgorithm",
            {"AlgorithmSpecification": {"TrainingImage": NEWER, "TrainingInputMode": "File"}},
            "with IdenticalDataAndAlgorithm it must be the same",
        ),
    ],
)
def test_a_search_does_not_start_from_one_of_another_kind(
    sagemaker: Any, random: dict[str, Any], kind: str, change: dict[str, Any], words: str
) -> None:
    warm = warm_start(random, kind)
    given = {**definition(), **change}
    with pytest.raises(ClientError, match=words):
        started(sagemaker, config(), TrainingJobDefinition=given, WarmStartConfig=warm)


def test_a_search_does_not_start_from_one_with_another_objective(
    sagemaker: Any, random: dict[str, Any]
) -> None:
    objective = {"Type": "Minimize", "MetricName": "validation:error"}
    given = config(HyperParameterTuningJobObjective=objective)
    with pytest.raises(ClientError, match="has the objective Minimize validation:logloss"):
        started(sagemaker, given, WarmStartConfig=warm_start(random, "TransferLearning"))


def test_definitions_with_opposite_objectives_have_no_best(sagemaker: Any) -> None:
    best = {"Type": "Maximize", "MetricName": "validation:auc"}
    both = [
        {
            **definition(),
            "DefinitionName": f"of-{number}",
            "TuningObjective": objective,
            "HyperParameterRanges": RANGES,
        }
        for number, objective in enumerate((OBJECTIVE, best))
    ]
    given = config()
    del given["ParameterRanges"], given["HyperParameterTuningJobObjective"]
    with pytest.raises(ClientError, match="must have the same Type"):
        sagemaker.create_hyper_parameter_tuning_job(
            HyperParameterTuningJobName="opposite",
            HyperParameterTuningJobConfig=given,
            TrainingJobDefinitions=both,
        )


def test_hyperband_stops_its_trials_while_they_train(sagemaker: Any) -> None:
    band = {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 20}}
    endless = definition(num_round="1000000")
    given = config("Hyperband", 3, StrategyConfig=band)
    name = started(sagemaker, given, TrainingJobDefinition=endless)
    done = ended(sagemaker, name)
    assert done["HyperParameterTuningJobStatus"] == "Completed"
    assert done["TrainingJobStatusCounters"]["Stopped"] == 3
    assert done["ObjectiveStatusCounters"] == {"Succeeded": 3, "Pending": 0, "Failed": 0}
    assert done["BestTrainingJob"]["TrainingJobStatus"] == "Stopped"


def test_hyperband_needs_to_know_the_most_epochs(sagemaker: Any) -> None:
    with pytest.raises(ClientError, match="MaxResource of HyperbandStrategyConfig is not given"):
        started(sagemaker, config("Hyperband"))


def test_several_definitions_take_turns(sagemaker: Any) -> None:
    both = [
        {
            **definition(booster=booster),
            "DefinitionName": booster,
            "TuningObjective": OBJECTIVE,
            "HyperParameterRanges": RANGES,
        }
        for booster in ("gbtree", "dart")
    ]
    given = config()
    del given["ParameterRanges"], given["HyperParameterTuningJobObjective"]
    name = f"tune-{next(numbers)}"
    sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name,
        HyperParameterTuningJobConfig=given,
        TrainingJobDefinitions=both,
    )
    done = ended(sagemaker, name)
    assert done["HyperParameterTuningJobStatus"] == "Completed"
    of = [one["TrainingJobDefinitionName"] for one in trials(sagemaker, name)]
    assert sorted(of) == ["dart", "dart", "gbtree", "gbtree"]


def test_it_ends_when_the_target_is_reached(sagemaker: Any) -> None:
    criteria = {"TargetObjectiveMetricValue": 100.0}
    given = config(most=50, TuningJobCompletionCriteria=criteria)
    done = ended(sagemaker, started(sagemaker, given))
    assert done["HyperParameterTuningJobStatus"] == "Completed"
    counters = done["TrainingJobStatusCounters"]
    assert counters["Completed"] + counters["Stopped"] <= 6


def test_a_stopped_search_stops_its_trials(sagemaker: Any) -> None:
    long = definition(num_round="1000000")
    name = started(sagemaker, config(most=10), TrainingJobDefinition=long)
    until(lambda: len(trials(sagemaker, name)) == 2, seconds=30)
    sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    done = ended(sagemaker, name)
    assert done["HyperParameterTuningJobStatus"] == "Stopped"
    assert {one["TrainingJobStatus"] for one in trials(sagemaker, name)} == {"Stopped"}
    with pytest.raises(ClientError, match="is in status Stopped"):
        sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)


def test_a_search_of_nothing_but_failures_fails(sagemaker: Any, server: House) -> None:
    server.client("s3").put_object(Bucket=BUCKET, Key="bad/data.csv", Body=b"x,y\n")
    bad = definition()
    for one in bad["InputDataConfig"]:
        one["DataSource"]["S3DataSource"]["S3Uri"] = f"s3://{BUCKET}/bad"
    done = ended(sagemaker, started(sagemaker, config(most=20), TrainingJobDefinition=bad))
    assert done["HyperParameterTuningJobStatus"] == "Failed"
    assert "All training jobs failed" in done["FailureReason"]
    assert 5 <= done["TrainingJobStatusCounters"]["NonRetryableError"] < 20
    assert "BestTrainingJob" not in done


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Strategy": "Grid"}, "The Grid strategy takes categorical ranges alone"),
        (
            {"HyperParameterTuningJobObjective": {**OBJECTIVE, "Type": "Maximize"}},
            "isn't valid for the",
        ),
        (
            {"HyperParameterTuningJobObjective": {**OBJECTIVE, "MetricName": "train:x"}},
            "The objective metric for the hyperparameter tuning job, [train:x], isn't valid",
        ),
        (
            {
                "ParameterRanges": {
                    "IntegerParameterRanges": [{"Name": "seed", "MinValue": "1", "MaxValue": "2"}]
                }
            },
            "untunable hyperparameters: [seed]",
        ),
        (
            {
                "ParameterRanges": {
                    "ContinuousParameterRanges": [
                        {"Name": "eta", "MinValue": "0.5", "MaxValue": "2"}
                    ]
                }
            },
            "Hyperparameter eta: 2.0 is not in [0, 1]",
        ),
        (
            {"ResourceLimits": {"MaxNumberOfTrainingJobs": 1, "MaxParallelTrainingJobs": 101}},
            "Number of parallel jobs for a tuning job' is 100",
        ),
        (
            {"ResourceLimits": {"MaxNumberOfTrainingJobs": 10_001, "MaxParallelTrainingJobs": 1}},
            "Number of training jobs for a tuning job' is 10000",
        ),
    ],
)
def test_searches_that_cannot_be(sagemaker: Any, change: dict[str, Any], words: str) -> None:
    with pytest.raises(ClientError) as refused:
        started(sagemaker, {**config(), **change})
    assert words in refused.value.response["Error"]["Message"]


def test_a_name_that_is_taken_is_refused_as_aws_does(
    sagemaker: Any, random: dict[str, Any]
) -> None:
    name = random["HyperParameterTuningJobName"]
    with pytest.raises(sagemaker.exceptions.ResourceInUse) as refused:
        sagemaker.create_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=name,
            HyperParameterTuningJobConfig=config(),
            TrainingJobDefinition=definition(),
        )
    words = f"A hyperparameter tuning job with the name, {name}, already exists."
    assert words in refused.value.response["Error"]["Message"]


def test_autotune_chooses_the_ranges(sagemaker: Any) -> None:
    given = config(most=2)
    del given["ParameterRanges"]
    name = f"tune-{next(numbers)}"
    sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name,
        HyperParameterTuningJobConfig=given,
        TrainingJobDefinition=definition(),
        Autotune={"Mode": "Enabled"},
    )
    done = ended(sagemaker, name)
    assert done["HyperParameterTuningJobStatus"] == "Completed"
    chosen = trials(sagemaker, name)[0]["TunedHyperParameters"]
    assert {"eta", "alpha", "subsample"} < chosen.keys()
    assert "num_round" not in chosen, "it is static"
    assert not math.isnan(float(chosen["alpha"]))


def test_autotune_keeps_the_examples_of_what_may_not_be_tuned(sagemaker: Any) -> None:
    """As the SDK asks with `autotune=True`: all hyperparameters of the estimator are examples."""
    hints = {"objective": "binary:logistic", "eval_metric": "logloss", "eta": "0.3"}
    named = [{"Name": name, "ValueHint": hint} for name, hint in hints.items()]
    given = config(most=1, ParameterRanges={"AutoParameters": named})
    static = {"StaticHyperParameters": {"num_round": "3"}}
    name = f"tune-{next(numbers)}"
    sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name,
        HyperParameterTuningJobConfig=given,
        TrainingJobDefinition={**definition(), **static},
        Autotune={"Mode": "Enabled"},
    )
    done = ended(sagemaker, name)
    assert done["HyperParameterTuningJobStatus"] == "Completed"
    (trial,) = trials(sagemaker, name)
    assert list(trial["TunedHyperParameters"]) == ["eta"]
    job = sagemaker.describe_training_job(TrainingJobName=trial["TrainingJobName"])
    assert job["HyperParameters"]["objective"] == "binary:logistic"
