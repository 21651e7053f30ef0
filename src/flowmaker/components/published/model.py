"""The published component `SageMaker - Create Model`."""

from collections.abc import Sequence
from typing import Any

from flowmaker.components.following import create_named
from flowmaker.components.published.arguments import (
    COMMON,
    Input,
    Inputs,
    boolean,
    mapping,
    parse,
    sequence,
    tags,
    vpc,
    without_empty,
    write_outputs,
)
from flowmaker.components.published.session import Failed, Session

INPUTS = (
    *COMMON,
    Input("model_name"),
    Input("role"),
    Input("container_host_name", str, ""),
    Input("image", str, ""),
    Input("model_artifact_url", str, ""),
    Input("environment", mapping, {}),
    Input("model_package", str, ""),
    Input("secondary_containers", sequence, []),
    Input("vpc_security_group_ids", str, ""),
    Input("vpc_subnets", str, ""),
    Input("network_isolation", boolean, default=True),
)
OUTPUTS = ("model_name",)


def _containers(values: Inputs) -> dict[str, object]:
    if values["secondary_containers"]:
        return {"Containers": values["secondary_containers"]}
    if not values["image"] and not values["model_package"]:
        raise Failed("Please specify an image or a model_package; neither is given.")
    primary = {
        "ContainerHostname": values["container_host_name"],
        "Environment": values["environment"],
    }
    if values["model_package"]:
        primary["ModelPackageName"] = values["model_package"]
    else:
        primary |= {"Image": values["image"], "ModelDataUrl": values["model_artifact_url"]}
    return {"PrimaryContainer": without_empty(primary)}


def request(values: Inputs) -> dict[str, Any]:
    """The request of CreateModel."""
    return without_empty(
        {
            "ModelName": values["model_name"],
            "ExecutionRoleArn": values["role"],
            "EnableNetworkIsolation": values["network_isolation"],
            "Tags": tags(values["tags"]),
            **_containers(values),
            **vpc(values),
        }
    )


def main(argv: Sequence[str]) -> None:
    """Makes the model, and writes the output."""
    values = parse(INPUTS, OUTPUTS, argv)
    sagemaker, asked = Session(values).client("sagemaker"), request(values)
    answer = create_named(lambda: sagemaker.create_model(**asked))
    answer = answer or sagemaker.describe_model(ModelName=asked["ModelName"])
    print(f"Model is created: {answer['ModelArn']}", flush=True)  # noqa: T201 - a component's log
    write_outputs(values, {"model_name": values["model_name"]})
