"""CreateEndpoint, UpdateEndpoint, DescribeEndpoint, DeleteEndpoint."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from flowmaker import ids
from flowmaker.aws.errors import validation
from flowmaker.aws.service import Call, Need, Operation
from flowmaker.sagemaker.api import members
from flowmaker.sagemaker.api.desk import Desk, already, arn, creation_needs, need
from flowmaker.sagemaker.lifecycle import hosting as lifecycle
from flowmaker.sagemaker.records.document import decode, encode
from flowmaker.sagemaker.records.hosting import EndpointState, Server, Variant
from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.repository import resources

Change = Callable[[EndpointState], EndpointState]


class Endpoints:
    """The operations on endpoints."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateEndpoint": Operation(handler=self.create, needs=_create_needs),
            "UpdateEndpoint": Operation(handler=self.update, needs=_update_needs),
            "DescribeEndpoint": Operation(handler=self.describe, needs=_needs),
            "DeleteEndpoint": Operation(handler=self.delete, needs=_needs),
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        members.check(call)
        given = call.parameters
        draft = self._desk.draft(call, Kind.ENDPOINT, given["EndpointName"])
        config_name = given["EndpointConfigName"]
        state = EndpointState(
            config_name=config_name,
            pending=await self._variants(call, draft.id),
            pending_config_name=config_name,
        )
        endpoint = replace(draft, status=lifecycle.status(state), state=encode(state), open=True)
        await self._desk.create(call, endpoint, already(Kind.ENDPOINT, endpoint.arn))
        self._desk.hints.hint("endpoint", endpoint.id)
        return {"EndpointArn": endpoint.arn}

    async def update(self, call: Call) -> Mapping[str, Any]:
        members.check(call)
        endpoint = await self._existing(call)
        if endpoint.status != "InService":
            raise validation(
                f'Cannot update endpoint "{endpoint.arn}": its status is {endpoint.status}.'
            )
        variants = await self._variants(call, endpoint.id)
        name = call.parameters["EndpointConfigName"]

        def change(state: EndpointState) -> EndpointState:
            return replace(state, pending=variants, pending_config_name=name, failure_reason="")

        await self._change(call, change)
        return {"EndpointArn": endpoint.arn}

    async def describe(self, call: Call) -> Mapping[str, Any]:
        endpoint = await self._existing(call)
        state = decode(EndpointState, endpoint.state)
        answer: dict[str, Any] = {
            "EndpointName": endpoint.name,
            "EndpointArn": endpoint.arn,
            "EndpointConfigName": state.config_name,
            "EndpointStatus": endpoint.status,
            "CreationTime": endpoint.created_at,
            "LastModifiedTime": endpoint.modified_at,
        }
        if state.variants:
            answer["ProductionVariants"] = [_summary(variant) for variant in state.variants]
        if state.failure_reason:
            answer["FailureReason"] = state.failure_reason
        return answer

    async def delete(self, call: Call) -> None:
        def change(state: EndpointState) -> EndpointState:
            return replace(state, delete_requested=True)

        await self._change(call, change)

    async def _existing(self, call: Call) -> Resource:
        return await self._desk.existing(call, Kind.ENDPOINT, call.parameters["EndpointName"])

    async def _change(self, call: Call, change: Change) -> None:
        """Record what is wanted now, whatever the controller writes meanwhile."""
        saved = False
        while not saved:
            endpoint = await self._existing(call)
            state = change(decode(EndpointState, endpoint.state))
            changed = replace(
                endpoint,
                status=lifecycle.status(state),
                state=encode(state),
                open=True,
                modified_at=self._desk.clock.now(),
            )
            saved = await self._desk.database.write(resources.save, changed)
            self._desk.hints.hint("endpoint", endpoint.id)

    async def _variants(self, call: Call, owner: str) -> tuple[Variant, ...]:
        """The configuration's variants with their models as they are now."""
        config = await self._desk.existing(
            call, Kind.ENDPOINT_CONFIG, call.parameters["EndpointConfigName"]
        )
        variants: list[Variant] = []
        for one in config.request["ProductionVariants"]:
            model = await self._desk.existing(call, Kind.MODEL, one["ModelName"])
            variants.append(self._variant(owner, one, model))
        return tuple(variants)

    def _variant(self, owner: str, one: Mapping[str, Any], model: Resource) -> Variant:
        now = self._desk.clock.now()
        servers = tuple(
            Server(process_id=f"endpoint-{owner}-{ids.token(8).lower()}", port=0, started_at=now)
            for _ in range(one["InitialInstanceCount"])
        )
        return Variant(
            name=one["VariantName"],
            weight=float(one.get("InitialVariantWeight", 1.0)),
            instance_type=one["InstanceType"],
            container=container_of(model),
            role_arn=model.request["ExecutionRoleArn"],
            servers=servers,
            isolated=is_isolated(model),
            startup_seconds=one.get("ContainerStartupHealthCheckTimeoutInSeconds", 240),
        )


def container_of(model: Resource) -> Mapping[str, Any]:
    """A model's one container."""
    return model.request.get("PrimaryContainer") or model.request["Containers"][0]


def is_isolated(model: Resource) -> bool:
    """Whether what serves it has no network."""
    return model.request.get("EnableNetworkIsolation", False)


def _summary(variant: Variant) -> dict[str, Any]:
    return {
        "VariantName": variant.name,
        "DeployedImages": [
            {
                "SpecifiedImage": variant.container["Image"],
                "ResolvedImage": variant.container["Image"],
            }
        ],
        "CurrentWeight": variant.weight,
        "DesiredWeight": variant.weight,
        "CurrentInstanceCount": len(variant.servers),
        "DesiredInstanceCount": len(variant.servers),
    }


async def _needs(call: Call) -> Iterable[Need]:
    return [need(call, arn(call, Kind.ENDPOINT, call.parameters["EndpointName"]))]


async def _create_needs(call: Call) -> Iterable[Need]:
    given = call.parameters
    config = arn(call, Kind.ENDPOINT_CONFIG, given["EndpointConfigName"])
    return [*creation_needs(call, Kind.ENDPOINT, given["EndpointName"]), need(call, config)]


async def _update_needs(call: Call) -> Iterable[Need]:
    given = call.parameters
    config = arn(call, Kind.ENDPOINT_CONFIG, given["EndpointConfigName"])
    return [need(call, arn(call, Kind.ENDPOINT, given["EndpointName"])), need(call, config)]
