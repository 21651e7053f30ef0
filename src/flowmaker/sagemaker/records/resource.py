"""Everything in SageMaker that has a name in an account and a region."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """A kind of resource: the word before its name in its ARN."""

    TRAINING_JOB = "training-job"
    TUNING_JOB = "hyper-parameter-tuning-job"
    MODEL = "model"
    ENDPOINT_CONFIG = "endpoint-config"
    ENDPOINT = "endpoint"
    TRANSFORM_JOB = "transform-job"
    PROCESSING_JOB = "processing-job"
    MODEL_PACKAGE_GROUP = "model-package-group"
    #: Of a group: `GROUP/VERSION`.
    MODEL_PACKAGE = "model-package"
    EXPERIMENT = "experiment"
    TRIAL = "experiment-trial"
    TRIAL_COMPONENT = "experiment-trial-component"
    PIPELINE = "pipeline"
    #: Of a pipeline: `PIPELINE/ID`.
    PIPELINE_EXECUTION = "pipeline-execution"


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """One job, model, endpoint configuration or endpoint."""

    id: str
    kind: Kind
    account: str
    region: str
    #: As the client wrote it. The ARN has it in lower case, as AWS does.
    name: str
    arn: str
    status: str
    #: A controller has something to do for it, or may have.
    open: bool
    created_at: datetime
    modified_at: datetime
    #: The request that made it.
    request: Mapping[str, Any]
    #: The document of its kind's state; empty for models and endpoint configurations.
    state: Mapping[str, Any] = field(default_factory=dict[str, Any])
    revision: int = 0
    #: The id of what made it: of a training job its tuning job; else empty.
    parent: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """Which resources a List operation asks for."""

    kind: Kind
    account: str
    region: str
    name_contains: str = ""
    #: What names begin with.
    prefix: str = ""
    #: Only these, if any are given.
    names: tuple[str, ...] | None = None
    #: Members of the request or of the state, and what they must be: `state.ModelApprovalStatus`.
    equal: Mapping[str, str] = field(default_factory=dict[str, str])
    #: Members that must be there: numbers above 0.
    given: tuple[str, ...] = ()
    #: Whether a controller has something to do for it; None for both.
    open: bool | None = None
    #: Whether a version is part of the name; None for both.
    versioned: bool | None = None
    status: str = ""
    created_after: datetime | None = None
    created_before: datetime | None = None
    #: Whether `created_after` is itself late enough.
    from_created: bool = False
    modified_after: datetime | None = None
    modified_before: datetime | None = None
    sort_by: str = "CreationTime"
    descending: bool = False
    limit: int = 10
    #: Sort value and id of the last resource of the page before.
    after: tuple[str, str] | None = None
