"""A tuning job with a hundred trials at a time, on a machine that has room for four."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.house import House, flowmaker, house, sharing
from tests.training import ROLE, cluster
from tests.wire.test_sagemaker import Clients, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]

BUCKET = "tuning-at-size"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/tiny:1"
TRIALS, PARALLEL, AT_ONCE = 110, 100, 4
#: It says its hyperparameter, and is the smallest job that there is.
TRAIN = """#!/bin/sh
sed 's/.*"x": *"\\([^"]*\\)".*/loss=\\1/' /opt/ml/input/config/hyperparameters.json
"""


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory, environments: Path) -> Iterator[House]:
    """A server with room for four instances of two cores, or so it was told."""
    data = sharing(tmp_path_factory.mktemp("four"), environments)
    with house(data, "--cores", str(2 * AT_ONCE), "--memory", "64Gi") as running:
        yield running


def test_more_than_a_hundred_trials_are_all_made_once_and_wait_for_room(
    four: House, tmp_path: Path
) -> None:
    (tmp_path / "train").write_text(TRAIN)
    (tmp_path / "train").chmod(0o755)
    flowmaker("image", "add", IMAGE, "--data", str(four.data), "--source", str(tmp_path))
    aws = Clients(four.environment)
    aws.s3.create_bucket(Bucket=BUCKET)
    aws.sagemaker.create_hyper_parameter_tuning_job(**asked())

    most = until(lambda: counters(aws), lambda found: found["InProgress"] >= PARALLEL)
    done = until(
        lambda: described(aws), lambda job: job["HyperParameterTuningJobStatus"] != "InProgress"
    )

    assert most["InProgress"] == PARALLEL
    assert done["HyperParameterTuningJobStatus"] == "Completed", done
    assert done["TrainingJobStatusCounters"]["Completed"] == TRIALS
    assert done["ObjectiveStatusCounters"] == {"Succeeded": TRIALS, "Pending": 0, "Failed": 0}
    made = trials(aws)
    assert len({one["TrainingJobName"] for one in made}) == TRIALS
    losses = [float(one["TunedHyperParameters"]["x"]) for one in made]
    said = [one["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for one in made]
    assert said == pytest.approx(losses)
    best = done["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
    assert best == min(said)
    assert len(list((four.data / "jobs").glob("training-*-algo-1/pid.json"))) == TRIALS
    assert side_by_side(made) == AT_ONCE


def asked() -> dict[str, Any]:
    metric = {"Name": "loss", "Regex": "loss=([0-9.e-]+)"}
    number = {"Name": "x", "MinValue": "0", "MaxValue": "1"}
    return {
        "HyperParameterTuningJobName": "many",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
            "ResourceLimits": {
                "MaxNumberOfTrainingJobs": TRIALS,
                "MaxParallelTrainingJobs": PARALLEL,
            },
            "ParameterRanges": {"ContinuousParameterRanges": [number]},
            "RandomSeed": 1,
        },
        "TrainingJobDefinition": {
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE,
                "TrainingInputMode": "File",
                "MetricDefinitions": [metric],
            },
            "RoleArn": ROLE,
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out"},
            "ResourceConfig": cluster("ml.m5.large"),
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        },
    }


def described(aws: Clients) -> dict[str, Any]:
    return aws.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="many")


def counters(aws: Clients) -> dict[str, int]:
    return described(aws)["TrainingJobStatusCounters"]


def trials(aws: Clients) -> list[dict[str, Any]]:
    pages = aws.sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job")
    found = pages.paginate(
        HyperParameterTuningJobName="many", PaginationConfig={"PageSize": PARALLEL}
    )
    return [one for page in found for one in page["TrainingJobSummaries"]]


def side_by_side(made: list[dict[str, Any]]) -> int:
    """How many trained at the same time at most."""
    begun: list[tuple[datetime, int]] = [(one["TrainingStartTime"], 1) for one in made]
    ended: list[tuple[datetime, int]] = [(one["TrainingEndTime"], -1) for one in made]
    now = most = 0
    for _, change in sorted(begun + ended):
        now += change
        most = max(most, now)
    return most
