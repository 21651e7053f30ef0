"""CreateModel, DescribeModel, DeleteModel; and the same of endpoint configurations."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from flowmaker.aws.errors import validation
from flowmaker.aws.service import Call, Need, Operation
from flowmaker.sagemaker.api import members, model_packages
from flowmaker.sagemaker.api.desk import Desk, already, arn, creation_needs, need
from flowmaker.sagemaker.api.fleets import containers_of
from flowmaker.sagemaker.api.images import served_by
from flowmaker.sagemaker.container import model_data
from flowmaker.sagemaker.container.storage import DataError, location
from flowmaker.sagemaker.records.hosting import RANDOM
from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.repository import resources

MOST_INSTANCES = 20
#: How an instance of a variant may be chosen; the first one is where nothing is asked for.
ROUTING = ("LEAST_OUTSTANDING_REQUESTS", RANDOM)


class Models:
    """The operations on models."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateModel": Operation(handler=self.create, needs=_create_model_needs),
            "DescribeModel": Operation(handler=self.describe, needs=_model_needs),
            "DeleteModel": Operation(handler=self.delete, needs=_model_needs),
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        members.check(call)
        given = call.parameters
        containers = [
            whole for one in _containers(call) for whole in await self._of_package(call, one)
        ]
        for container in containers:
            served_by(self._desk.images, container)
            _check_container(container, alone=len(containers) == 1)
        _check_hostnames(call, containers)
        if not given.get("ExecutionRoleArn"):
            raise validation("ExecutionRoleArn is required")
        await self._desk.assume(call, given["ExecutionRoleArn"])
        model = self._desk.draft(call, Kind.MODEL, given["ModelName"])
        model = replace(model, request=_resolved(model.request, containers))
        await self._desk.create(call, model, already(Kind.MODEL, model.arn))
        return {"ModelArn": model.arn}

    async def describe(self, call: Call) -> Mapping[str, Any]:
        model = await self._desk.existing(call, Kind.MODEL, call.parameters["ModelName"])
        echoed = {
            name: model.request[name]
            for name in (
                "PrimaryContainer",
                "Containers",
                "InferenceExecutionConfig",
                "ExecutionRoleArn",
                "VpcConfig",
            )
            if model.request.get(name)
        }
        return echoed | {
            "ModelName": model.name,
            "ModelArn": model.arn,
            "CreationTime": model.created_at,
            "EnableNetworkIsolation": model.request.get("EnableNetworkIsolation", False),
        }

    async def delete(self, call: Call) -> None:
        model = await self._desk.existing(call, Kind.MODEL, call.parameters["ModelName"])
        await self._desk.database.write(resources.delete, model)

    async def _of_package(
        self, call: Call, container: Mapping[str, Any]
    ) -> Sequence[Mapping[str, Any]]:
        """The containers that one of the request stands for: those of the package it names."""
        package = container.get("ModelPackageName")
        if not package:
            return [container]
        if any(container.get(one) for one in ("Image", "ModelDataUrl", "ModelDataSource")):
            raise validation("Give either ModelPackageName, or Image and ModelDataUrl, not both")
        found = await model_packages.containers(self._desk, call, package)
        environment = container.get("Environment", {})
        return [
            {**one, "Environment": {**one.get("Environment", {}), **environment}} for one in found
        ]


def _resolved(
    request: Mapping[str, Any], containers: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any]:
    """The request with the containers of the packages that it names."""
    rest = {
        name: value
        for name, value in request.items()
        if name not in ("PrimaryContainer", "Containers")
    }
    primary = "PrimaryContainer" in request and len(containers) == 1
    return rest | ({"PrimaryContainer": containers[0]} if primary else {"Containers": containers})


