"""What a tuning job does next, decided by what its trials have come to. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import prod
from statistics import median
from typing import Any

from flowmaker.sagemaker.records.tuning import (
    Choice,
    Counts,
    Range,
    Search,
    Trial,
    TuningState,
)

#: AWS's quotas.
MOST_TRIALS, MOST_PARALLEL = 10_000, 100
#: So many trials that fail before one has succeeded end the tuning job.
HOPELESS = 5
#: Trials without a better objective after which a search is said to have converged.
CONVERGED_AFTER = 30

ALL_FAILED = (
    "All training jobs failed. Please take a look at the training jobs failures to get more "
    "details."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """When to end, by the request."""

    trials: int
    parallel: int
    seconds: float | None = None
    target: float | None = None
    #: Trials that may not be better than the best, one after the other.
    not_improving: int | None = None
    converges: bool = False
    maximize: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What to do now."""

    #: Trials to make.
    make: int = 0
    #: The trials that run are to be stopped.
    stop: bool = False
    state: TuningState
    #: Seconds until it must be decided again, if nothing happens before.
    within: float | None = None


def limits(config: Mapping[str, Any], searches: Sequence[Search]) -> Limits:
    """The limits of a HyperParameterTuningJobConfig."""
    resources = config["ResourceLimits"]
    criteria = config.get("TuningJobCompletionCriteria", {})
    grid = sum(grid_size(one.ranges) for one in searches)
    trials = resources.get("MaxNumberOfTrainingJobs")
    if config["Strategy"] == "Grid":
        trials = grid
    return Limits(
        trials=trials or MOST_TRIALS,
        parallel=resources["MaxParallelTrainingJobs"],
        seconds=resources.get("MaxRuntimeInSeconds"),
        target=criteria.get("TargetObjectiveMetricValue"),
        not_improving=criteria.get("BestObjectiveNotImproving", {}).get(
            "MaxNumberOfTrainingJobsNotImproving"
        ),
        converges=criteria.get("ConvergenceDetected", {}).get("CompleteOnConvergence") == "Enabled",
        maximize=searches[0].maximize,
    )


def grid_size(ranges: Sequence[Range]) -> int:
    """How many combinations a grid has."""
    return prod(len(one.values) for one in ranges if isinstance(one, Choice))


def counted(counts: Counts, ended: Iterable[Trial], *, maximize: bool) -> Counts:
    """The counts, when these trials have ended too: those that ended first come first."""
    for trial in ended:
        counts = replace(
            counts,
            completed=counts.completed + (trial.ending == "Completed"),
            failed=counts.failed + (trial.ending == "Failed"),
            stopped=counts.stopped + (trial.ending == "Stopped"),
        )
        if trial.objective is None:
            continue
        better = counts.best is None or is_better(trial.objective, counts.best, maximize=maximize)
        counts = replace(
            counts,
            measured=counts.measured + 1,
            since_best=0 if better else counts.since_best + 1,
            best=trial.objective if better else counts.best,
        )
    return counts


def status(state: TuningState) -> str:
    """HyperParameterTuningJobStatus."""
    if state.ended_at:
        return state.ending
    return "Stopping" if state.stop_requested else "InProgress"


def decide(
    state: TuningState, limit: Limits, counts: Counts, begun: datetime, now: datetime
) -> Decision:
    """What to do, given what has become of the trials so far."""
    if state.ended_at:
        return Decision(state=state)
    ended = _ended(state, limit, counts, begun, now)
    if not ended.ending:
        free = min(limit.parallel - counts.open, limit.trials - counts.made)
        return Decision(state=ended, make=max(0, free), within=_left(limit, begun, now))
    if counts.open:
        return Decision(state=ended, stop=ended.ending != "Completed" or counts.made < limit.trials)
    return Decision(state=replace(ended, ended_at=now))


def _ended(
    state: TuningState, limit: Limits, counts: Counts, begun: datetime, now: datetime
) -> TuningState:
    """The state, with the reason to make no more trials if there is one."""
    if state.ending:
        return state
    if state.stop_requested:
        return replace(state, ending="Stopped")
    hopeless = not counts.completed and counts.failed >= max(HOPELESS, limit.parallel)
    if hopeless or (counts.made >= limit.trials and not counts.open):
        return _all_done(state, counts)
    if _is_late(limit, begun, now) or _is_good_enough(limit, counts):
        return replace(state, ending="Completed")
    if limit.converges and counts.since_best >= CONVERGED_AFTER:
        return replace(state, ending="Completed", converged_at=now)
    return state


def _all_done(state: TuningState, counts: Counts) -> TuningState:
    if counts.failed and not counts.completed and not counts.stopped:
        return replace(state, ending="Failed", failure_reason=ALL_FAILED)
    return replace(state, ending="Completed")


def _is_late(limit: Limits, begun: datetime, now: datetime) -> bool:
    return limit.seconds is not None and now - begun >= timedelta(seconds=limit.seconds)


def _left(limit: Limits, begun: datetime, now: datetime) -> float | None:
    if limit.seconds is None:
        return None
    return max(0.0, limit.seconds - (now - begun).total_seconds())


def _is_good_enough(limit: Limits, counts: Counts) -> bool:
    if counts.best is None:
        return False
    if limit.target is not None and is_better(
        counts.best, limit.target, maximize=limit.maximize, or_equal=True
    ):
        return True
    return limit.not_improving is not None and counts.since_best >= limit.not_improving


def is_better(one: float, other: float, *, maximize: bool, or_equal: bool = False) -> bool:
    if one == other:
        return or_equal
    return one > other if maximize else one < other


def is_hopeless(
    series: Sequence[float], others: Sequence[Sequence[float]], *, maximize: bool
) -> bool:
    """Early stopping of type Auto: the best so far is worse than the median of the others' means.

    Contract: the developer guide, "How Early Stopping Works": the running average of each other
    trial up to the same epoch. With fewer than three others nothing is stopped.
    """
    epoch = len(series)
    averages = [sum(one[:epoch]) / epoch for one in others if len(one) >= epoch]
    if epoch < 2 or len(averages) < 3:  # noqa: PLR2004 - said above; one epoch is no trend
        return False
    best = max(series) if maximize else min(series)
    return is_better(median(averages), best, maximize=maximize)


def is_outrun(
    series: Sequence[float],
    others: Sequence[Sequence[float]],
    *,
    maximize: bool,
    least: int,
    most: int,
) -> bool:
    """Hyperband: at each rung only the best third goes on, and nobody beyond `most` epochs.

    Rungs are at `least` epochs, three times as many, and so on below `most`. Contract: Li et al.,
    "A System for Massively Parallel Hyperparameter Tuning" (2018): a trial is compared with those
    that have reached the rung, whenever that was.
    """
    if len(series) > most:
        return True
    rung = least
    while rung * 3 <= len(series) and rung * 3 < most:
        rung *= 3
    if len(series) < rung or rung >= most:
        return False
    ours = _best(series[:rung], maximize=maximize)
    reached = [_best(one[:rung], maximize=maximize) for one in others if len(one) >= rung]
    if len(reached) < 2:  # noqa: PLR2004 - a third of fewer is nobody
        return False
    ahead = sum(is_better(one, ours, maximize=maximize) for one in reached)
    return ahead >= max(1, (len(reached) + 1) // 3)


def _best(values: Sequence[float], *, maximize: bool) -> float:
    return max(values) if maximize else min(values)
