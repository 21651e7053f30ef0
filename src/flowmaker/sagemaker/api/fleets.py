"""From an endpoint's configuration to the fleet that is to serve it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flowmaker import ids
from flowmaker.aws.errors import validation
from flowmaker.aws.service import Call
from flowmaker.sagemaker.api.desk import Desk
from flowmaker.sagemaker.lifecycle import hosting as lifecycle
from flowmaker.sagemaker.records.hosting import Fleet, Server, Variant
from flowmaker.sagemaker.records.resource import Kind, Resource


class Fleets:
    """Makes fleets: on record before any of it runs."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def of(self, call: Call, endpoint_id: str) -> Fleet:
        """The configuration that the request names, with its models as they are now."""
        name = call.parameters["EndpointConfigName"]
        config = await self._desk.existing(call, Kind.ENDPOINT_CONFIG, name)
        request = config.request
        variants: list[Variant] = []
        for member in ("ProductionVariants", "ShadowProductionVariants"):
            for one in request.get(member, ()):
                model = await self._desk.existing(call, Kind.MODEL, one["ModelName"])
                variant = self._variant(endpoint_id, one, model)
                variants.append(replace(variant, shadow=member != "ProductionVariants"))
        return Fleet(
            config_name=name,
            variants=tuple(variants),
            capture=request.get("DataCaptureConfig", {}),
            asynchronous=request.get("AsyncInferenceConfig", {}),
        )

    def retaining(self, call: Call, endpoint_id: str, fleet: Fleet, current: Fleet) -> Fleet:
        """The fleet with what `RetainAllVariantProperties` keeps of the current one."""
        given = call.parameters
        if not given.get("RetainAllVariantProperties"):
            return fleet
        excluded = {
            one["VariantPropertyType"] for one in given.get("ExcludeRetainedVariantProperties", ())
        }
        kept = {variant.name: variant for variant in current.variants}
        variants = tuple(
            self._retaining(endpoint_id, variant, kept[variant.name], excluded)
            if variant.name in kept
            else variant
            for variant in fleet.variants
        )
        capture = fleet.capture if "DataCaptureConfig" in excluded else current.capture
        return replace(fleet, variants=variants, capture=capture)

    def _retaining(
        self, endpoint_id: str, variant: Variant, current: Variant, excluded: set[str]
    ) -> Variant:
        if "DesiredWeight" not in excluded:
            variant = replace(variant, weight=current.weight, desired_weight=current.weight)
        if "DesiredInstanceCount" not in excluded and not variant.serverless:
            variant = self._sized(endpoint_id, variant, current.count)
        return variant

    def new(self, endpoint_id: str) -> lifecycle.NewServer:
        """Makes servers of an endpoint that are to be started."""
        now = self._desk.clock.now()

        def server(instance: int, container: int) -> Server:
            return Server(
                process_id=f"endpoint-{endpoint_id}-{ids.token(8).lower()}",
                port=0,
                started_at=now,
                instance=instance,
                container=container,
            )

        return server

    def _variant(self, endpoint_id: str, one: Mapping[str, Any], model: Resource) -> Variant:
        weight = float(one.get("InitialVariantWeight", 1.0))
        execution = model.request.get("InferenceExecutionConfig", {})
        variant = Variant(
            name=one["VariantName"],
            weight=weight,
            desired_weight=weight,
            instance_type=one.get("InstanceType", ""),
            containers=containers_of(model),
            role_arn=model.request["ExecutionRoleArn"],
            servers=(),
            direct=execution.get("Mode") == "Direct",
            isolated=is_isolated(model),
            startup_seconds=one.get("ContainerStartupHealthCheckTimeoutInSeconds", 240),
            serverless=one.get("ServerlessConfig", {}),
            routing=one.get("RoutingConfig", {}).get("RoutingStrategy", ""),
        )
        return self._sized(endpoint_id, variant, one.get("InitialInstanceCount", 1))

    def _sized(self, endpoint_id: str, variant: Variant, count: int) -> Variant:
        empty = replace(variant, servers=(), count=0, desired_count=0)
        return replace(lifecycle.rescale(empty, self.new(endpoint_id), count=count), count=count)


def containers_of(model: Resource) -> tuple[Mapping[str, Any], ...]:
    """A model's containers, in the order in which a request passes them."""
    primary: Mapping[str, Any] | None = model.request.get("PrimaryContainer")
    return (primary,) if primary else tuple(model.request["Containers"])


def batch_containers_of(model: Resource) -> tuple[Mapping[str, Any], ...]:
    """The containers that each record of a batch passes.

    Raises:
        AwsError: a request must say which artefact or container it is for, which a batch cannot.
    """
    containers = containers_of(model)
    direct = model.request.get("InferenceExecutionConfig", {}).get("Mode") == "Direct"
    if direct or containers[0].get("Mode") == "MultiModel":
        what = "InferenceExecutionConfig Direct" if direct else "Mode MultiModel"
        raise validation(
            f"The model {model.name} has {what}: such a model works in an endpoint only."
        )
    return containers


def is_isolated(model: Resource) -> bool:
    """Whether what serves it has no network."""
    return model.request.get("EnableNetworkIsolation", False)
