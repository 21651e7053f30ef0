"""A hyperparameter tuning job."""
# ruff: noqa: PLR0913, PLR0917, B006 - inputs are arguments
# pyright: reportInvalidTypeForm=false, reportUnknownParameterType=false

from typing import Any, NamedTuple

from flowmaker.components.following import as_text, clients, run_job
from flowmaker.components.sagemaker.component import sagemaker_component


@sagemaker_component
def tuning(
    region: str,
    role: str,
    image: str,
    channels: list[dict[str, Any]],
    output_location: str,
    metric_name: str,
    metric_type: str,
    max_num_jobs: int,
    max_parallel_jobs: int,
    static_parameters: dict[str, str] = {},
    integer_parameters: list[dict[str, Any]] = [],
    continuous_parameters: list[dict[str, Any]] = [],
    categorical_parameters: list[dict[str, Any]] = [],
    strategy: str = "Bayesian",
    early_stopping_type: str = "Off",
    metric_definitions: dict[str, str] = {},
    instance_type: str = "ml.m5.large",
    instance_count: int = 1,
    volume_size: int = 30,
    max_run_time: int = 86400,
    job_name: str = "",
    tags: dict[str, str] = {},
) -> NamedTuple(
    "Outputs",
    [
        ("hpo_job_name", str),
        ("model_artifact_url", str),
        ("best_job_name", str),
        ("best_hyperparameters", dict[str, str]),
        ("training_image", str),
    ],
):
    """Find the best hyperparameters with Amazon SageMaker, following the job to its end.

    Args:
        region: The AWS region.
        role: ARN of the role that SageMaker assumes for the training jobs.
        image: The training image, e.g. of a built-in algorithm.
        channels: The input data, as `InputDataConfig` of CreateTrainingJob has it.
        output_location: `s3://…` under which SageMaker puts the models.
        metric_name: The objective, e.g. `validation:rmse`.
        metric_type: `Maximize` or `Minimize`.
        max_num_jobs: How many training jobs there are at most.
        max_parallel_jobs: How many of them at a time.
        static_parameters: Hyperparameters that are the same for all; numbers or strings.
        integer_parameters: Ranges, as `IntegerParameterRanges` has them.
        continuous_parameters: Ranges, as `ContinuousParameterRanges` has them.
        categorical_parameters: Choices, as `CategoricalParameterRanges` has them.
        strategy: `Bayesian`, `Random`, `Grid` or `Hyperband`.
        early_stopping_type: `Auto` stops training jobs that will not be the best.
        metric_definitions: Metrics to read from the log: name to regular expression.
        instance_type: The kind of machine that trains.
        instance_count: How many of them for each training job.
        volume_size: Gigabytes of disk for each.
        max_run_time: Seconds after which SageMaker stops a training job.
        job_name: The tuning job's name, of at most 32 characters; made up if empty.
        tags: Tags of the job.

    Returns:
        The tuning job's name; of the best training job its model, name, hyperparameters and image.
    """
    request: dict[str, Any] = {
        "HyperParameterTuningJobConfig": {
            "Strategy": strategy,
            "HyperParameterTuningJobObjective": {"Type": metric_type, "MetricName": metric_name},
            "ResourceLimits": {
                "MaxNumberOfTrainingJobs": max_num_jobs,
                "MaxParallelTrainingJobs": max_parallel_jobs,
            },
            "ParameterRanges": {
                "IntegerParameterRanges": integer_parameters,
                "ContinuousParameterRanges": continuous_parameters,
                "CategoricalParameterRanges": categorical_parameters,
            },
            "TrainingJobEarlyStoppingType": early_stopping_type,
        },
        "TrainingJobDefinition": {
            "RoleArn": role,
            "AlgorithmSpecification": {
                "TrainingImage": image,
                "TrainingInputMode": "File",
                "MetricDefinitions": [
                    {"Name": name, "Regex": regex} for name, regex in metric_definitions.items()
                ],
            },
            "StaticHyperParameters": {
                name: as_text(value) for name, value in static_parameters.items()
            },
            "InputDataConfig": channels,
            "OutputDataConfig": {"S3OutputPath": output_location},
            "ResourceConfig": {
                "InstanceType": instance_type,
                "InstanceCount": instance_count,
                "VolumeSizeInGB": volume_size,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": max_run_time},
        },
    }
    if tags:
        request["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
    client = clients(region)
    # A tuning job's name has at most 32 characters, and one that is made up has 17.
    job_name, job = run_job(
        client, "HyperParameterTuningJob", job_name, "tune", request, logged=False
    )
    best = job.get("BestTrainingJob")
    if not best:
        raise SystemExit(f"Tuning job {job_name}: no training job gave the objective metric")
    trained = client("sagemaker").describe_training_job(TrainingJobName=best["TrainingJobName"])
    settings = trained["HyperParameters"]
    settings.pop("_tuning_objective_metric", None)
    url = trained["ModelArtifacts"]["S3ModelArtifacts"]
    return (job_name, url, best["TrainingJobName"], settings, image)
