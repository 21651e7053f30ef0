"""The operations on endpoints: they say what is wanted, and what is."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from flowmaker.aws.errors import validation
from flowmaker.aws.service import Call, Need, Operation
from flowmaker.sagemaker.api import members
from flowmaker.sagemaker.api.desk import Desk, already, arn, creation_needs, need
from flowmaker.sagemaker.api.endpoint_answers import described
from flowmaker.sagemaker.api.fleets import Fleets
from flowmaker.sagemaker.api.models import MOST_INSTANCES
from flowmaker.sagemaker.lifecycle import deployment
from flowmaker.sagemaker.lifecycle import hosting as lifecycle
from flowmaker.sagemaker.records.document import decode, encode
from flowmaker.sagemaker.records.hosting import EndpointState, Fleet, Variant
from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.repository import resources
from flowmaker.store.database import Transaction

Change = Callable[[Resource, EndpointState], EndpointState]
IN_PROGRESS = {"Creating", "Updating", "RollingBack", "Deleting"}


class Endpoints:
    """The operations on endpoints."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._fleets = Fleets(desk)

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateEndpoint": Operation(handler=self.create, needs=_create_needs),
            "UpdateEndpoint": Operation(handler=self.update, needs=_update_needs),
            "UpdateEndpointWeightsAndCapacities": Operation(handler=self.rescale, needs=_needs),
            "DescribeEndpoint": Operation(handler=self.describe, needs=_needs),
            "DeleteEndpoint": Operation(handler=self.delete, needs=_needs),
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        members.check(call)
        given = call.parameters
        _check_deployment(call)
        draft = self._desk.draft(call, Kind.ENDPOINT, given["EndpointName"])
        fleet = await self._fleets.of(call, draft.id)
        policy = given.get("DeploymentConfig", {})
        state = deployment.begin(EndpointState(), fleet, policy, draft.created_at)
        endpoint = replace(draft, status=lifecycle.status(state), state=encode(state), open=True)
        await self._desk.create(call, endpoint, already(Kind.ENDPOINT, endpoint.arn))
        self._desk.hints.hint("endpoint", endpoint.id)
        return {"EndpointArn": endpoint.arn}

    async def update(self, call: Call) -> Mapping[str, Any]:
        members.check(call)
        _check_deployment(call)
        given = call.parameters
        fleet = await self._fleets.of(call, (await self._existing(call)).id)

        def change(endpoint: Resource, state: EndpointState) -> EndpointState:
            current = _serving(endpoint, state)
            wanted = self._fleets.retaining(call, endpoint.id, fleet, current)
            policy: Mapping[str, Any] = given.get("DeploymentConfig", {})
            if given.get("RetainDeploymentConfig"):
                policy = policy or state.last_policy
            return deployment.begin(state, wanted, policy, self._desk.clock.now())

        return {"EndpointArn": await self._change(call, change)}

    async def rescale(self, call: Call) -> Mapping[str, Any]:
        members.check(call)
        wanted = {one["VariantName"]: one for one in call.parameters["DesiredWeightsAndCapacities"]}

        def change(endpoint: Resource, state: EndpointState) -> EndpointState:
            fleet = _serving(endpoint, state)
            unknown = sorted(wanted.keys() - {variant.name for variant in fleet.variants})
            if unknown:
                raise validation(
                    f'The endpoint "{endpoint.arn}" has no variant {", ".join(unknown)}.'
                )
            variants = tuple(
                self._rescaled(call, endpoint, variant, wanted.get(variant.name, {}))
                for variant in fleet.variants
            )
            if not any(one.desired_weight for one in variants if not one.shadow):
                raise validation("At least one variant's DesiredWeight must be above zero")
            return replace(state, fleet=replace(fleet, variants=variants), failure_reason="")

        return {"EndpointArn": await self._change(call, change)}

    def _rescaled(
        self, call: Call, endpoint: Resource, variant: Variant, wanted: Mapping[str, Any]
    ) -> Variant:
        count = wanted.get("DesiredInstanceCount")
        if update := wanted.get("ServerlessUpdateConfig"):
            if not variant.serverless:
                raise validation(f"ServerlessUpdateConfig: {variant.name} is not serverless")
            variant = replace(variant, serverless={**variant.serverless, **update})
            _check_concurrency(variant)
        if count is None:
            return replace(
                variant, desired_weight=float(wanted.get("DesiredWeight", variant.weight))
            )
        if variant.serverless:
            raise validation(f"DesiredInstanceCount: {variant.name} is serverless")
        if not 1 <= count <= MOST_INSTANCES:
            why = f"1 to {MOST_INSTANCES} instances work"
            members.refuse(call, "DesiredInstanceCount", count, why)
        weight = float(wanted.get("DesiredWeight", variant.weight))
        return lifecycle.rescale(variant, self._fleets.new(endpoint.id), count=count, weight=weight)

    async def describe(self, call: Call) -> Mapping[str, Any]:
        return described(await self._existing(call))

    async def delete(self, call: Call) -> None:
        def change(endpoint: Resource, state: EndpointState) -> EndpointState:
            _not_in_progress(endpoint)
            return replace(state, delete_requested=True)

        await self._change(call, change)

    async def _existing(self, call: Call) -> Resource:
        return await self._desk.existing(call, Kind.ENDPOINT, call.parameters["EndpointName"])

    async def _change(self, call: Call, change: Change) -> str:
        """Record what is wanted now, whatever the controller writes meanwhile. The ARN."""
        while True:
            endpoint = await self._existing(call)
            state = change(endpoint, decode(EndpointState, endpoint.state))
            changed = replace(
                endpoint,
                status=lifecycle.status(state),
                state=encode(state),
                open=True,
                modified_at=self._desk.clock.now(),
            )
            if await self._desk.database.write(self._save, endpoint, changed):
                for topic in ("endpoint_changed", "endpoint"):
                    self._desk.hints.hint(topic, endpoint.id)
                return endpoint.arn

    def _save(self, tx: Transaction, before: Resource, after: Resource) -> bool:
        self._desk.quotas.check(tx, after, before)
        return resources.save(tx, after)


