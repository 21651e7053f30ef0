"""The published component `SageMaker - Processing Job`."""

from collections.abc import Sequence
from typing import Any

from flowmaker.components.published.arguments import (
    COMMON,
    INSTANCES,
    Input,
    Inputs,
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

INPUTS = (
    *COMMON,
    *INSTANCES,
    Input("job_name", str, ""),
    Input("role"),
    Input("image", str, ""),
    Input("output_encryption_key", str, ""),
    Input("max_run_time", integer, 86400),
    Input("environment", mapping, {}),
    Input("container_entrypoint", sequence, []),
    Input("container_arguments", sequence, []),
    Input("output_config", sequence, []),
    Input("input_config", sequence, []),
)
OUTPUTS = ("job_name", "output_artifacts")


def request(values: Inputs) -> dict[str, Any]:
    """The request of CreateProcessingJob."""
    if not values["output_config"]:
        raise Failed("output_config must have at least one output.")
    limit = values["max_run_time"]
    return without_empty(
        {
            "ProcessingJobName": values["job_name"] or generated("ProcessingJob-"),
            "ProcessingInputs": values["input_config"],
            "ProcessingOutputConfig": without_empty(
                {
                    "Outputs": values["output_config"],
                    "KmsKeyId": values["output_encryption_key"],
                }
            ),
            "ProcessingResources": {"ClusterConfig": instances(values)},
            "StoppingCondition": {"MaxRuntimeInSeconds": limit} if limit else {},
            "AppSpecification": without_empty(
                {
                    "ImageUri": values["image"],
                    "ContainerEntrypoint": values["container_entrypoint"],
                    "ContainerArguments": [str(one) for one in values["container_arguments"]],
                }
            ),
            "Environment": values["environment"],
            "NetworkConfig": {
                "EnableInterContainerTrafficEncryption": values["traffic_encryption"],
                "EnableNetworkIsolation": values["network_isolation"],
                **vpc(values),
            },
            "RoleArn": values["role"],
            "Tags": tags(values["tags"]),
        }
    )


def artifacts(description: dict[str, Any]) -> dict[str, object]:
    """Where each output is; those of the feature store are in no place of S3."""
    outputs = description["ProcessingOutputConfig"]["Outputs"]
    return {one["OutputName"]: one["S3Output"]["S3Uri"] for one in outputs if "S3Output" in one}


def main(argv: Sequence[str]) -> None:
    """Processes, and writes the outputs."""
    values = parse(INPUTS, OUTPUTS, argv)
    description = completed(Session(values), "ProcessingJob", request(values))
    name = description["ProcessingJobName"]
    write_outputs(values, {"job_name": name, "output_artifacts": artifacts(description)})
