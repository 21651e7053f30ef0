"""A model."""
# ruff: noqa: PLR0913, PLR0917, FBT001, FBT002, B006, T201 - inputs are arguments; the log is stdout
# pyright: reportInvalidTypeForm=false, reportUnknownParameterType=false

from typing import Any, NamedTuple

from flowmaker.components.following import connect, error_code, unique_name
from flowmaker.components.sagemaker.component import sagemaker_component


@sagemaker_component
def model(
    region: str,
    role: str,
    image: str,
    model_artifact_url: str,
    model_name: str = "",
    environment: dict[str, str] = {},
    network_isolation: bool = False,
    tags: dict[str, str] = {},
) -> NamedTuple("Outputs", [("model_name", str)]):
    """Make a SageMaker model of a training job's result.

    Args:
        region: The AWS region.
        role: ARN of the role that SageMaker assumes when it serves the model.
        image: The image that serves it, e.g. the one that it was trained with.
        model_artifact_url: `s3://…/model.tar.gz`.
        model_name: The model's name; made up for this task if empty.
        environment: Environment variables of the serving container.
        network_isolation: Serve without a network.
        tags: Tags of the model.

    Returns:
        The model's name.
    """
    sagemaker = connect("sagemaker", region)
    name = model_name or unique_name("model")
    container = {"Image": image, "ModelDataUrl": model_artifact_url, "Environment": environment}
    request: dict[str, Any] = {
        "ModelName": name,
        "ExecutionRoleArn": role,
        "PrimaryContainer": container,
        "EnableNetworkIsolation": network_isolation,
    }
    if tags:
        request["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
    try:
        sagemaker.create_model(**request)
        print(f"Model {name}")
    except Exception as error:
        # An earlier try of this task may have made it; anyone else's model is not taken for it.
        if error_code(error) not in ("ValidationException", "ResourceInUse"):
            raise
        found = sagemaker.list_models(NameContains=name)["Models"]
        if name not in [each["ModelName"] for each in found]:
            raise
        there = sagemaker.describe_model(ModelName=name)
        primary: dict[str, Any] = {"Environment": {}} | there.get("PrimaryContainer", {})
        same = all(primary.get(key) == value for key, value in container.items())
        if not same or there["ExecutionRoleArn"] != role:
            raise SystemExit(
                f"There is a model {name} of something else already. "
                "Give another model_name, or none."
            ) from error
        print(f"Model {name} is there already, of the same image, artifact and role")
    return (name,)
