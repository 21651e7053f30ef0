"""The published component `SageMaker - Training Job`."""

from collections.abc import Sequence
from typing import Any

from flowmaker.components.following import Client
from flowmaker.components.published.arguments import (
    COMMON,
    INSTANCES,
    Input,
    Inputs,
    boolean,
    instances,
    integer,
    mapping,
    parse,
    sequence,
    tags,
    vpc,
    without_empty,
    write_outputs,
)
from flowmaker.components.published.jobs import completed
from flowmaker.components.published.session import Failed, Session, generated
from flowmaker.sagemaker.algorithms.accounts import ACCOUNTS, domain

#: What a tuning job has, too.
TRAINING = (
    *COMMON,
    *INSTANCES,
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
    Input("channels", sequence),
    Input("output_encryption_key", str, ""),
)
INPUTS = (
    *TRAINING,
    Input("hyperparameters", mapping, {}),
    Input("model_artifact_path"),
    Input("debug_hook_config", mapping, {}),
    Input("debug_rule_config", sequence, []),
)
OUTPUTS = ("model_artifact_url", "job_name", "training_image")

#: The names that the component takes for built-in algorithms, and their repository and tag.
_BUILT_IN = {
    "k-means": ("kmeans", "1"),
    "kmeans": ("kmeans", "1"),
    "xgboost": ("sagemaker-xgboost", "1.7-1"),
    "linear learner": ("linear-learner", "1"),
    "factorization machines": ("factorization-machines", "1"),
    "k-nearest neighbors": ("knn", "1"),
    "knn": ("knn", "1"),
    "pca": ("pca", "1"),
    "principal component analysis": ("pca", "1"),
    "random cut forest": ("randomcutforest", "1"),
}


def algorithm(values: Inputs) -> dict[str, object]:
    """The AlgorithmSpecification: by image, or by the name of a built-in algorithm."""
    image, name = values["image"], values["algorithm_name"]
    if not image and not name:
        raise Failed("Please specify image or algorithm_name; neither is given.")
    if not image and name.lower() in _BUILT_IN:
        repository, tag = _BUILT_IN[name.lower()]
        account = ACCOUNTS.get((values["region"], repository))
        if not account:
            raise Failed(f"There is no {name} in the region {values['region']}.")
        registry = f"{account}.dkr.ecr.{values['region']}.{domain(values['region'])}"
        image = f"{registry}/{repository}:{tag}"
    source = {"TrainingImage": image} if image else {"AlgorithmName": name}
    definitions = [
        {"Name": metric, "Regex": regex} for metric, regex in values["metric_definitions"].items()
    ]
    return without_empty(
        {
            **source,
            "TrainingInputMode": values["training_input_mode"],
            "MetricDefinitions": definitions,
        }
    )


def spot(values: Inputs) -> dict[str, object]:
    """What a request has for spot instances, if they are asked for."""
    if not values["spot_instance"]:
        return {}
    if values["max_wait_time"] < values["max_run_time"]:
        raise Failed("max_wait_time must be at least max_run_time for spot instances.")
    if not values["checkpoint_config"].get("S3Uri"):
        raise Failed("checkpoint_config must have an S3Uri for spot instances.")
    return {
        "EnableManagedSpotTraining": True,
        "CheckpointConfig": values["checkpoint_config"],
    }


def definition(values: Inputs, output_path: str) -> dict[str, object]:
    """What is asked of a training job, on its own or of a tuning job."""
    stopping = {"MaxRuntimeInSeconds": values["max_run_time"]}
    if values["spot_instance"]:
        stopping["MaxWaitTimeInSeconds"] = values["max_wait_time"]
    return {
        "AlgorithmSpecification": algorithm(values),
        "RoleArn": values["role"],
        "InputDataConfig": values["channels"],
        "OutputDataConfig": without_empty(
            {"S3OutputPath": output_path, "KmsKeyId": values["output_encryption_key"]}
        ),
        "ResourceConfig": instances(values),
        "StoppingCondition": stopping,
        "EnableNetworkIsolation": values["network_isolation"],
        "EnableInterContainerTrafficEncryption": values["traffic_encryption"],
        **spot(values),
        **vpc(values),
    }


def request(values: Inputs) -> dict[str, Any]:
    """The request of CreateTrainingJob."""
    wrong = [
        name for name, value in values["hyperparameters"].items() if not isinstance(value, str)
    ]
    if wrong:
        raise Failed(f"Hyperparameters must be strings; these are not: {', '.join(wrong)}")
    return without_empty(
        {
            "TrainingJobName": values["job_name"] or generated("TrainingJob-"),
            "HyperParameters": values["hyperparameters"],
            "DebugHookConfig": values["debug_hook_config"],
            "DebugRuleConfigurations": values["debug_rule_config"],
            "Tags": tags(values["tags"]),
            **definition(values, values["model_artifact_path"]),
        }
    )


def _status(description: dict[str, Any]) -> str:
    """The job's status; a completed one is not at its end before its debug rules are."""
    rules = description.get("DebugRuleEvaluationStatuses", [])
    status: str = description["TrainingJobStatus"]
    if status == "Completed" and any(
        rule.get("RuleEvaluationStatus") == "InProgress" for rule in rules
    ):
        return "Completed, debug rules in progress"
    return status


def image_of(sagemaker: Client, description: dict[str, Any]) -> str:
    """The image that a training job was trained with."""
    specification = description["AlgorithmSpecification"]
    if specification.get("TrainingImage"):
        return specification["TrainingImage"]
    found = sagemaker.describe_algorithm(AlgorithmName=specification["AlgorithmName"])
    return found["TrainingSpecification"]["TrainingImage"]


def main(argv: Sequence[str]) -> None:
    """Trains, and writes the outputs."""
    values = parse(INPUTS, OUTPUTS, argv)
    asked = request(values)
    session = Session(values)
    description = completed(session, "TrainingJob", asked, status=_status)
    for rule in description.get("DebugRuleEvaluationStatuses", []):
        if rule.get("RuleEvaluationStatus") == "Error":
            raise Failed(f"Debug rule {rule['RuleConfigurationName']}: {rule.get('StatusDetails')}")
    write_outputs(
        values,
        {
            "model_artifact_url": description["ModelArtifacts"]["S3ModelArtifacts"],
            "job_name": description["TrainingJobName"],
            "training_image": image_of(session.client("sagemaker"), description),
        },
    )
