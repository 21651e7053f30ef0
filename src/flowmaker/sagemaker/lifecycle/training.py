"""The status machine of a training job, as SageMaker has it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from flowmaker.sagemaker.records.training import (
    Ending,
    Instance,
    Phase,
    TrainingState,
    Transition,
)

#: FailureReason has at most as many characters.
LONGEST_REASON = 1024

#: What SageMaker says of each secondary status.
MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Stopping": "Stopping the training job",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "MaxWaitTimeExceeded": "Training job waited longer than MaxWaitTimeInSeconds provided",
    "Interrupted": "An instance was lost. The training job begins again",
    "Restarting": "An instance was lost. Restarting the training job",
}
PHASES = tuple(Phase)
#: Its secondary status while it waits for room on the machine.
PENDING = "Pending"


class Action(StrEnum):
    """What to do about a job's instances."""

    START = "start"
    WAIT = "wait"
    STOP = "stop"
    END = "end"


def begin(now: datetime) -> TrainingState:
    """A job that was just asked for."""
    return _say(TrainingState(), Phase.STARTING.value, now)


def is_final(state: TrainingState) -> bool:
    return state.phase is Phase.DONE


def status(state: TrainingState) -> str:
    """TrainingJobStatus."""
    if is_final(state):
        late = state.ending in {Ending.MAX_RUNTIME_EXCEEDED, Ending.MAX_WAIT_TIME_EXCEEDED}
        return "Stopped" if late else state.ending.value
    return "Stopping" if state.stop_requested else "InProgress"


def secondary_status(state: TrainingState) -> str:
    """SecondaryStatus: the last line of the history."""
    return state.transitions[-1].status if state.transitions else Phase.STARTING.value


def enter(state: TrainingState, phase: Phase, now: datetime) -> TrainingState:
    """Go on to a later phase. Nothing goes back, and nothing leaves a final state."""
    if is_final(state) or PHASES.index(phase) <= PHASES.index(state.phase):
        return state
    entered = replace(state, phase=phase)
    if phase is Phase.TRAINING:
        entered = replace(entered, training_started_at=now)
    return _say(entered, phase.value, now)


def wait(state: TrainingState, said: str, now: datetime) -> TrainingState:
    """It waits for room; `said` is what for, and may change as it waits."""
    last = state.transitions[-1]
    if last.status != PENDING:
        return _say(state, PENDING, now, said)
    return replace(state, transitions=(*state.transitions[:-1], replace(last, message=said)))


def seconds_left(state: TrainingState, longest: float | None, now: datetime) -> float | None:
    """How long it may go on waiting, of `longest` seconds; None: for ever."""
    last = state.transitions[-1]
    if longest is None or last.status != PENDING:
        return None
    return longest - (now - last.started_at).total_seconds()


def request_stop(state: TrainingState, now: datetime) -> TrainingState:
    if is_final(state) or state.stop_requested:
        return state
    return _say(replace(state, stop_requested=True), "Stopping", now)


def end_training(state: TrainingState, ending: Ending, reason: str, now: datetime) -> TrainingState:
    """The instances have ended: what they made is to be uploaded."""
    if is_final(state):
        return state
    ended = replace(
        state,
        ending=ending,
        failure_reason=reason[:LONGEST_REASON] if ending is Ending.FAILED else "",
        training_ended_at=now if state.training_started_at else None,
    )
    return enter(ended, Phase.UPLOADING, now)


def restarts(
    state: TrainingState, instances: Sequence[Instance], *, spot: bool, retries: int
) -> bool:
    """Whether a job whose instances have all ended begins again.

    Contract: managed spot training begins again as often as it is interrupted; any other job at
    most `retries` times, RetryStrategy's MaximumRetryAttempts, after an InternalServerError.
    An instance that was stopped while nobody asked that of the job was interrupted.
    """
    if state.stop_requested:
        return False
    if spot and Instance.STOPPED in instances:
        return not {Instance.FAILED, Instance.TIMEOUT} & set(instances)
    return Instance.LOST in instances and (spot or state.restarts < retries)


