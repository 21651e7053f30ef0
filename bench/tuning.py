"""What a tuning job adds to its training jobs: many trials of a tiny k-means.

    python -m bench.tuning [--trials N]

The trials run one after the other. The overhead of a trial is the time of the whole job for each
trial, less the time that it trained.
"""

import argparse
import time
from typing import Any

import boto3

from bench.server import Measured, server

ROLE = "arn:aws:iam::000000000000:role/FlowmakerAdmin"
KMEANS = "382416733822.dkr.ecr.us-east-1.amazonaws.com/kmeans:1"
BUCKET = "bench-tuning"
#: Instances of two processors: more would wait for room on a machine that has no more.
PARALLEL = 1


def _clients(measured: Measured) -> tuple[Any, Any]:
    environment = measured.environment
    session = boto3.Session(
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=environment["AWS_SESSION_TOKEN"],
        region_name="us-east-1",
    )
    url = environment["AWS_ENDPOINT_URL"]
    return session.client("s3", endpoint_url=url), session.client("sagemaker", endpoint_url=url)


def _create(sagemaker: Any, name: str, trials: int) -> None:  # noqa: ANN401 - boto3
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/train"}
    data = {"ContentType": "text/csv;label_size=0", "DataSource": {"S3DataSource": source}}
    sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name,
        HyperParameterTuningJobConfig={
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "test:msd"},
            "ResourceLimits": {
                "MaxNumberOfTrainingJobs": trials,
                "MaxParallelTrainingJobs": PARALLEL,
            },
            "ParameterRanges": {
                "IntegerParameterRanges": [{"Name": "epochs", "MinValue": "1", "MaxValue": "3"}]
            },
        },
        TrainingJobDefinition={
            "AlgorithmSpecification": {"TrainingImage": KMEANS, "TrainingInputMode": "File"},
            "RoleArn": ROLE,
            "InputDataConfig": [{"ChannelName": one, **data} for one in ("train", "test")],
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out"},
            "ResourceConfig": {
                "InstanceType": "ml.t3.medium",
                "InstanceCount": 1,
                "VolumeSizeInGB": 1,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            "StaticHyperParameters": {"k": "3", "feature_dim": "2", "mini_batch_size": "50"},
        },
    )


def _trained(sagemaker: Any, name: str) -> list[float]:  # noqa: ANN401 - boto3
    """Seconds that the training of each trial took."""
    pages = sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
        HyperParameterTuningJobName=name, PaginationConfig={"PageSize": 100}
    )
    return [
        (one["TrainingEndTime"] - one["TrainingStartTime"]).total_seconds()
        for page in pages
        for one in page["TrainingJobSummaries"]
    ]


def report(measured: Measured, trials: int) -> None:
    """Prints the overhead of a trial."""
    s3, sagemaker = _clients(measured)
    s3.create_bucket(Bucket=BUCKET)
    rows = "\n".join(f"{a % 7},{a % 11}" for a in range(100))
    s3.put_object(Bucket=BUCKET, Key="train/data.csv", Body=rows)
    for name, count in (("warm", 2), ("measured", trials)):
        _create(sagemaker, name, count)
        begun = time.monotonic()
        while True:
            job = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
            if job["HyperParameterTuningJobStatus"] not in ("InProgress", "Stopping"):
                break
            time.sleep(0.5)
        wall = time.monotonic() - begun
    trained = _trained(sagemaker, "measured")
    assert job["TrainingJobStatusCounters"]["Completed"] == trials, job
    each, training = wall / trials, sum(trained) / len(trained)
    print(f"{trials} trials, one after the other         {wall:8.1f} s")
    print(f"a trial                                  {each * 1000:8.1f} ms")
    print(f"of which is training                     {training * 1000:8.1f} ms")
    print(f"overhead of a trial                      {(each - training) * 1000:8.1f} ms")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000)
    given = parser.parse_args()
    with server() as running:
        report(running, given.trials)
