"""What the demo leaves out of AWS, for the pictures of the web interface."""

import time
from typing import Any

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


#: Counts the records of each digit, which is their first column.
COUNT = """import argparse
import collections
import json
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--column", type=int)
column = parser.parse_args().column
counts = collections.Counter()
for path in sorted(Path("/opt/ml/processing/input/digits").iterdir()):
    lines = path.read_text().splitlines()
    print(path.name, len(lines), "records")
    counts.update(line.split(",")[column] for line in lines)
Path("/opt/ml/processing/output/counts.json").write_text(json.dumps(counts, indent=2))
Path("/opt/ml/output/message").write_text(f"{sum(counts.values())} records of {len(counts)} digits")
"""


def processed(server: House, job: str) -> str:
    """A processing job over the data and with the role of a training job, to its end; its name."""
    sagemaker = server.client("sagemaker")
    trained = sagemaker.describe_training_job(TrainingJobName=job)
    digits = trained["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"]
    name, bucket = "mnist-counts", digits.split("/")[2]
    script = f"s3://{bucket}/code/count.py"
    server.client("s3").put_object(Bucket=bucket, Key="code/count.py", Body=COUNT)
    sagemaker.create_processing_job(
        ProcessingJobName=name,
        RoleArn=trained["RoleArn"],
        AppSpecification={
            "ImageUri": "python:3.11",
            "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/count.py"],
            "ContainerArguments": ["--column", "0"],
        },
        ProcessingInputs=[_input("digits", digits), _input("code", script)],
        ProcessingOutputConfig={
            "Outputs": [
                {
                    "OutputName": "counts",
                    "S3Output": {
                        "S3Uri": f"s3://{bucket}/counts",
                        "LocalPath": "/opt/ml/processing/output",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
        ProcessingResources={
            "ClusterConfig": {
                "InstanceType": "ml.m5.large",
                "InstanceCount": 1,
                "VolumeSizeInGB": 10,
            }
        },
        StoppingCondition={"MaxRuntimeInSeconds": 600},
        Environment={"PYTHONUNBUFFERED": "1"},
    )
    while True:
        found = sagemaker.describe_processing_job(ProcessingJobName=name)
        if found["ProcessingJobStatus"] in FINAL:
            assert found["ProcessingJobStatus"] == "Completed", found
            return name
        time.sleep(0.5)


def _input(name: str, uri: str) -> dict[str, Any]:
    place = f"/opt/ml/processing/input/{name}"
    source = {"S3Uri": uri, "LocalPath": place, "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"InputName": name, "S3Input": source}


def _range(name: str, least: str, most: str) -> dict[str, str]:
    return {"Name": name, "MinValue": least, "MaxValue": most}


def denied(server: House, bucket: str) -> None:
    """Somebody who may nothing asks for something."""
    iam = server.client("iam")
    iam.create_user(UserName="analyst")
    key: Any = iam.create_access_key(UserName="analyst")["AccessKey"]
    s3 = server.by(key).client("s3")
    try:
        s3.list_objects_v2(Bucket=bucket)
    except ClientError:
        return
    raise AssertionError("a user without a policy may list a bucket")
