"""The published component `SageMaker - Processing Job`."""

from collections.abc import Sequence
from typing import Any

from flowmaker.components.following import create_named, follow, log_printer
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

LOG_GROUP = "/aws/sagemaker/ProcessingJobs"
FINAL = ("Completed", "Failed", "Stopped")

INPUTS = (
    *COMMON,
    Input("job_name", str, ""),
    Input("role"),
    Input("image", str, ""),
    Input("instance_type", str, "ml.m4.xlarge"),
    Input("instance_count", integer, 1),
    Input("volume_size", integer, 30),
    Input("resource_encryption_key", str, ""),
    Input("output_encryption_key", str, ""),
    Input("max_run_time", integer, 86400),
    Input("environment", mapping, {}),
    Input("container_entrypoint", sequence, []),
    Input("container_arguments", sequence, []),
    Input("output_config", sequence, []),
    Input("input_config", sequence, []),
    Input("vpc_security_group_ids", str, ""),
    Input("vpc_subnets", str, ""),
    Input("network_isolation", boolean, default=True),
    Input("traffic_encryption", boolean, default=False),
)
OUTPUTS = ("job_name", "output_artifacts")


def request(values: Inputs) -> dict[str, Any]:
    """The request of CreateProcessingJob."""
    if not values["output_config"]:
        raise Failed("output_config must have at least one output.")
    cluster = without_empty(
        {
            "InstanceType": values["instance_type"],
            "InstanceCount": values["instance_count"],
            "VolumeSizeInGB": values["volume_size"],
            "VolumeKmsKeyId": values["resource_encryption_key"],
        }
    )
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
            "ProcessingResources": {"ClusterConfig": cluster},
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
    asked = request(values)
    session = Session(values)
    name = asked["ProcessingJobName"]
    create_named(lambda: session.client("sagemaker").create_processing_job(**asked))
    print(f"Processing job {name} is created", flush=True)  # noqa: T201 - a component's log
    description = follow(
        describe=lambda: session.client("sagemaker").describe_processing_job(
            ProcessingJobName=name
        ),
        status=lambda found: found["ProcessingJobStatus"],
        final=FINAL,
        print_log=log_printer(lambda: session.client("logs"), LOG_GROUP, f"{name}/"),
        stop=lambda: session.client("sagemaker").stop_processing_job(ProcessingJobName=name),
    )
    status = description["ProcessingJobStatus"]
    if status != "Completed":
        raise Failed(f"Processing job {name}: {description.get('FailureReason') or status}")
    write_outputs(values, {"job_name": name, "output_artifacts": artifacts(description)})
