"""What is known of endpoints and batch transform jobs beside their requests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

#: The RoutingStrategy by which each request goes to any instance.
RANDOM = "RANDOM"


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """One container of an instance. Its port is on record before it starts."""

    process_id: str
    port: int
    started_at: datetime
    ready: bool = False
    #: How often its forerunners died since one was last ready.
    deaths: int = 0
    #: Not before this; a pause after a death.
    not_before: datetime | None = None
    #: Which instance of its variant it is of, and which of the model's containers it runs.
    instance: int = 0
    container: int = 0
    #: Its turn in a rolling update has not come: it is not started yet.
    held: bool = False


def by_instance(servers: Sequence[Server]) -> tuple[tuple[Server, ...], ...]:
    """Servers by their instance, each in the order of the containers."""
    found: dict[int, list[Server]] = {}
    for server in servers:
        found.setdefault(server.instance, []).append(server)
    return tuple(tuple(sorted(one, key=lambda server: server.container)) for one in found.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """A production variant and what serves it. It keeps its model: that may be deleted."""

    name: str
    weight: float
    instance_type: str
    #: The model's containers, in the order in which a request passes them.
    containers: tuple[Mapping[str, Any], ...]
    role_arn: str
    servers: tuple[Server, ...]
    #: Instances that it has, and what UpdateEndpointWeightsAndCapacities asked for.
    count: int = 1
    desired_count: int = 1
    desired_weight: float = 1.0
    #: A request goes to the one container that it names, instead of through all of them.
    direct: bool = False
    #: Its servers have no network.
    isolated: bool = False
    #: Seconds that a server may take until it answers pings.
    startup_seconds: int = 240
    #: ServerlessConfig; empty for instances that are always there.
    serverless: Mapping[str, Any] = field(default_factory=dict[str, Any])
    #: RoutingStrategy; empty: LEAST_OUTSTANDING_REQUESTS.
    routing: str = ""
    #: It gets copies of requests, and its answers go nowhere.
    shadow: bool = False

    @property
    def multi_model(self) -> bool:
        """Requests name one of the artefacts under the model's prefix."""
        return self.containers[0].get("Mode") == "MultiModel"

    @property
    def caches(self) -> bool:
        """Models of a multi-model container stay loaded when they have answered."""
        config = self.containers[0].get("MultiModelConfig", {})
        return config.get("ModelCacheSetting") != "Disabled"

    @property
    def sleeps(self) -> bool:
        """It has no server while nobody asks it."""
        return bool(self.serverless) and not self.serverless.get("ProvisionedConcurrency")

    @property
    def instances(self) -> tuple[tuple[Server, ...], ...]:
        """Its servers by instance, each in the order of the containers."""
        return by_instance(self.servers)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fleet:
    """All that serves an endpoint by one configuration."""

    config_name: str
    #: Those that answer, then those in their shadow.
    variants: tuple[Variant, ...] = ()
    #: DataCaptureConfig and AsyncInferenceConfig; empty for none.
    capture: Mapping[str, Any] = field(default_factory=dict[str, Any])
    asynchronous: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def production(self) -> tuple[Variant, ...]:
        """The variants that answer requests."""
        return tuple(variant for variant in self.variants if not variant.shadow)

    @property
    def shadows(self) -> tuple[Variant, ...]:
        return tuple(variant for variant in self.variants if variant.shadow)


class Stage(StrEnum):
    """How far an update is; the words are VariantStatus'."""

    CREATING = "Creating"
    BAKING = "Baking"
    DELETING = "Deleting"


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """The bringing up of a fleet: when it began, how far it is, how it goes on."""

    began_at: datetime
    stage: Stage = Stage.CREATING
    stage_at: datetime
    #: Of the requests, what the new fleet gets: 0 to 1.
    share: float = 0.0
    #: DeploymentConfig; empty for all at once.
    policy: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointState:
    """An endpoint as its controller knows it."""

    #: What answers requests; None until it has answered once.
    fleet: Fleet | None = None
    #: What is being brought up, to take over when all of it is ready.
    pending: Fleet | None = None
    deployment: Deployment | None = None
    #: Processes that nothing is sent to any more.
    retired: tuple[str, ...] = ()
    #: What was to be brought up failed, and is being taken down.
    rolling_back: bool = False
    #: DeploymentConfig of the last update; it may be asked for again.
    last_policy: Mapping[str, Any] = field(default_factory=dict[str, Any])
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

    #: The model's containers, in the order in which a record passes them.
    containers: tuple[Mapping[str, Any], ...] = ()
    #: The one container, on records from before there could be several.
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

    @property
    def chain(self) -> tuple[Mapping[str, Any], ...]:
        """Its containers, however they are on record."""
        return self.containers or (self.container,)

    @property
    def instances(self) -> tuple[tuple[Server, ...], ...]:
        """Its servers by instance, each in the order of the containers."""
        return by_instance(self.servers)
