"""CreateModel, DescribeModel, DeleteModel; and the same of endpoint configurations."""

from collections.abc import Iterable, Mapping
from typing import Any

from flowmaker.aws.errors import validation
from flowmaker.aws.service import Call, Need, Operation
from flowmaker.sagemaker.api import members
from flowmaker.sagemaker.api.desk import Desk, already, arn, creation_needs, need
from flowmaker.sagemaker.api.images import known
from flowmaker.sagemaker.container.storage import DataError, location
from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.repository import resources

MOST_INSTANCES = 20


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
        container = _container(call)
        known(container.get("Image", ""))
        if container.get("Mode", "SingleModel") != "SingleModel":
            members.refuse(call, "Mode", container["Mode"], "SingleModel works")
        if url := container.get("ModelDataUrl"):
            try:
                location(url)
            except DataError as error:
                raise validation(str(error)) from None
        if not given.get("ExecutionRoleArn"):
            raise validation("ExecutionRoleArn is required")
        await self._desk.assume(given["ExecutionRoleArn"])
        model = self._desk.draft(call, Kind.MODEL, given["ModelName"])
        await self._desk.create(call, model, already(Kind.MODEL, model.arn))
        return {"ModelArn": model.arn}

    async def describe(self, call: Call) -> Mapping[str, Any]:
        model = await self._desk.existing(call, Kind.MODEL, call.parameters["ModelName"])
        echoed = {
            name: model.request[name]
            for name in ("PrimaryContainer", "Containers", "ExecutionRoleArn", "VpcConfig")
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
        names = [variant["VariantName"] for variant in variants]
        if len(set(names)) < len(names):
            raise validation("Variant names in ProductionVariants must be unique")
        for variant in variants:
            await self._check_variant(call, variant)
        if not sum(_weight(variant) for variant in variants):
            raise validation("At least one variant's InitialVariantWeight must be above zero")
        config = self._desk.draft(call, Kind.ENDPOINT_CONFIG, call.parameters["EndpointConfigName"])
        await self._desk.create(call, config, already(Kind.ENDPOINT_CONFIG, config.arn))
        return {"EndpointConfigArn": config.arn}

    async def describe(self, call: Call) -> Mapping[str, Any]:
        config = await self._existing(call)
        echoed = {
            name: config.request[name]
            for name in ("KmsKeyId", "VpcConfig")
            if config.request.get(name)
        }
        return echoed | {
            "EndpointConfigName": config.name,
            "EndpointConfigArn": config.arn,
            "ProductionVariants": [
                {"InitialVariantWeight": 1.0} | variant
                for variant in config.request["ProductionVariants"]
            ],
            "CreationTime": config.created_at,
            "EnableNetworkIsolation": False,
        }

    async def delete(self, call: Call) -> None:
        await self._desk.database.write(resources.delete, await self._existing(call))

    async def _existing(self, call: Call) -> Resource:
        name = call.parameters["EndpointConfigName"]
        return await self._desk.existing(call, Kind.ENDPOINT_CONFIG, name)

    async def _check_variant(self, call: Call, variant: Mapping[str, Any]) -> None:
        name = variant["VariantName"]
        for required in ("ModelName", "InstanceType", "InitialInstanceCount"):
            if not variant.get(required):
                raise validation(f"{required} is required for the production variant {name}")
        if variant["InitialInstanceCount"] > MOST_INSTANCES:
            members.refuse(
                call,
                "InitialInstanceCount",
                variant["InitialInstanceCount"],
                f"1 to {MOST_INSTANCES} instances work",
            )
        if _weight(variant) < 0:
            raise validation(f"InitialVariantWeight of {name} must not be negative")
        await self._desk.existing(call, Kind.MODEL, variant["ModelName"])


def _weight(variant: Mapping[str, Any]) -> float:
    return float(variant.get("InitialVariantWeight", 1.0))


def _container(call: Call) -> Mapping[str, Any]:
    """The model's one container."""
    given = call.parameters
    containers = given.get("Containers") or ()
    if given.get("PrimaryContainer") and containers:
        raise validation("Give either PrimaryContainer or Containers, not both")
    if len(containers) > 1:
        members.refuse(call, "Containers", f"of {len(containers)} containers", "one works")
    container = given.get("PrimaryContainer") or (containers[0] if containers else None)
    if container is None:
        raise validation("PrimaryContainer is required")
    return container


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
