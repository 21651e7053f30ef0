"""The server is killed during a tuning job, more than once: no trial is lost or doubled."""

from pathlib import Path

import pytest

from tests.durability.test_jobs import kill
from tests.house import House, start, stop
from tests.training import IMAGE, ROLE
from tests.wire.test_sagemaker import BUCKET, Clients, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

TRIALS = 12


def test_a_tuning_job_survives_the_server(data: Path) -> None:
    house = start(data)
    try:
        aws = Clients(house.environment)
        aws.s3.create_bucket(Bucket=BUCKET)
        rows = [f"{int(a * b > 20)},{a},{b}" for a in range(10) for b in range(10)]
        aws.s3.put_object(Bucket=BUCKET, Key="train/data.csv", Body="\n".join(rows))
        _tune(aws)
        for ended in (2, 5):
            until(lambda aws=aws: _counters(aws)["Completed"], lambda n, e=ended: n >= e)
            kill(house)
            house = start(data)
            aws = Clients(house.environment)

        until(
            lambda: _described(aws)["HyperParameterTuningJobStatus"],
            lambda one: one != "InProgress",
        )

        job = _described(aws)
        assert job["HyperParameterTuningJobStatus"] == "Completed", job
        assert job["TrainingJobStatusCounters"]["Completed"] == TRIALS
        _check_trials(aws, data, house)
    finally:
        stop(data)


def _check_trials(aws: Clients, data: Path, house: House) -> None:
    """There are as many training jobs as trials, and each has run once."""
    listed = aws.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName="kept", MaxResults=100
    )["TrainingJobSummaries"]
    names = [one["TrainingJobName"] for one in listed]
    numbers = [int(name.split("-")[1]) for name in names]
    assert sorted(numbers) == list(range(1, TRIALS + 1))
    jobs = aws.sagemaker.list_training_jobs(NameContains="kept-", MaxResults=100)
    assert sorted(one["TrainingJobName"] for one in jobs["TrainingJobSummaries"]) == sorted(names)
    assert len(list((data / "jobs").glob("training-*-algo-1/pid.json"))) == TRIALS
    assert house.pid


def _described(aws: Clients) -> dict[str, object]:
    return aws.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="kept")


def _counters(aws: Clients) -> dict[str, int]:
    return _described(aws)["TrainingJobStatusCounters"]


def _tune(aws: Clients) -> None:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/train"}
    channels = [
        {
            "ChannelName": name,
            "ContentType": "text/csv",
            "DataSource": {"S3DataSource": source},
        }
        for name in ("train", "validation")
    ]
    aws.sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName="kept",
        HyperParameterTuningJobConfig={
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {
                "Type": "Minimize",
                "MetricName": "validation:rmse",
            },
            "ResourceLimits": {
                "MaxNumberOfTrainingJobs": TRIALS,
                "MaxParallelTrainingJobs": 2,
            },
            "ParameterRanges": {
                "ContinuousParameterRanges": [{"Name": "eta", "MinValue": "0.1", "MaxValue": "1"}]
            },
        },
        TrainingJobDefinition={
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "RoleArn": ROLE,
            "InputDataConfig": channels,
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out"},
            "ResourceConfig": {
                "InstanceType": "ml.t3.medium",
                "InstanceCount": 1,
                "VolumeSizeInGB": 1,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            "StaticHyperParameters": {"num_round": "3", "nthread": "1"},
        },
    )
