"""Blue/green updates and scaling, as decisions on what is known."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flowmaker.sagemaker.lifecycle import deployment, hosting
from flowmaker.sagemaker.records.document import decode, encode
from flowmaker.sagemaker.records.hosting import EndpointState, Fleet, Server, Stage, Variant

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def server(process: str, instance: int = 0, *, ready: bool = True) -> Server:
    return Server(process_id=process, port=1, started_at=NOW, ready=ready, instance=instance)


def fleet(config: str, *servers: Server) -> Fleet:
    variant = Variant(
        name="v",
        weight=1,
        instance_type="ml.m5.large",
        containers=({"Image": "i"},),
        role_arn="r",
        servers=servers,
        count=len(servers),
        desired_count=len(servers),
    )
    return Fleet(config_name=config, variants=(variant,))


OLD, NEW = fleet("a", server("old")), fleet("b", server("new"))
SERVING = EndpointState(fleet=OLD)


def routing(kind: str, wait: int, **sizes: Mapping[str, Any]) -> dict[str, Any]:
    traffic = {"Type": kind, "WaitIntervalInSeconds": wait} | sizes
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": traffic}}


def percent(value: int) -> dict[str, Any]:
    return {"Type": "CAPACITY_PERCENT", "Value": value}


def test_a_new_endpoint_serves_when_all_of_it_is_ready() -> None:
    coming = fleet("a", server("1"), server("2", 1, ready=False))
    state = deployment.begin(EndpointState(), coming, {}, NOW)
    assert hosting.status(state) == "Creating"
    assert deployment.advance(state, NOW) == state
    state = deployment.advance(replace(state, pending=OLD), NOW)
    assert (hosting.status(state), state.fleet, state.retired) == ("InService", OLD, ())


def test_a_new_endpoint_that_does_not_come_up_has_failed() -> None:
    state = deployment.begin(EndpointState(), NEW, {}, NOW)
    state = deployment.roll_back(state, "why")
    assert (hosting.status(state), state.failure_reason) == ("Failed", "why")
    assert state.retired == ("new",)


def test_an_update_takes_over_at_once_unless_it_is_told_otherwise() -> None:
    state = deployment.begin(SERVING, NEW, {}, NOW)
    assert hosting.status(state) == "Updating"
    state = deployment.advance(state, NOW)
    assert (hosting.status(state), state.fleet, state.retired) == ("InService", NEW, ("old",))
    assert decode(EndpointState, encode(state)) == state


def test_an_update_that_fails_rolls_back_to_what_there_was() -> None:
    state = deployment.roll_back(deployment.begin(SERVING, NEW, {}, NOW), "why")
    assert (hosting.status(state), state.fleet, state.retired) == ("RollingBack", OLD, ("new",))
    state = replace(state, rolling_back=False)
    assert (hosting.status(state), state.failure_reason) == ("InService", "why")


@pytest.mark.parametrize(
    ("policy", "shares"),
    [
        (routing("ALL_AT_ONCE", 10), [1.0]),
        (routing("CANARY", 10, CanarySize=percent(20)), [0.2, 1.0]),
        (routing("LINEAR", 10, LinearStepSize=percent(40)), [0.4, 0.8, 1.0]),
        (routing("LINEAR", 10, LinearStepSize={"Type": "INSTANCE_COUNT", "Value": 1}), [1.0]),
    ],
)
def test_requests_move_in_the_steps_of_the_policy(policy: Any, shares: list[float]) -> None:
    policy["BlueGreenUpdatePolicy"]["TerminationWaitInSeconds"] = 30
    state = deployment.advance(deployment.begin(SERVING, NEW, policy, NOW), NOW)
    now, seen = NOW, []
    while state.deployment and state.deployment.stage is Stage.BAKING:
        seen.append(pytest.approx(state.deployment.share))
        assert deployment.advance(state, now + timedelta(seconds=9)) == state
        assert deployment.pause(state, now) == 10
        now += timedelta(seconds=10)
        state = deployment.advance(state, now)
    assert seen == shares
    assert state.deployment
    assert state.deployment.stage is Stage.DELETING
    assert hosting.status(state) == "Updating"
    assert (state.fleet, state.retired) == (OLD, ())
    state = deployment.advance(state, now + timedelta(seconds=30))
    assert (state.fleet, state.retired, state.last_policy) == (NEW, ("old",), policy)


def test_an_update_that_takes_too_long_rolls_back() -> None:
    policy = routing("ALL_AT_ONCE", 0)
    policy["BlueGreenUpdatePolicy"]["MaximumExecutionTimeoutInSeconds"] = 600
    coming = fleet("b", server("new", ready=False))
    state = deployment.begin(SERVING, coming, policy, NOW)
    assert deployment.advance(state, NOW + timedelta(seconds=600)) == state
    state = deployment.advance(state, NOW + timedelta(seconds=601))
    assert hosting.status(state) == "RollingBack"
    assert "MaximumExecutionTimeoutInSeconds" in state.failure_reason


ROLLING = {"RollingUpdatePolicy": {"MaximumBatchSize": percent(50), "WaitIntervalInSeconds": 10}}


def ready(fleet: Fleet) -> Fleet:
    """All that is started answers."""
    for one in fleet.variants[0].servers:
        if not one.held:
            fleet = hosting.with_server(fleet, one, replace(one, ready=True))
    return fleet


def test_a_rolling_update_replaces_batch_by_batch() -> None:
    old = fleet("a", server("a0"), server("a1", 1), server("a2", 2), server("a3", 3))
    new = fleet("b", *(server(f"b{one}", one, ready=False) for one in range(4)))
    state = deployment.begin(EndpointState(fleet=old), new, ROLLING, NOW)
    assert state.pending
    assert [one.held for one in state.pending.variants[0].servers] == [False, False, True, True]
    assert deployment.advance(state, NOW) == state
    state = deployment.advance(replace(state, pending=ready(state.pending)), NOW)
    assert state.deployment
    assert (state.deployment.stage, state.deployment.share) == (Stage.BAKING, 0.5)
    later = NOW + timedelta(seconds=10)
    state = deployment.advance(state, later)
    assert state.retired == ("a2", "a3")
    assert state.pending
    assert not any(one.held for one in state.pending.variants[0].servers)
    back = deployment.roll_back(state, "why")
    assert back.fleet
    assert list(hosting.missing(back.fleet.variants[0])) == [2, 3]
    state = deployment.advance(replace(state, pending=ready(state.pending)), later)
    assert hosting.status(state) == "Updating"
    state = deployment.advance(state, later + timedelta(seconds=10))
    assert hosting.status(state) == "InService"
    assert state.retired == ("a2", "a3", "a0", "a1")
    assert state.fleet
    assert state.fleet.config_name == "b"


def rescaled(count: int, weight: float = 1.0) -> EndpointState:
    variant = hosting.rescale(
        OLD.variants[0],
        lambda instance, _: server(f"added-{instance}", instance, ready=False),
        count=count,
        weight=weight,
    )
    return EndpointState(fleet=replace(OLD, variants=(variant,)))


def test_a_fleet_grows_when_what_was_added_is_ready() -> None:
    state = rescaled(3, weight=2.0)
    assert state.fleet
    assert hosting.status(state) == "Updating"
    assert hosting.scaled(state) == state
    for one in state.fleet.variants[0].servers:
        fleet = hosting.with_server(state.fleet, one, replace(one, ready=True))
        state = replace(state, fleet=fleet)
    state = hosting.scaled(state)
    assert state.fleet
    assert hosting.status(state) == "InService"
    (variant,) = state.fleet.variants
    assert (variant.count, variant.weight, len(variant.instances)) == (3, 2.0, 3)


def test_a_fleet_that_cannot_grow_stays_as_it_was() -> None:
    state = hosting.unscaled(rescaled(2, weight=2.0), "why")
    assert (state.fleet, state.retired) == (OLD, ("added-1",))
    assert (hosting.status(state), state.failure_reason) == ("RollingBack", "why")


def test_a_fleet_shrinks_by_its_last_instances() -> None:
    large = fleet("a", server("0"), server("1", 1), server("2", 2))
    variant = hosting.rescale(large.variants[0], lambda *_: server("never"), count=1)
    state = hosting.scaled(EndpointState(fleet=replace(large, variants=(variant,))))
    assert state.retired == ("1", "2")
    assert state.fleet
    assert state.fleet.variants[0].servers == (server("0"),)
