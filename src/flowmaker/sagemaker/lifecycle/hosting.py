"""Decisions on model servers and the endpoints that they make."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from flowmaker.sagemaker.records.hosting import EndpointState, Server, Variant

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
    return Server(
        process_id=process_id,
        port=port,
        started_at=begin,
        deaths=dead.deaths + 1,
        not_before=begin,
    )


def status(state: EndpointState) -> str:
    """EndpointStatus."""
    if state.delete_requested:
        return "Deleting"
    if state.pending:
        return "Updating" if state.variants else "Creating"
    return "InService" if state.variants else "Failed"


def processes(variants: Sequence[Variant]) -> tuple[str, ...]:
    return tuple(server.process_id for variant in variants for server in variant.servers)


def all_ready(variants: Sequence[Variant]) -> bool:
    return all(server.ready for variant in variants for server in variant.servers)


def promote(state: EndpointState) -> EndpointState:
    """What was brought up takes over; what it replaces is retired."""
    return replace(
        state,
        config_name=state.pending_config_name,
        variants=state.pending,
        pending=(),
        pending_config_name="",
        retired=(*state.retired, *processes(state.variants)),
        failure_reason="",
    )


def give_up(state: EndpointState, reason: str) -> EndpointState:
    """What was to be brought up will not; what there was before goes on."""
    return replace(
        state,
        pending=(),
        pending_config_name="",
        retired=(*state.retired, *processes(state.pending)),
        failure_reason=reason[:1024],
    )


def with_server(variants: Sequence[Variant], old: Server, new: Server) -> tuple[Variant, ...]:
    """The variants with one server instead of another."""
    return tuple(
        replace(
            variant,
            servers=tuple(new if one == old else one for one in variant.servers),
        )
        for variant in variants
    )
