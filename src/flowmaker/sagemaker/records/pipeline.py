"""A pipeline's definition as it is understood, and what has come of an execution's steps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Parameter:
    """What an execution may be given."""

    name: str
    #: String, Integer, Float or Boolean.
    type: str
    default: Any = None
    #: The only values that it may have; empty for any.
    allowed: tuple[Any, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """How often, and when, a step is tried again that failed of one of these."""

    exceptions: tuple[str, ...]
    interval: float = 1.0
    rate: float = 2.0
    attempts: int | None = None
    minutes: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One step, wherever in the definition it stands."""

    name: str
    type: str
    #: As in the definition: with references that are not resolved.
    arguments: Mapping[str, Any]
    #: The steps that must have succeeded before it, named or referred to.
    needs: tuple[str, ...] = ()
    #: The condition whose branch it stands in, and the outcome that takes this branch.
    condition: str = ""
    outcome: str = ""
    display_name: str = ""
    description: str = ""
    cached: bool = False
    expire_after: str = ""
    retry_policies: tuple[RetryPolicy, ...] = ()
    #: By name: the output that the file is in, and its path there.
    property_files: Mapping[str, tuple[str, str]] = field(
        default_factory=dict[str, tuple[str, str]]
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Definition:
    """A pipeline."""

    parameters: Mapping[str, Parameter]
    #: In the definition's order; those in branches follow their condition.
    steps: Mapping[str, Step]
    #: ExperimentName and TrialName, with references; empty for none.
    experiment: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, kw_only=True, slots=True)
class PipelineVersion:
    """A definition that a pipeline has had, or has."""

    #: From 1 on.
    number: int
    definition: str
    created_at: datetime
    display_name: str = ""
    description: str = ""


class StepStatus(StrEnum):
    """StepStatus, as AWS has it."""

    STARTING = "Starting"
    EXECUTING = "Executing"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    FAILED = "Failed"
    SUCCEEDED = "Succeeded"


#: Of a step that goes on.
ACTIVE = frozenset({StepStatus.STARTING, StepStatus.EXECUTING, StepStatus.STOPPING})


@dataclass(frozen=True, kw_only=True, slots=True)
class StepRun:
    """What an execution has of one of its steps, from when that was begun."""

    name: str
    status: StepStatus
    started_at: datetime
    ended_at: datetime | None = None
    #: Which try this is, by its retry policies.
    attempt: int = 1
    #: A try that failed is made again at this time.
    retry_at: datetime | None = None
    #: What is asked of the job, with every reference resolved; written before the job is made.
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    #: The name of its job, written before the job is made: so it is never made twice.
    job: str = ""
    arn: str = ""
    #: What its job is described as, once it has succeeded.
    properties: Mapping[str, Any] = field(default_factory=dict[str, Any])
    failure_reason: str = ""
    #: Of a condition: True or False.
    outcome: str = ""
    #: Of a Fail step.
    error_message: str = ""
    #: What its result is kept under for later executions; empty if it is not.
    cache_key: str = ""
    #: The execution whose result it has.
    cached_from: str = ""
    #: The execution whose result it has because it was not selected.
    reused_from: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutionState:
    """An execution of a pipeline."""

    pipeline_arn: str
    role_arn: str
    #: The pipeline's definition when the execution was started, as text.
    definition: str
    #: When the pipeline got that definition, and as which of its versions.
    defined_at: datetime
    created_by: str
    version: int = 0
    #: Each parameter's value, of its type.
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    #: Steps that run at the same time at most; 0 for any number.
    parallel: int = 0
    #: The only steps that run; empty for all.
    selected: tuple[str, ...] = ()
    steps: tuple[StepRun, ...] = ()
    #: ExperimentName and TrialName of its jobs, once these have been made.
    experiment: Mapping[str, str] = field(default_factory=dict[str, str])
    stop_requested: bool = False
    #: Executing, Stopping, Stopped, Failed or Succeeded.
    status: str = "Executing"
    failure_reason: str = ""
    #: How often it was retried, and the token of the last time.
    retries: int = 0
    retry_token: str = ""
    display_name: str = ""
    description: str = ""
    modified_by: str = ""
