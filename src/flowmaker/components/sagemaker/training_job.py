"""A training job."""
# ruff: noqa: PLR0913, PLR0917, FBT001, FBT002, B006 - inputs are arguments
# pyright: reportInvalidTypeForm=false, reportUnknownParameterType=false

from typing import Any, NamedTuple

from flowmaker.components.following import as_text, clients, run_job
from flowmaker.components.sagemaker.component import sagemaker_component


@sagemaker_component
def training(
    region: str,
    role: str,
    image: str,
    channels: list[dict[str, Any]],
    model_artifact_path: str,
    hyperparameters: dict[str, str] = {},
    instance_type: str = "ml.m5.large",
    instance_count: int = 1,
    volume_size: int = 30,
    max_run_time: int = 86400,
    environment: dict[str, str] = {},
    metric_definitions: dict[str, str] = {},
    network_isolation: bool = False,
    job_name: str = "",
    tags: dict[str, str] = {},
) -> NamedTuple(
    "Outputs", [("model_artifact_url", str), ("job_name", str), ("training_image", str)]
):
    """Train a model with Amazon SageMaker, following the job and its log to the end.

    Args:
        region: The AWS region.
        role: ARN of the role that SageMaker assumes for the job.
        image: The training image, e.g. of a built-in algorithm.
        channels: The input data, as `InputDataConfig` of CreateTrainingJob has it.
        model_artifact_path: `s3://…` under which SageMaker puts the model.
        hyperparameters: The algorithm's settings; values may be numbers or strings.
        instance_type: The kind of machine that trains.
        instance_count: How many of them.
        volume_size: Gigabytes of disk for each.
        max_run_time: Seconds after which SageMaker stops the job.
        environment: Environment variables of the training container.
        metric_definitions: Metrics to read from the log: name to regular expression.
        network_isolation: Train without a network.
        job_name: The job's name; made up for this task if empty.
        tags: Tags of the job.

    Returns:
        Where the model is, the job's name, and the image that it was trained with.
    """
    request: dict[str, Any] = {
        "RoleArn": role,
        "AlgorithmSpecification": {
            "TrainingImage": image,
            "TrainingInputMode": "File",
            "MetricDefinitions": [
                {"Name": name, "Regex": regex} for name, regex in metric_definitions.items()
            ],
        },
        "HyperParameters": {name: as_text(value) for name, value in hyperparameters.items()},
        "InputDataConfig": channels,
        "OutputDataConfig": {"S3OutputPath": model_artifact_path},
        "ResourceConfig": {
            "InstanceType": instance_type,
            "InstanceCount": instance_count,
            "VolumeSizeInGB": volume_size,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": max_run_time},
        "EnableNetworkIsolation": network_isolation,
    }
    if environment:
        request["Environment"] = environment
    if tags:
        request["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
    job_name, job = run_job(clients(region), "TrainingJob", job_name, "training", request)
    return (job["ModelArtifacts"]["S3ModelArtifacts"], job_name, image)
