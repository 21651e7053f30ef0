"""Runs and their tasks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from flowmaker.pipelines.records.catalog import Document, StorageState


class RuntimeState(StrEnum):
    """KFP's enum `RuntimeState`, of runs and of tasks."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    SKIPPED = "SKIPPED"
    FAILED = "FAILED"
    CANCELING = "CANCELING"
    CANCELED = "CANCELED"
    PAUSED = "PAUSED"

    @property
    def is_final(self) -> bool:
        return self in FINAL


FINAL = frozenset(
    {RuntimeState.SUCCEEDED, RuntimeState.SKIPPED, RuntimeState.FAILED, RuntimeState.CANCELED}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class StateChange:
    """One entry of a state history: KFP's `RuntimeStatus`."""

    at: datetime
    state: RuntimeState
    #: Why, when the state is FAILED or CANCELED; empty otherwise.
    error: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One execution of a pipeline. KFP's `v2beta1Run`."""

    run_id: str
    display_name: str
    experiment_id: str
    created_at: datetime
    #: The PipelineSpec in proto3 JSON (camelCase), and the Kubernetes platform spec beside it.
    pipeline_spec: Document
    platform_spec: Document = field(default_factory=dict[str, Any])
    #: Set when the run was made from an uploaded version rather than from a spec.
    pipeline_id: str = ""
    pipeline_version_id: str = ""
    #: The values given for the root's parameters, as JSON values.
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    pipeline_root: str = ""
    description: str = ""
    namespace: str = ""
    service_account: str = ""
    state: RuntimeState = RuntimeState.PENDING
    state_history: tuple[StateChange, ...] = ()
    scheduled_at: datetime | None = None
    finished_at: datetime | None = None
    #: Why it failed, for a person; empty otherwise.
    error: str = ""
    storage_state: StorageState = StorageState.AVAILABLE
    #: The user asked for it to end: durable, and the controllers' to fulfil.
    terminate_requested: bool = False
    #: When what is left of its processes goes, once it has ended; None: it is kept.
    expires_at: datetime | None = None
    #: Grows with each change; a change is written only over the revision that it was decided on.
    revision: int = 0
    #: What made it, when that was a recurring run.
    recurring_run_id: str = ""


class TaskKind(StrEnum):
    """What a task is made of."""

    DAG = "DAG"
    CONTAINER = "CONTAINER"


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One task of a run, or the DAG that holds tasks. KFP's `v2beta1PipelineTaskDetail`."""

    task_id: str
    run_id: str
    #: The DAG task that it is in; empty for the root.
    parent_task_id: str
    #: The key in the DAG's `tasks`; `root` for the root.
    name: str
    kind: TaskKind
    #: The component's key in the spec's `components`; empty for the root.
    component: str
    created_at: datetime
    display_name: str = ""
    state: RuntimeState = RuntimeState.PENDING
    state_history: tuple[StateChange, ...] = ()
    started_at: datetime | None = None
    ended_at: datetime | None = None
    error: str = ""
    #: `{"parameters": {name: value}, "artifacts": {name: [RuntimeArtifact JSON, …]}}`
    inputs: Document = field(default_factory=dict[str, Any])
    outputs: Document = field(default_factory=dict[str, Any])
    #: The process that executes it, or did: `<task_id>-<attempt>`, with the number of the run's
    #: retries before the attempt when there were any. Empty for a DAG.
    process_id: str = ""
    attempt: int = 0
    revision: int = 0
