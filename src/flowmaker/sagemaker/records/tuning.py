"""What is known of a hyperparameter tuning job beside its request, and of its trials."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Scaling(StrEnum):
    """How the values of a range are spread."""

    AUTO = "Auto"
    LINEAR = "Linear"
    LOGARITHMIC = "Logarithmic"
    REVERSE_LOGARITHMIC = "ReverseLogarithmic"


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberRange:
    """The integers, or the numbers, from `low` to `high`."""

    name: str
    low: float
    high: float
    integer: bool
    scaling: Scaling = Scaling.AUTO


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One of several words."""

    name: str
    values: tuple[str, ...]


Range = NumberRange | Choice


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """What a definition is tuned by."""

    #: The definition's name; empty where there is but one without a name.
    definition: str
    ranges: tuple[Range, ...]
    metric: str
    maximize: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One training job of a tuning job."""

    number: int
    job_id: str
    name: str
    definition: str
    #: The hyperparameters that were chosen, as text.
    chosen: Mapping[str, str]
    created_at: datetime
    #: The training job's status once that is final; empty until then.
    ending: str = ""
    #: The objective's final value; None until it is known, and if there was none.
    objective: float | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """How many trials have come to what."""

    made: int = 0
    completed: int = 0
    failed: int = 0
    stopped: int = 0
    #: Those with an objective.
    measured: int = 0
    #: Measured trials since the best one ended.
    since_best: int = 0
    best: float | None = None

    @property
    def open(self) -> int:
        """Those that have not ended."""
        return self.made - self.completed - self.failed - self.stopped


@dataclass(frozen=True, kw_only=True, slots=True)
class TuningState:
    """A tuning job as its controller knows it."""

    stop_requested: bool = False
    #: Why no more trials are made: `Completed`, `Failed` or `Stopped`; empty while they are.
    ending: str = ""
    failure_reason: str = ""
    #: When the last trial had ended, too.
    ended_at: datetime | None = None
    converged_at: datetime | None = None
    #: Seconds that its training jobs have run, in all.
    consumed: float = 0.0
    #: Of its trials, kept here so that a decision costs the same after ten thousand; None on
    #: records from before that, until the next trial is made or ends.
    counts: Counts | None = None
    #: The numbers of parents' trials, already measured, when it began: `{parent: count}`.
    inherited: Mapping[str, int] = field(default_factory=dict[str, int])
