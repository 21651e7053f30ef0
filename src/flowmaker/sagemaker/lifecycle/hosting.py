"""Decisions on model servers and the endpoints that they make."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from flowmaker.sagemaker.records.hosting import EndpointState, Fleet, Server, Variant

#: A server that dies again is started again after twice the pause, up to the longest.
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
#: A new endpoint's server that dies as often will not come up.
MOST_DEATHS = 3


class Move(StrEnum):
    """What to do about one server."""

    START = "start"
    WAIT = "wait"
    PING = "ping"
    REPLACE = "replace"
    GIVE_UP = "give up"
    NONE = "none"


def move(
    server: Server, *, absent: bool, running: bool, startup: float, now: datetime, new: bool
) -> Move:
    """What to do about a server, by what is seen of its process.

    `new`: it belongs to something that has never answered, and may be given up.
    """
    if absent:
        late = server.not_before is None or now >= server.not_before
        return Move.START if late else Move.WAIT
    if not running:
        return Move.GIVE_UP if new and server.deaths + 1 >= MOST_DEATHS else Move.REPLACE
    if server.ready:
        return Move.NONE
    if now - server.started_at > timedelta(seconds=startup):
        return Move.GIVE_UP if new else Move.REPLACE
    return Move.PING


def successor(dead: Server, process_id: str, port: int, now: datetime) -> Server:
    """What takes the place of a server that died, after a pause."""
    pause = min(FIRST_PAUSE * 2**dead.deaths, LONGEST_PAUSE)
    begin = now + timedelta(seconds=pause)
    return replace(
        dead,
        process_id=process_id,
        port=port,
        started_at=begin,
        ready=False,
        deaths=dead.deaths + 1,
        not_before=begin,
    )


def container_name(containers: Sequence[Mapping[str, Any]], server: Server) -> str:
    """What AWS calls the container in its messages, of those that a request passes."""
    named = containers[server.container].get("ContainerHostname")
    if named:
        return named
    return "primary" if len(containers) == 1 else f"container_{server.container + 1}"


def status(state: EndpointState) -> str:
    """EndpointStatus."""
    if state.delete_requested:
        return "Deleting"
    if state.fleet is None:
        return "Creating" if state.pending else "Failed"
    if state.pending or is_scaling(state.fleet):
        return "Updating"
    return "RollingBack" if state.rolling_back else "InService"


def processes(fleet: Fleet | None) -> tuple[str, ...]:
    variants = fleet.variants if fleet else ()
    return tuple(server.process_id for variant in variants for server in variant.servers)


def all_ready(fleet: Fleet) -> bool:
    return all(server.ready or server.held for one in fleet.variants for server in one.servers)


def with_server(fleet: Fleet, old: Server, new: Server) -> Fleet:
    """The fleet with one server instead of another."""
    return with_servers(fleet, lambda one: (new if each == old else each for each in one.servers))


def with_servers(fleet: Fleet, servers: Callable[[Variant], Iterable[Server]]) -> Fleet:
    """The fleet with what `servers` gives for each variant."""
    variants = tuple(replace(one, servers=tuple(servers(one))) for one in fleet.variants)
    return replace(fleet, variants=variants)


# --- UpdateEndpointWeightsAndCapacities ---

#: Makes a server that is to be started, of an instance and a container.
NewServer = Callable[[int, int], Server]


def is_scaling(fleet: Fleet) -> bool:
    return any(
        variant.count != variant.desired_count or variant.weight != variant.desired_weight
        for variant in fleet.variants
    )


def missing(variant: Variant) -> range:
    """Its instances that there are none of any more, after a rolling update that failed."""
    there = {server.instance for server in variant.servers}
    return range(len(there) if not variant.serverless else variant.count, variant.count)


def is_new(variant: Variant, server: Server) -> bool:
    """It was added, and the variant has not grown by it yet."""
    return server.instance >= variant.count


def rescale(
    variant: Variant, new: NewServer, *, count: int | None = None, weight: float | None = None
) -> Variant:
    """The variant with what is now desired of it, and the servers that this needs."""
    count = variant.desired_count if count is None else count
    added = range(variant.count, count)
    containers = range(len(variant.containers))
    return replace(
        variant,
        desired_count=count,
        desired_weight=variant.desired_weight if weight is None else weight,
        servers=variant.servers + tuple(new(one, which) for one in added for which in containers),
    )


def scaled(state: EndpointState) -> EndpointState:
    """Once all of its servers are ready, the fleet is as large and weighs as was desired."""
    fleet = state.fleet
    if fleet is None or not is_scaling(fleet) or not all_ready(fleet):
        return state
    desired = [(one.desired_count, one.desired_weight) for one in fleet.variants]
    return _fitted(state, fleet, desired)


def unscaled(state: EndpointState, reason: str) -> EndpointState:
    """What was to be added does not come up: the fleet stays as it was."""
    assert state.fleet is not None, "only what serves is scaled"
    fitted = _fitted(state, state.fleet, [(one.count, one.weight) for one in state.fleet.variants])
    return replace(fitted, rolling_back=True, failure_reason=reason[:1024])


def _fitted(
    state: EndpointState, fleet: Fleet, sizes: Iterable[tuple[int, float]]
) -> EndpointState:
    """Each variant with its count and weight; the servers beyond them are retired."""
    variants = tuple(
        replace(
            variant,
            count=count,
            desired_count=count,
            weight=weight,
            desired_weight=weight,
            servers=tuple(one for one in variant.servers if one.instance < count),
        )
        for variant, (count, weight) in zip(fleet.variants, sizes, strict=True)
    )
    fitted = replace(fleet, variants=variants)
    gone = _without(processes(fleet), processes(fitted))
    return replace(state, fleet=fitted, retired=(*state.retired, *gone))


def _without(some: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    return tuple(one for one in some if one not in set(others))