def restart(state: TrainingState, now: datetime, *, spot: bool) -> TrainingState:
    """Begin again after an instance was lost: what it trained counts, what it made is gone."""
    if state.phase is not Phase.TRAINING or state.training_started_at is None:
        return state
    again = replace(
        state,
        phase=Phase.STARTING,
        restarts=state.restarts + 1,
        first_started_at=state.first_started_at or state.training_started_at,
        training_started_at=None,
        trained_before=trained(state, now),
    )
    return _say(again, "Interrupted" if spot else "Restarting", now)


def trained(state: TrainingState, now: datetime) -> float:
    """Seconds that it has trained until `now`, without those in which it waited to begin again."""
    started = state.training_started_at
    return state.trained_before + ((now - started).total_seconds() if started else 0.0)


def give_up_waiting(state: TrainingState, now: datetime) -> TrainingState:
    """It waited longer than MaxWaitTimeInSeconds."""
    late = replace(state, ending=Ending.MAX_WAIT_TIME_EXCEEDED)
    return finish(late, now) if _going(state) else state


def fail(state: TrainingState, reason: str, now: datetime) -> TrainingState:
    """End it here and now."""
    return finish(replace(state, ending=Ending.FAILED), now, reason) if _going(state) else state


def finish(state: TrainingState, now: datetime, reason: str = "") -> TrainingState:
    """Reach the final state that its ending says."""
    if is_final(state):
        return state
    assert state.ending is not Ending.NONE, "a job ends in some way"
    ended = state.training_ended_at or (now if state.training_started_at else None)
    done = replace(
        state,
        phase=Phase.DONE,
        training_ended_at=ended,
        failure_reason=reason[:LONGEST_REASON] or state.failure_reason,
    )
    last = _say(done, state.ending.value, now)
    closed = replace(last.transitions[-1], ended_at=now)
    return replace(last, transitions=(*last.transitions[:-1], closed))


def stop_before_training(state: TrainingState, now: datetime) -> TrainingState:
    """It was stopped before anything ran."""
    return finish(replace(state, ending=Ending.STOPPED), now) if _going(state) else state


def judge(instances: Sequence[Instance], *, stop_requested: bool) -> tuple[Action, Ending]:
    """What to do about the instances, and how the job ends when they have all ended.

    One instance that fails, is lost or runs out of time ends the job: the others are stopped.
    """
    seen = set(instances)
    ending = _ending(seen, stop_requested=stop_requested)
    if Instance.RUNNING in seen and ending not in {Ending.NONE, Ending.COMPLETED}:
        return Action.STOP, ending
    if Instance.ABSENT in seen and ending is Ending.NONE:
        return Action.START, Ending.NONE
    if Instance.RUNNING in seen:
        return Action.WAIT, Ending.NONE
    return Action.END, ending


def _ending(seen: set[Instance], *, stop_requested: bool) -> Ending:
    if stop_requested:
        return Ending.STOPPED
    if seen & {Instance.FAILED, Instance.LOST}:
        return Ending.FAILED
    if Instance.TIMEOUT in seen:
        return Ending.MAX_RUNTIME_EXCEEDED
    if Instance.STOPPED in seen:
        return Ending.STOPPED
    return Ending.COMPLETED if seen == {Instance.SUCCEEDED} else Ending.NONE


def _going(state: TrainingState) -> bool:
    return not is_final(state)


def _say(state: TrainingState, line: str, now: datetime, said: str = "") -> TrainingState:
    """Close the last line of the history and open another."""
    past = state.transitions
    if past and past[-1].ended_at is None:
        past = (*past[:-1], replace(past[-1], ended_at=now))
    entry = Transition(status=line, started_at=now, message=said or MESSAGES[line])
    return replace(state, transitions=(*past, entry))
