"""A model."""
# ruff: noqa: PLR0913, B006, T201 - a component's inputs are its arguments; its log is its stdout

from typing import NamedTuple

from flowmaker.components.following import connect, error_code, unique_name
from flowmaker.components.sagemaker.component import sagemaker_component


@sagemaker_component
def model(
    region: str,
    role: str,
    image: str,
    model_artifact_url: str,
    model_name: str = "",
    environment: dict = {},  # pyright: ignore
    network_isolation: bool = False,
    tags: dict = {},  # pyright: ignore
) -> NamedTuple("Outputs", [("model_name", str)]):  # pyright: ignore
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
    request = {
        "ModelName": name,
        "ExecutionRoleArn": role,
        "PrimaryContainer": container,
        "EnableNetworkIsolation": network_isolation,
    }
    if tags:
        request["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
    try:
        sagemaker.create_model(**request)
    except Exception as error:
        # An earlier try of this task may have made it; anyone else's model is not taken for it.
        if error_code(error) not in ("ValidationException", "ResourceInUse"):
            raise
        try:
            found = sagemaker.describe_model(ModelName=name)
        except Exception:
            raise error from None
        primary = found.get("PrimaryContainer", {})
        same = all(
            primary.get(key, {} if key == "Environment" else "") == container[key]
            for key in container
        )
        if not same or found["ExecutionRoleArn"] != role:
            raise SystemExit(
                f"There is a model {name} of something else already. "
                "Give another model_name, or none."
            ) from error
        print(f"Model {name} is there already, of the same image, artifact and role")
    else:
        print(f"Model {name}")
    return (name,)