class EndpointConfigs:
    """The operations on endpoint configurations."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateEndpointConfig": Operation(handler=self.create, needs=_create_config_needs),
            "DescribeEndpointConfig": Operation(handler=self.describe, needs=_config_needs),
            "DeleteEndpointConfig": Operation(handler=self.delete, needs=_config_needs),
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        members.check(call)
        variants = call.parameters["ProductionVariants"]
        shadows = call.parameters.get("ShadowProductionVariants", ())
        names = [variant["VariantName"] for variant in (*variants, *shadows)]
        if len(set(names)) < len(names):
            raise validation("Variant names in ProductionVariants must be unique")
        for variant in (*variants, *shadows):
            await self._check_variant(call, variant)
        if shadows:
            await self._check_shadows(call)
        _check_capture(call)
        _check_asynchronous(call)
        if not sum(_weight(variant) for variant in variants):
            raise validation("At least one variant's InitialVariantWeight must be above zero")
        config = self._desk.draft(call, Kind.ENDPOINT_CONFIG, call.parameters["EndpointConfigName"])
        await self._desk.create(call, config, already(Kind.ENDPOINT_CONFIG, config.arn))
        return {"EndpointConfigArn": config.arn}

    async def describe(self, call: Call) -> Mapping[str, Any]:
        config = await self._existing(call)
        echoed = {
            name: config.request[name]
            for name in ("KmsKeyId", "VpcConfig", "DataCaptureConfig", "AsyncInferenceConfig")
            if config.request.get(name)
        }
        return echoed | {
            "EndpointConfigName": config.name,
            "EndpointConfigArn": config.arn,
            **{
                member: [{"InitialVariantWeight": 1.0} | one for one in config.request[member]]
                for member in ("ProductionVariants", "ShadowProductionVariants")
                if config.request.get(member)
            },
            "CreationTime": config.created_at,
            "EnableNetworkIsolation": False,
        }

    async def delete(self, call: Call) -> None:
        await self._desk.database.write(resources.delete, await self._existing(call))

    async def _existing(self, call: Call) -> Resource:
        name = call.parameters["EndpointConfigName"]
        return await self._desk.existing(call, Kind.ENDPOINT_CONFIG, name)

    async def _check_shadows(self, call: Call) -> None:
        """What AWS takes with a shadow variant: one that it is the shadow of, of plain models."""
        given = call.parameters
        both = (*given["ProductionVariants"], *given["ShadowProductionVariants"])
        if len(both) != 2:  # noqa: PLR2004
            raise validation(
                "ShadowProductionVariants takes one variant, and one in ProductionVariants"
            )
        if given.get("AsyncInferenceConfig"):
            raise validation("ShadowProductionVariants do not go with AsyncInferenceConfig")
        for variant in both:
            if variant.get("ServerlessConfig"):
                raise validation("ShadowProductionVariants do not go with ServerlessConfig")
            model = await self._desk.existing(call, Kind.MODEL, variant["ModelName"])
            containers = containers_of(model)
            if len(containers) != 1 or containers[0].get("Mode") == "MultiModel":
                raise validation(
                    f"ShadowProductionVariants: the model {model.name} of {variant['VariantName']} "
                    "must have one container, and serve one model"
                )

    async def _check_variant(self, call: Call, variant: Mapping[str, Any]) -> None:
        name = variant["VariantName"]
        if not variant.get("ModelName"):
            raise validation(
                f"ModelName of the variant {name} is required: endpoints of inference components "
                "are not supported by Flowmaker"
            )
        model = await self._desk.existing(call, Kind.MODEL, variant["ModelName"])
        if _weight(variant) < 0:
            raise validation(f"InitialVariantWeight of {name} must not be negative")
        strategy = variant.get("RoutingConfig", {}).get("RoutingStrategy", ROUTING[0])
        if strategy not in ROUTING:
            members.refuse(call, "RoutingStrategy", strategy, f"{' and '.join(ROUTING)} work")
        if variant.get("ServerlessConfig"):
            _check_serverless(call, variant, model)
            return
        for required in ("InstanceType", "InitialInstanceCount"):
            if not variant.get(required):
                raise validation(f"{required} is required for the production variant {name}")
        if variant["InitialInstanceCount"] > MOST_INSTANCES:
            members.refuse(
                call,
                "InitialInstanceCount",
                variant["InitialInstanceCount"],
                f"1 to {MOST_INSTANCES} instances work",
            )


def _weight(variant: Mapping[str, Any]) -> float:
    return float(variant.get("InitialVariantWeight", 1.0))


def _containers(call: Call) -> Sequence[Mapping[str, Any]]:
    """The model's containers."""
    given = call.parameters
    containers: Sequence[Mapping[str, Any]] = given.get("Containers") or ()
    primary = given.get("PrimaryContainer")
    if primary and containers:
        raise validation("Give either PrimaryContainer or Containers, not both")
    if not primary and not containers:
        raise validation("PrimaryContainer is required")
    return [primary] if primary else containers


