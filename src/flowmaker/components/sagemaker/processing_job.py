"""A processing job."""
# ruff: noqa: PLR0913, PLR0917, B006, FBT001, FBT002 - inputs are arguments
# pyright: reportInvalidTypeForm=false, reportUnknownParameterType=false

from typing import Any, NamedTuple

from flowmaker.components.following import clients, given, run_job
from flowmaker.components.sagemaker.component import sagemaker_component


@sagemaker_component
def processing(
    region: str,
    role: str,
    image: str,
    container_entrypoint: list[str],
    container_arguments: list[str] = [],
    input_config: list[dict[str, Any]] = [],
    output_config: list[dict[str, Any]] = [],
    environment: dict[str, str] = {},
    instance_type: str = "ml.m5.large",
    instance_count: int = 1,
    volume_size: int = 30,
    max_run_time: int = 86400,
    network_isolation: bool = False,
    job_name: str = "",
    tags: dict[str, str] = {},
) -> NamedTuple("Outputs", [("output_artifacts", dict[str, str]), ("job_name", str)]):
    """Run a program on data in S3.

    Args:
        region: The AWS region.
        role: The ARN of the role that the job acts with.
        image: The container image.
        container_entrypoint: The program in it, and perhaps its first arguments.
        container_arguments: Its further arguments.
        input_config: ProcessingInputs, as CreateProcessingJob takes them.
        output_config: Outputs, as CreateProcessingJob takes them.
        environment: Environment variables of the program.
        instance_type: The kind of machine that it runs on.
        instance_count: How many of them.
        volume_size: Gigabytes of its disk.
        max_run_time: Seconds after which it is stopped.
        network_isolation: Whether it is without a network.
        job_name: The job's name; made up for this task if empty.
        tags: Tags of the job.

    Returns:
        Where in S3 each output is, by its name; and the job's name.
    """
    cluster = {
        "InstanceType": instance_type,
        "InstanceCount": instance_count,
        "VolumeSizeInGB": volume_size,
    }
    request = given(
        ProcessingInputs=input_config,
        ProcessingOutputConfig=given(Outputs=output_config),
        ProcessingResources={"ClusterConfig": cluster},
        StoppingCondition={"MaxRuntimeInSeconds": max_run_time},
        AppSpecification=given(
            ImageUri=image,
            ContainerEntrypoint=container_entrypoint,
            ContainerArguments=container_arguments,
        ),
        Environment=environment,
        NetworkConfig={"EnableNetworkIsolation": True} if network_isolation else {},
        RoleArn=role,
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )
    job_name, job = run_job(clients(region), "ProcessingJob", job_name, "processing", request)
    outputs = job.get("ProcessingOutputConfig", {}).get("Outputs", [])
    places = {one["OutputName"]: one["S3Output"]["S3Uri"] for one in outputs}
    return (places, job_name)
