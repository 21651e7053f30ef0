"""Updates: a new fleet comes up beside the old one, and takes its requests over step by step.

Blue/green, all of it comes up first. Rolling, a batch of instances comes up, takes its part of the
requests, and as many of the old ones go, before the next batch.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from flowmaker.sagemaker.lifecycle.hosting import all_ready, processes, with_servers
from flowmaker.sagemaker.records.hosting import Deployment, EndpointState, Fleet, Stage, Variant


def begin(
    state: EndpointState, fleet: Fleet, policy: Mapping[str, Any], now: datetime
) -> EndpointState:
    """A fleet is to be brought up and to take over."""
    deployment = Deployment(began_at=now, stage_at=now, policy=policy)
    if _is_rolling(deployment) and state.fleet is not None:
        fleet = _held(fleet, _step(deployment, fleet))
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
    if deployment.stage is Stage.BAKING and deployment.share < 1 and _is_rolling(deployment):
        return _rolled(state, deployment, now)
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


def _rolled(state: EndpointState, deployment: Deployment, now: datetime) -> EndpointState:
    """As many of the old instances go as new ones came; then the next batch comes up."""
    assert state.fleet is not None, "what rolls takes over from something"
    assert state.pending is not None, "a deployment has a fleet"
    left = _trimmed(state.fleet, 1 - deployment.share)
    gone = tuple(one for one in processes(state.fleet) if one not in set(processes(left)))
    coming = _held(state.pending, deployment.share + _step(deployment, state.pending))
    return replace(
        state,
        fleet=left,
        pending=coming,
        retired=(*state.retired, *gone),
        deployment=replace(deployment, stage=Stage.CREATING, stage_at=now),
    )


def _held(fleet: Fleet, part: float) -> Fleet:
    """The fleet with that part of each variant's instances to be started by now."""
    return with_servers(
        fleet,
        lambda variant: (
            replace(server, held=server.instance >= _count(variant, part))
            for server in variant.servers
        ),
    )


def _trimmed(fleet: Fleet, part: float) -> Fleet:
    """The fleet with that part of each variant's instances, and at least one."""
    return with_servers(
        fleet,
        lambda variant: (
            server for server in variant.servers if server.instance < max(1, _count(variant, part))
        ),
    )


def _count(variant: Variant, part: float) -> int:
    """Instances, rounded up; but for what floating point adds."""
    return math.ceil(variant.count * part - 1e-9)


def _step(deployment: Deployment, fleet: Fleet) -> float:
    """The part of the requests that moves at a time."""
    if _is_rolling(deployment):
        return _fraction(deployment.policy["RollingUpdatePolicy"]["MaximumBatchSize"], fleet)
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
    if deployment.stage is Stage.DELETING:
        seconds = _policy(deployment).get("TerminationWaitInSeconds", 0)
    elif _is_rolling(deployment):
        seconds = _policy(deployment)["WaitIntervalInSeconds"]
    else:
        seconds = _routing(deployment).get("WaitIntervalInSeconds", 0)
    return (deployment.stage_at + timedelta(seconds=seconds) - now).total_seconds()


def _routing(deployment: Deployment) -> Mapping[str, Any]:
    return _policy(deployment).get("TrafficRoutingConfiguration", {})


def _is_rolling(deployment: Deployment) -> bool:
    return "RollingUpdatePolicy" in deployment.policy


def _policy(deployment: Deployment) -> Mapping[str, Any]:
    """The one of the two policies that is given."""
    given = deployment.policy
    return given.get("RollingUpdatePolicy") or given.get("BlueGreenUpdatePolicy", {})


def _overdue(deployment: Deployment, now: datetime) -> bool:
    """The time for all of it is over, unless it is all but done."""
    limit = _policy(deployment).get("MaximumExecutionTimeoutInSeconds")
    late = limit is not None and now - deployment.began_at > timedelta(seconds=limit)
    return late and deployment.stage is not Stage.DELETING
