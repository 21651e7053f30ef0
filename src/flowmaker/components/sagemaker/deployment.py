"""An endpoint, with its configuration."""
# ruff: noqa: PLR0913, PLR0917, B006, T201 - inputs are arguments; the log is stdout
# pyright: reportInvalidTypeForm=false, reportUnknownParameterType=false

from typing import NamedTuple

from flowmaker.components.following import (
    configuration_in_use,
    connect,
    create_named,
    error_code,
    follow,
    unique_name,
)
from flowmaker.components.sagemaker.component import sagemaker_component


@sagemaker_component
def deploy(
    region: str,
    model_name: str,
    endpoint_name: str = "",
    instance_type: str = "ml.m5.large",
    instance_count: int = 1,
    variant_name: str = "AllTraffic",
    tags: dict[str, str] = {},
) -> NamedTuple("Outputs", [("endpoint_name", str)]):
    """Serve a model at an endpoint; one of that name that is there already gets the new model.

    Args:
        region: The AWS region.
        model_name: The SageMaker model.
        endpoint_name: The endpoint's name; made up for this task if empty.
        instance_type: The kind of machine that serves.
        instance_count: How many of them.
        variant_name: The production variant's name.
        tags: Tags of the endpoint.

    Returns:
        The endpoint's name, once it is in service.
    """
    sagemaker = connect("sagemaker", region)
    name = endpoint_name or unique_name("endpoint")
    # Of the task and of what is deployed: tried again, it is the same configuration.
    config = unique_name(name[:50])
    variant = {
        "VariantName": variant_name,
        "ModelName": model_name,
        "InstanceType": instance_type,
        "InitialInstanceCount": instance_count,
    }
    try:
        sagemaker.create_endpoint_config(EndpointConfigName=config, ProductionVariants=[variant])
    except Exception as error:
        found = error_code(error) in ("ValidationException", "ResourceInUse")
        if not found or not sagemaker.list_endpoint_configs(NameContains=config)["EndpointConfigs"]:
            raise
    current = configuration_in_use(sagemaker, name)
    if not current:
        labels = [{"Key": key, "Value": value} for key, value in tags.items()]
        create_named(
            lambda: sagemaker.create_endpoint(
                EndpointName=name, EndpointConfigName=config, Tags=labels
            )
        )
    elif current != config:
        sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=config)
    print(f"Endpoint {name} with configuration {config}", flush=True)
    endpoint = follow(
        describe=lambda: sagemaker.describe_endpoint(EndpointName=name),
        status=lambda endpoint: endpoint["EndpointStatus"],
        final=("InService", "Failed", "OutOfService", "UpdateRollbackFailed"),
        print_log=lambda: None,
        stop=lambda: print("An endpoint in the making cannot be stopped; delete it afterwards"),
    )
    status = endpoint["EndpointStatus"]
    if status != "InService":
        raise SystemExit(f"Endpoint {name}: {endpoint.get('FailureReason') or status}")
    if endpoint["EndpointConfigName"] != config:
        reason = endpoint.get("FailureReason") or "the update was rolled back"
        raise SystemExit(f"Endpoint {name} still has its old configuration: {reason}")
    return (name,)