def _check_container(container: Mapping[str, Any], *, alone: bool) -> None:
    url = container.get("ModelDataUrl")
    if url and container.get("ModelDataSource"):
        raise validation("Give either ModelDataUrl or ModelDataSource, not both")
    if url:
        _check_location(url)
    elif (source := model_data.source_of(container)) and (why := model_data.mistake(source)):
        raise validation(f"ModelDataSource: {why}")
    _check_additional(container)
    if container.get("Mode") != "MultiModel":
        if container.get("MultiModelConfig"):
            raise validation("MultiModelConfig is for containers of Mode MultiModel")
        return
    if not alone:
        raise validation(
            "Containers: a container of Mode MultiModel beside others is not supported by "
            "Flowmaker; it works as the PrimaryContainer."
        )
    if not url or url.endswith(".tar.gz"):
        raise validation(
            "ModelDataUrl of a container of Mode MultiModel must be the prefix of its models' "
            f"archives; it is {url or 'not given'}."
        )


def _check_additional(container: Mapping[str, Any]) -> None:
    given = container.get("AdditionalModelDataSources", ())
    places = model_data.additional(container)
    if len(places) < len(given):
        raise validation("AdditionalModelDataSources: ChannelName must be unique")
    for place, source in places.items():
        name = place.rpartition("/")[2]
        if name in {".", ".."}:
            raise validation(f"AdditionalModelDataSources: {name} is no ChannelName")
        if why := model_data.mistake(source):
            raise validation(f"AdditionalModelDataSources: {name}: {why}")


def _check_hostnames(call: Call, containers: Sequence[Mapping[str, Any]]) -> None:
    """Names tell containers apart; those that are invoked directly need one each."""
    names = [one["ContainerHostname"] for one in containers if one.get("ContainerHostname")]
    if len(set(names)) < len(names):
        raise validation("ContainerHostname must be unique among the containers")
    mode = call.parameters.get("InferenceExecutionConfig", {}).get("Mode")
    if mode == "Direct" and len(names) < len(containers):
        raise validation("ContainerHostname is required for each container that is invoked Direct")


def _check_serverless(call: Call, variant: Mapping[str, Any], model: Resource) -> None:
    """What AWS does not take beside a ServerlessConfig."""
    name, config = variant["VariantName"], variant["ServerlessConfig"]
    beside = [one for one in ("InstanceType", "InitialInstanceCount") if variant.get(one)]
    others = ("DataCaptureConfig", "AsyncInferenceConfig", "VpcConfig")
    beside += [one for one in others if call.parameters.get(one)]
    if len(call.parameters["ProductionVariants"]) > 1:
        beside.append("more than one production variant")
    if len(model.request.get("Containers", ())) > 1:
        beside.append("a model of several containers")
    if model.request.get("PrimaryContainer", {}).get("Mode") == "MultiModel":
        beside.append("a container of Mode MultiModel")
    if model.request.get("EnableNetworkIsolation"):
        beside.append("EnableNetworkIsolation")
    if beside:
        raise validation(f"ServerlessConfig of {name} does not go with {', '.join(beside)}")
    if config["MemorySizeInMB"] % 1024:
        raise validation(f"MemorySizeInMB of {name} must be a multiple of 1024")
    if config.get("ProvisionedConcurrency", 0) > config["MaxConcurrency"]:
        raise validation(f"ProvisionedConcurrency of {name} must not be above its MaxConcurrency")


def _check_capture(call: Call) -> None:
    config = call.parameters.get("DataCaptureConfig")
    if config:
        _check_location(config["DestinationS3Uri"])


def _check_asynchronous(call: Call) -> None:
    config = call.parameters.get("AsyncInferenceConfig")
    if not config:
        return
    if len(call.parameters["ProductionVariants"]) > 1:
        raise validation("AsyncInferenceConfig does not go with more than one production variant")
    output = config["OutputConfig"]
    if not output.get("S3OutputPath"):
        raise validation("AsyncInferenceConfig: S3OutputPath is required")
    for member in ("S3OutputPath", "S3FailurePath"):
        if output.get(member):
            _check_location(output[member])


def _check_location(uri: str) -> None:
    try:
        location(uri)
    except DataError as error:
        raise validation(str(error)) from None


async def _model_needs(call: Call) -> Iterable[Need]:
    return [need(call, arn(call, Kind.MODEL, call.parameters["ModelName"]))]


async def _create_model_needs(call: Call) -> Iterable[Need]:
    given = call.parameters
    role = given.get("ExecutionRoleArn", "")
    return creation_needs(call, Kind.MODEL, given["ModelName"], role)


async def _config_needs(call: Call) -> Iterable[Need]:
    name = call.parameters["EndpointConfigName"]
    return [need(call, arn(call, Kind.ENDPOINT_CONFIG, name))]


async def _create_config_needs(call: Call) -> Iterable[Need]:
    return creation_needs(call, Kind.ENDPOINT_CONFIG, call.parameters["EndpointConfigName"])
