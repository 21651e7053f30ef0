"""What the controllers need of the rest of the house, handed in so that they need not know it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flowmaker.errors import Unsupported
from flowmaker.executors.machine import capacity
from flowmaker.executors.room import Room
from flowmaker.pipelines.driver.job import Job, pipeline_root, utc
from flowmaker.pipelines.ir.graph import Graph
from flowmaker.pipelines.records.run import Run


async def no_effects(outputs: Mapping[str, Any]) -> Mapping[str, str]:
    """Nothing is known of what is outside."""
    del outputs
    return {}


async def no_claim(namespace: str, name: str) -> Path | None:
    """There are none."""
    del namespace, name


async def no_making(namespace: str, name: str, manifest: Mapping[str, Any], task_id: str) -> None:
    """There is nowhere to make it."""
    del namespace, manifest, task_id
    raise Unsupported(f"PersistentVolumeClaim {name!r} cannot be made here")


async def no_removal(namespace: str, name: str, remover: str) -> bool:
    """There are none."""
    del namespace, name, remover
    return False


async def no_claims() -> Sequence[tuple[str, str]]:
    """There are none."""
    return ()


async def no_config_map(namespace: str, name: str) -> Mapping[str, bytes] | None:
    """There are none."""
    del namespace, name


async def nowhere(kind: str, name: str) -> Sequence[str]:
    """There are none."""
    del kind, name
    return ()


@dataclass(frozen=True, kw_only=True, slots=True)
class RunSettings:
    """How runs are executed on this server."""

    #: The variables that give a task the worker node's role, and where AWS is: by the task's id.
    worker_environment: Callable[[str], Awaitable[Mapping[str, str]]]
    #: A secret's data by namespace and name; None when there is none.
    secret: Callable[[str, str], Awaitable[Mapping[str, bytes] | None]]
    #: A config map's data, likewise.
    config_map: Callable[[str, str], Awaitable[Mapping[str, bytes] | None]] = no_config_map
    #: The folder of a persistent volume claim by namespace and name; None when there is none.
    claim: Callable[[str, str], Awaitable[Path | None]] = no_claim
    #: Make a claim, from its namespace, name and manifest, for a task; again does nothing.
    make_claim: Callable[[str, str, Mapping[str, Any], str], Awaitable[None]] = no_making
    #: Remove a claim by namespace and name, for a task or a run. Whether it was there; again tells
    #: the same.
    remove_claim: Callable[[str, str, str], Awaitable[bool]] = no_removal
    #: All claims, each by namespace and name.
    claims: Callable[[], Awaitable[Sequence[tuple[str, str]]]] = no_claims
    #: The namespaces that have an object, by its kind and name.
    places: Callable[[str, str], Awaitable[Sequence[str]]] = nowhere
    #: KF_PIPELINES_ENDPOINT of tasks: this server.
    endpoint: str
    #: What no task may see, e.g. the server's credentials.
    hidden: tuple[Path, ...] = ()
    #: Where the secrets and config maps of pipelines are.
    namespace: str = "kubeflow"
    #: Where artifacts go when neither the run nor the pipeline says.
    pipeline_root: str = "s3://mlpipeline/v2/artifacts"
    #: Whose the artifacts' bucket is, and where.
    owner: str = "000000000000"
    region: str = "us-east-1"
    #: Processes of tasks at the same time. A task that waits for a SageMaker job only sleeps, so
    #: it is more than there are processors.
    width: int = 16
    #: What tasks that ask for CPU or memory share; the others are bounded by `width` alone.
    room: Room = field(default_factory=lambda: Room(capacity()))
    #: The things outside that output parameters name, and what each is now: empty when it is not
    #: there. A cached result holds as long as they are what they were.
    effects: Callable[[Mapping[str, Any]], Awaitable[Mapping[str, str]]] = no_effects
    #: Whether a task (by its id) asked for the worker's identity, so that it may have changed
    #: something outside. Asked once, when it has succeeded.
    asked_for_identity: Callable[[str], bool] = lambda _: False
    #: Seconds from SIGTERM to SIGKILL when a run is terminated; None: the process's own.
    grace: float | None = None


def job_of(run: Run, graph: Graph, settings: RunSettings) -> Job:
    """A run, as its tasks see it.

    Raises:
        Unsupported: its pipeline root is in another store.
    """
    return Job(
        run_id=run.run_id,
        name=run.display_name,
        pipeline=graph.name,
        root=pipeline_root(run.pipeline_root or graph.default_root or settings.pipeline_root),
        created_at=utc(run.created_at),
        scheduled_at=utc(run.scheduled_at or run.created_at),
        has_workspace=graph.config.workspace is not None,
    )
