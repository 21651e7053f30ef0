"""The published component `SageMaker - Hyperparameter Tuning`."""

from collections.abc import Sequence
from typing import Any

from flowmaker.components.following import Client
from flowmaker.components.published.arguments import (
    Input,
    Inputs,
    integer,
    mapping,
    parse,
    sequence,
    tags,
    without_empty,
    write_outputs,
)
from flowmaker.components.published.jobs import completed
from flowmaker.components.published.session import Failed, Session, generated
from flowmaker.components.published.train import TRAINING, definition, image_of

#: What the service itself adds to the hyperparameters of a trial.
OBJECTIVE = "_tuning_objective_metric"

INPUTS = (
    *TRAINING,
    Input("strategy", str, "Bayesian", ("Bayesian", "Random")),
    Input("metric_name"),
    Input("metric_type", str, None, ("Maximize", "Minimize")),
    Input("early_stopping_type", str, "Off", ("Off", "Auto")),
    Input("static_parameters", mapping, {}),
    Input("integer_parameters", sequence, []),
    Input("continuous_parameters", sequence, []),
    Input("categorical_parameters", sequence, []),
    Input("output_location"),
    Input("max_num_jobs", integer),
    Input("max_parallel_jobs", integer),
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
    training = {
        "StaticHyperParameters": values["static_parameters"],
        **definition(values, values["output_location"]),
    }
    return without_empty(
        {
            "HyperParameterTuningJobName": values["job_name"] or generated("HPOJob-"),
            "HyperParameterTuningJobConfig": config,
            "TrainingJobDefinition": without_empty(training),
            "WarmStartConfig": _warm_start(values),
            "Tags": tags(values["tags"]),
        }
    )


def results(sagemaker: Client, description: dict[str, Any]) -> dict[str, object]:
    """The outputs: of the best training job its name, model, settings and image.

    Raises:
        Failed: no training job has an objective.
    """
    name = description["HyperParameterTuningJobName"]
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
    # Its training jobs have the logs.
    description = completed(session, "HyperParameterTuningJob", asked, logged=False)
    write_outputs(values, results(session.client("sagemaker"), description))
