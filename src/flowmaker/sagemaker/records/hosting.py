"""What is known of endpoints and batch transform jobs beside their requests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """One instance of a model server. Its port is on record before it starts."""

    process_id: str
    port: int
    started_at: datetime
    ready: bool = False
    #: How often its forerunners died since one was last ready.
    deaths: int = 0
    #: Not before this; a pause after a death.
    not_before: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """A production variant and what serves it. It keeps its model: that may be deleted."""

    name: str
    weight: float
    instance_type: str
    container: Mapping[str, Any]
    role_arn: str
    servers: tuple[Server, ...]
    #: Its servers have no network.
    isolated: bool = False
    #: Seconds that a server may take until it answers pings.
    startup_seconds: int = 240


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointState:
    """An endpoint as its controller knows it."""

    config_name: str
    #: What answers requests.
    variants: tuple[Variant, ...] = ()
    #: What is being brought up, to take over when all of it is ready.
    pending: tuple[Variant, ...] = ()
    pending_config_name: str = ""
    #: Processes that nothing is sent to any more.
    retired: tuple[str, ...] = ()
    failure_reason: str = ""
    delete_requested: bool = False


class TransformPhase(StrEnum):
    """What the controller does for a batch transform job now."""

    STARTING = "Starting"
    TRANSFORMING = "Transforming"
    DONE = "Done"


@dataclass(frozen=True, kw_only=True, slots=True)
class TransformState:
    """A batch transform job as its controller knows it."""

    container: Mapping[str, Any] = field(default_factory=dict[str, Any])
    role_arn: str = ""
    #: Its servers have no network.
    isolated: bool = False
    phase: TransformPhase = TransformPhase.STARTING
    servers: tuple[Server, ...] = ()
    started_at: datetime | None = None
    ended_at: datetime | None = None
    stop_requested: bool = False
    failure_reason: str = ""
    #: `Completed`, `Failed` or `Stopped` once that is certain.
    ending: str = ""