def _serving(endpoint: Resource, state: EndpointState) -> Fleet:
    """What serves, of an endpoint that may be changed now."""
    _not_in_progress(endpoint)
    if state.fleet is None:
        raise validation(
            f'Cannot update endpoint "{endpoint.arn}": its status is {endpoint.status}. Delete it, '
            "and create it anew."
        )
    return state.fleet


def _not_in_progress(endpoint: Resource) -> None:
    if endpoint.status in IN_PROGRESS:
        raise validation(f'Cannot update in-progress endpoint "{endpoint.arn}".')


def _check_deployment(call: Call) -> None:
    """Sizes are there where the kind of traffic routing needs them, and within AWS's bounds."""
    config = call.parameters.get("DeploymentConfig", {})
    if "RollingUpdatePolicy" in config:
        if "BlueGreenUpdatePolicy" in config:
            raise validation("Give either BlueGreenUpdatePolicy or RollingUpdatePolicy, not both")
        _check_size("MaximumBatchSize", config["RollingUpdatePolicy"]["MaximumBatchSize"], 5, 50)
        return
    routing = config.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {})
    sizes = {"CANARY": "CanarySize", "LINEAR": "LinearStepSize"}
    member = sizes.get(routing.get("Type", ""))
    for given in sizes.values():
        if given != member and given in routing:
            raise validation(f"{given} does not go with the traffic routing {routing['Type']}")
    if member is None:
        return
    if member not in routing:
        raise validation(f"{member} is required for the traffic routing {routing['Type']}")
    _check_size(member, routing[member], 1 if member == "CanarySize" else 10, 50)


def _check_size(member: str, size: Mapping[str, Any], least: int, most: int) -> None:
    if size["Type"] == "CAPACITY_PERCENT" and not least <= size["Value"] <= most:
        raise validation(f"{member} must be {least} to {most} percent of the capacity")


def _check_concurrency(variant: Variant) -> None:
    config = variant.serverless
    if config.get("ProvisionedConcurrency", 0) > config["MaxConcurrency"]:
        raise validation(
            f"ProvisionedConcurrency of {variant.name} must not be above its MaxConcurrency"
        )


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
