"""The published component `SageMaker - Deploy Model`."""

from collections.abc import Sequence
from typing import Any

from flowmaker.components.following import configuration_in_use, create_named, follow
from flowmaker.components.published.arguments import (
    COMMON,
    Input,
    Inputs,
    boolean,
    integer,
    mapping,
    parse,
    tags,
    without_empty,
    write_outputs,
)
from flowmaker.components.published.session import Failed, Session, generated

_ACCELERATORS = ("ml.eia1.medium", "ml.eia1.large", "ml.eia1.xlarge", "")
_VARIANTS = (1, 2, 3)


def _variant_inputs(number: int) -> tuple[Input, ...]:
    return (
        Input(f"variant_name_{number}", str, f"variant-name-{number}"),
        Input(f"model_name_{number}", str, None if number == 1 else ""),
        Input(f"initial_instance_count_{number}", integer, 1),
        Input(f"instance_type_{number}", str, "ml.m4.xlarge"),
        Input(f"initial_variant_weight_{number}", float, 1.0),
        Input(f"accelerator_type_{number}", str, "", _ACCELERATORS),
    )


INPUTS = (
    *COMMON,
    Input("endpoint_name", str, ""),
    Input("endpoint_config_name", str, ""),
    Input("endpoint_config_tags", mapping, {}),
    Input("resource_encryption_key", str, ""),
    Input("update_endpoint", boolean, default=False),
    *(one for number in _VARIANTS for one in _variant_inputs(number)),
)
OUTPUTS = ("endpoint_name",)

FINAL = ("InService", "Failed", "OutOfService", "UpdateRollbackFailed")


def _variant(values: Inputs, number: int) -> dict[str, object]:
    return without_empty(
        {
            "VariantName": values[f"variant_name_{number}"],
            "ModelName": values[f"model_name_{number}"],
            "InitialInstanceCount": values[f"initial_instance_count_{number}"],
            "InstanceType": values[f"instance_type_{number}"],
            "InitialVariantWeight": values[f"initial_variant_weight_{number}"],
            "AcceleratorType": values[f"accelerator_type_{number}"],
        }
    )


def config_request(values: Inputs, *, update: bool) -> dict[str, Any]:
    """The request of CreateEndpointConfig; an update always gets a configuration of its own."""
    given = "" if update else values["endpoint_config_name"]
    return without_empty(
        {
            "EndpointConfigName": given or generated("EndpointConfig"),
            "ProductionVariants": [
                _variant(values, number) for number in _VARIANTS if values[f"model_name_{number}"]
            ],
            "KmsKeyId": values["resource_encryption_key"],
            "Tags": tags(values["endpoint_config_tags"]),
        }
    )


def main(argv: Sequence[str]) -> None:
    """Deploys, waits until the endpoint is in service, and writes the output."""
    values = parse(INPUTS, OUTPUTS, argv)
    session = Session(values)
    sagemaker = session.client("sagemaker")
    name = values["endpoint_name"] or generated("Endpoint")
    old = configuration_in_use(sagemaker, name) if values["update_endpoint"] else ""
    config = config_request(values, update=bool(old))
    new = config["EndpointConfigName"]
    create_named(lambda: sagemaker.create_endpoint_config(**config))
    if old:
        sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=new)
    else:
        endpoint = without_empty(
            {"EndpointName": name, "EndpointConfigName": new, "Tags": tags(values["tags"])}
        )
        create_named(lambda: sagemaker.create_endpoint(**endpoint))
    print(f"Endpoint {name} gets configuration {new}", flush=True)  # noqa: T201 - its log
    description = follow(
        describe=lambda: session.client("sagemaker").describe_endpoint(EndpointName=name),
        status=lambda found: found["EndpointStatus"],
        final=FINAL,
        print_log=lambda: None,
        # An endpoint that is being made cannot be stopped; it can be deleted when it is made.
        stop=lambda: None,
    )
    if description["EndpointStatus"] != "InService":
        reason = description.get("FailureReason") or description["EndpointStatus"]
        raise Failed(f"Endpoint {name}: {reason}")
    if description["EndpointConfigName"] != new:
        reason = description.get("FailureReason") or "it was rolled back"
        raise Failed(f"Endpoint {name} still has its old configuration: {reason}")
    if old:
        session.client("sagemaker").delete_endpoint_config(EndpointConfigName=old)
    write_outputs(values, {"endpoint_name": name})
