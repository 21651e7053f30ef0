"""What the demo leaves out of AWS, for the pictures of the web interface."""

import time
from typing import Any

import boto3
from botocore.exceptions import ClientError

from tests.house import House

TRIALS = 12
FINAL = ("Completed", "Failed", "Stopped")


def tuned(server: House, job: str) -> str:
    """A tuning job over the data and the role of a training job, to its end; its name."""
    sagemaker = server.client("sagemaker")
    trained = sagemaker.describe_training_job(TrainingJobName=job)
    name = "mnist-trees"
    sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name,
        HyperParameterTuningJobConfig={
            "Strategy": "Bayesian",
            "HyperParameterTuningJobObjective": {
                "Type": "Minimize",
                "MetricName": "validation:mlogloss",
            },
            "ResourceLimits": {
                "MaxNumberOfTrainingJobs": TRIALS,
                "MaxParallelTrainingJobs": 2,
            },
            "ParameterRanges": {
                "ContinuousParameterRanges": [_range("eta", "0.05", "0.8")],
                "IntegerParameterRanges": [
                    _range("max_depth", "2", "8"),
                    _range("num_round", "5", "30"),
                ],
            },
        },
        TrainingJobDefinition={
            "AlgorithmSpecification": {
                "TrainingImage": trained["AlgorithmSpecification"]["TrainingImage"],
                "TrainingInputMode": "File",
            },
            "StaticHyperParameters": {"objective": "multi:softmax", "num_class": "10"},
            **{
                member: trained[member]
                for member in (
                    "RoleArn",
                    "InputDataConfig",
                    "OutputDataConfig",
                    "ResourceConfig",
                    "StoppingCondition",
                )
            },
        },
    )
    asked = {"HyperParameterTuningJobName": name}
    while True:
        found = sagemaker.describe_hyper_parameter_tuning_job(**asked)
        if found["HyperParameterTuningJobStatus"] in FINAL:
            return name
        time.sleep(0.5)


def _range(name: str, least: str, most: str) -> dict[str, str]:
    return {"Name": name, "MinValue": least, "MaxValue": most}


def denied(server: House, bucket: str) -> None:
    """Somebody who may nothing asks for something."""
    iam = server.client("iam")
    iam.create_user(UserName="analyst")
    key: Any = iam.create_access_key(UserName="analyst")["AccessKey"]
    s3 = boto3.client(
        "s3",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    try:
        s3.list_objects_v2(Bucket=bucket)
    except ClientError:
        return
    raise AssertionError("a user without a policy may list a bucket")
