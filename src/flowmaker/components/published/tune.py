"""The published component `SageMaker - Hyperparameter Tuning`."""

from collections.abc import Sequence
from typing import Any

from flowmaker.components.following import Client, create_named, follow
from flowmaker.components.published.arguments import (
    COMMON,
    Input,
    Inputs,
    boolean,
    integer,
    mapping,
    parse,
    sequence,
    tags,
    vpc,
    without_empty,
    write_outputs,
)
from flowmaker.components.published.session import Failed, Session, generated
from flowmaker.components.published.train import algorithm, image_of, spot

FINAL = ("Completed", "Failed", "Stopped")
#: What the service itself adds to the hyperparameters of a trial.
OBJECTIVE = "_tuning_objective_metric"

INPUTS = (
    *COMMON,
    Input("spot_instance", boolean, default=False),
    Input("max_wait_time", integer, 86400),
    Input("max_run_time", integer, 86400),
    Input("checkpoint_config", mapping, {}),
    Input("job_name", str, ""),
    Input("role"),
    Input("image", str, ""),
    Input("algorithm_name", str, ""),
    Input("training_input_mode", str, "File", ("File", "Pipe")),
    Input("metric_definitions", mapping, {}),
    Input("strategy", str, "Bayesian", ("Bayesian", "Random")),
    Input("metric_name"),
    Input("metric_type", str, None, ("Maximize", "Minimize")),
    Input("early_stopping_type", str, "Off", ("Off", "Auto")),
    Input("static_parameters", mapping, {}),
    Input("integer_parameters", sequence, []),
    Input("continuous_parameters", sequence, []),
    Input("categorical_parameters", sequence, []),
    Input("channels", sequence),
    Input("output_location"),
    Input("output_encryption_key", str, ""),
    Input("instance_type", str, "ml.m4.xlarge"),
    Input("instance_count", integer, 1),
    Input("volume_size", integer, 30),
    Input("max_num_jobs", integer),
    Input("max_parallel_jobs", integer),
    Input("resource_encryption_key", str, ""),
    Input("vpc_security_group_ids", str, ""),
    Input("vpc_subnets", str, ""),
    Input("network_isolation", boolean, default=True),
    Input("traffic_encryption", boolean, default=False),
    Input("warm_start_type", str, "", ("IdenticalDataAndAlgorithm", "TransferLearning", "")),
    Input("parent_hpo_jobs", str, ""),
)
OUTPUTS = (
    "hpo_job_name",
    "model_artifact_url",
    "best_job_name",
    "best_hyperparameters",
    "training_image",
)


def _definition(values: Inputs) -> dict[str, Any]:
    stopping = {"MaxRuntimeInSeconds": values["max_run_time"]}
    if values["spot_instance"]:
        stopping["MaxWaitTimeInSeconds"] = values["max_wait_time"]
    return without_empty(
        {
            "StaticHyperParameters": values["static_parameters"],
            "AlgorithmSpecification": algorithm(values),
            "RoleArn": values["role"],
            "InputDataConfig": values["channels"],
            "OutputDataConfig": without_empty(
                {
                    "S3OutputPath": values["output_location"],
                    "KmsKeyId": values["output_encryption_key"],
                }
            ),
            "ResourceConfig": without_empty(
                {
                    "InstanceType": values["instance_type"],
                    "InstanceCount": values["instance_count"],
                    "VolumeSizeInGB": values["volume_size"],
                    "VolumeKmsKeyId": values["resource_encryption_key"],
                }
            ),
            "StoppingCondition": stopping,
            "EnableNetworkIsolation": values["network_isolation"],
            "EnableInterContainerTrafficEncryption": values["traffic_encryption"],
            **spot(values),
            **vpc(values),
        }
    )


def _warm_start(values: Inputs) -> dict[str, object]:
    parents = [one.strip() for one in values["parent_hpo_jobs"].split(",") if one.strip()]
    if bool(parents) != bool(values["warm_start_type"]):
        raise Failed("Give both warm_start_type and parent_hpo_jobs, or neither.")
    if not parents:
        return {}
    return {
        "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": one} for one in parents],
        "WarmStartType": values["warm_start_type"],
    }


def request(values: Inputs) -> dict[str, Any]:
    """The request of CreateHyperParameterTuningJob."""
    config = {
        "Strategy": values["strategy"],
        "HyperParameterTuningJobObjective": {
            "Type": values["metric_type"],
            "MetricName": values["metric_name"],
        },
        "ResourceLimits": {
            "MaxNumberOfTrainingJobs": values["max_num_jobs"],
            "MaxParallelTrainingJobs": values["max_parallel_jobs"],
        },
        "ParameterRanges": {
            "IntegerParameterRanges": values["integer_parameters"],
            "ContinuousParameterRanges": values["continuous_parameters"],
            "CategoricalParameterRanges": values["categorical_parameters"],
        },
        "TrainingJobEarlyStoppingType": values["early_stopping_type"],
    }
    return without_empty(
        {
            "HyperParameterTuningJobName": values["job_name"] or generated("HPOJob-"),
            "HyperParameterTuningJobConfig": config,
            "TrainingJobDefinition": _definition(values),
            "WarmStartConfig": _warm_start(values),
            "Tags": tags(values["tags"]),
        }
    )


def results(sagemaker: Client, name: str, description: dict[str, Any]) -> dict[str, object]:
    """The outputs: of the best training job its name, model, settings and image.

    Raises:
        Failed: no training job has an objective.
    """
    best = description.get("BestTrainingJob")
    if not best:
        raise Failed(f"Tuning job {name}: no training job gave the objective metric")
    job = sagemaker.describe_training_job(TrainingJobName=best["TrainingJobName"])
    settings = {key: value for key, value in job["HyperParameters"].items() if key != OBJECTIVE}
    return {
        "hpo_job_name": name,
        "model_artifact_url": job["ModelArtifacts"]["S3ModelArtifacts"],
        "best_job_name": best["TrainingJobName"],
        "best_hyperparameters": settings,
        "training_image": image_of(sagemaker, job),
    }


def main(argv: Sequence[str]) -> None:
    """Tunes, and writes the outputs."""
    values = parse(INPUTS, OUTPUTS, argv)
    asked = request(values)
    session = Session(values)
    name = asked["HyperParameterTuningJobName"]
    create_named(lambda: session.client("sagemaker").create_hyper_parameter_tuning_job(**asked))
    print(f"Tuning job {name} is created", flush=True)  # noqa: T201 - a component's log
    description = follow(
        describe=lambda: session.client("sagemaker").describe_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=name
        ),
        status=lambda found: found["HyperParameterTuningJobStatus"],
        final=FINAL,
        # Its training jobs have the logs.
        print_log=lambda: None,
        stop=lambda: session.client("sagemaker").stop_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=name
        ),
    )
    status = description["HyperParameterTuningJobStatus"]
    if status != "Completed":
        raise Failed(f"Tuning job {name}: {description.get('FailureReason') or status}")
    write_outputs(values, results(session.client("sagemaker"), name, description))
