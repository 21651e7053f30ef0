"""What is known of a training job beside its request."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Phase(StrEnum):
    """What the controller does for the job now. Phases follow each other in this order."""

    STARTING = "Starting"
    DOWNLOADING = "Downloading"
    TRAINING = "Training"
    UPLOADING = "Uploading"
    DONE = "Done"


class Ending(StrEnum):
    """How it ends, once that is certain. The values are SageMaker's last secondary status."""

    NONE = ""
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPED = "Stopped"
    MAX_RUNTIME_EXCEEDED = "MaxRuntimeExceeded"
    MAX_WAIT_TIME_EXCEEDED = "MaxWaitTimeExceeded"


@dataclass(frozen=True, kw_only=True, slots=True)
class Transition:
    """One line of the job's history, as DescribeTrainingJob gives it."""

    status: str
    started_at: datetime
    message: str
    ended_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """The last value of a metric that the job printed."""

    name: str
    value: float
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingState:
    """A training job as its controller knows it."""

    phase: Phase = Phase.STARTING
    ending: Ending = Ending.NONE
    stop_requested: bool = False
    transitions: tuple[Transition, ...] = ()
    training_started_at: datetime | None = None
    training_ended_at: datetime | None = None
    failure_reason: str = ""
    metrics: tuple[Metric, ...] = ()
    #: How often it began again after an instance was lost.
    restarts: int = 0
    #: When it began to train for the first time, if it has begun again since.
    first_started_at: datetime | None = None
    #: Seconds of training before it began again last.
    trained_before: float = 0.0


class Instance(StrEnum):
    """What is seen of one instance of a job."""

    ABSENT = "absent"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"
    TIMEOUT = "timeout"
    LOST = "lost"
