"""Blue/green: a new fleet comes up beside the old one, and takes its requests over step by step."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from flowmaker.sagemaker.lifecycle.hosting import all_ready, processes
from flowmaker.sagemaker.records.hosting import Deployment, EndpointState, Fleet, Stage


def begin(
    state: EndpointState, fleet: Fleet, policy: Mapping[str, Any], now: datetime
) -> EndpointState:
    """A fleet is to be brought up and to take over."""
    deployment = Deployment(began_at=now, stage_at=now, policy=policy)
    return replace(
        state, pending=fleet, deployment=deployment, failure_reason="", rolling_back=False
    )


def advance(state: EndpointState, now: datetime) -> EndpointState:
    """One step of the deployment, if it is time for one."""
    pending, deployment = state.pending, state.deployment
    if pending is None or deployment is None:
        return state
    if _overdue(deployment, now):
        return roll_back(state, "The deployment exceeded its MaximumExecutionTimeoutInSeconds.")
    creating = deployment.stage is Stage.CREATING
    if not all_ready(pending) if creating else _pause(deployment, now) > 0:
        return state
    return _next(state, deployment, now)


def _next(state: EndpointState, deployment: Deployment, now: datetime) -> EndpointState:
    """The stage has done its work."""
    if deployment.stage is Stage.DELETING or state.fleet is None:
        return promote(state)
    if deployment.share < 1:
        return _shifted(state, deployment, now)
    moved = replace(deployment, stage=Stage.DELETING, stage_at=now)
    return advance(replace(state, deployment=moved), now)


def pause(state: EndpointState, now: datetime) -> float | None:
    """Seconds until the next step of the deployment, or None when it waits for its servers."""
    deployment = state.deployment
    if deployment is None or deployment.stage is Stage.CREATING:
        return None
    return _pause(deployment, now)


def promote(state: EndpointState) -> EndpointState:
    """What was brought up takes over; what it replaces is retired."""
    assert state.deployment is not None, "what is promoted was deployed"
    return replace(
        state,
        fleet=state.pending,
        pending=None,
        deployment=None,
        retired=(*state.retired, *processes(state.fleet)),
        last_policy=state.deployment.policy or state.last_policy,
        failure_reason="",
    )


def roll_back(state: EndpointState, reason: str) -> EndpointState:
    """What was to be brought up will not; what there was before answers everything again."""
    return replace(
        state,
        pending=None,
        deployment=None,
        retired=(*state.retired, *processes(state.pending)),
        rolling_back=state.fleet is not None,
        failure_reason=reason[:1024],
    )


def _shifted(state: EndpointState, deployment: Deployment, now: datetime) -> EndpointState:
    """More of the requests go to the new fleet; then it is watched for a while."""
    assert state.pending is not None, "a deployment has a fleet"
    share = min(1.0, deployment.share + _step(deployment, state.pending))
    moved = replace(deployment, stage=Stage.BAKING, stage_at=now, share=share)
    return advance(replace(state, deployment=moved), now)


def _step(deployment: Deployment, fleet: Fleet) -> float:
    """The part of the requests that moves at a time."""
    routing = _routing(deployment)
    kind = routing.get("Type", "ALL_AT_ONCE")
    if kind == "LINEAR":
        return _fraction(routing["LinearStepSize"], fleet)
    if kind == "CANARY" and not deployment.share:
        return _fraction(routing["CanarySize"], fleet)
    return 1.0


def _fraction(size: Mapping[str, Any], fleet: Fleet) -> float:
    """A CapacitySize as a part of the fleet's instances; of all when it is larger."""
    if size["Type"] == "CAPACITY_PERCENT":
        return min(1.0, size["Value"] / 100)
    instances = sum(variant.count for variant in fleet.variants)
    return min(1.0, size["Value"] / max(1, instances))


def _pause(deployment: Deployment, now: datetime) -> float:
    """Seconds that the stage still lasts."""
    blue_green = deployment.policy.get("BlueGreenUpdatePolicy", {})
    if deployment.stage is Stage.DELETING:
        seconds = blue_green.get("TerminationWaitInSeconds", 0)
    else:
        seconds = _routing(deployment).get("WaitIntervalInSeconds", 0)
    return (deployment.stage_at + timedelta(seconds=seconds) - now).total_seconds()


def _routing(deployment: Deployment) -> Mapping[str, Any]:
    blue_green: Mapping[str, Any] = deployment.policy.get("BlueGreenUpdatePolicy", {})
    return blue_green.get("TrafficRoutingConfiguration", {})


def _overdue(deployment: Deployment, now: datetime) -> bool:
    """The time for all of it is over, unless it is all but done."""
    blue_green = deployment.policy.get("BlueGreenUpdatePolicy", {})
    limit = blue_green.get("MaximumExecutionTimeoutInSeconds")
    late = limit is not None and now - deployment.began_at > timedelta(seconds=limit)
    return late and deployment.stage is not Stage.DELETING
