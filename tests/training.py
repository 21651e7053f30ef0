"""What tests ask of a real server's SageMaker: a small training by the built-in XGBoost."""

from typing import Any

ROLE = "arn:aws:iam::000000000000:role/FlowmakerAdmin"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"


def training(bucket: str, *, rounds: int = 5, **changes: Any) -> dict[str, Any]:
    """A request without its name, for CSV below `train` in the bucket; the model goes to `out`."""
    request = {
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "HyperParameters": {"num_round": str(rounds), "objective": "binary:logistic"},
        "InputDataConfig": [channel("train", f"s3://{bucket}/train")],
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/out"},
        "ResourceConfig": cluster("ml.m5.large"),
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    }
    return request | changes


def channel(name: str, uri: str) -> dict[str, Any]:
    """CSV below a prefix, all of it for every instance."""
    source = {
        "S3DataType": "S3Prefix",
        "S3Uri": uri,
        "S3DataDistributionType": "FullyReplicated",
    }
    return {"ChannelName": name, "ContentType": "text/csv", "DataSource": {"S3DataSource": source}}


def cluster(instance: str, count: int = 1) -> dict[str, Any]:
    return {"InstanceType": instance, "InstanceCount": count, "VolumeSizeInGB": 1}
