"""The status machine of a processing job."""

from dataclasses import replace
from datetime import datetime

from flowmaker.sagemaker.records.processing import ProcessingPhase, ProcessingState
from flowmaker.sagemaker.records.training import Ending

#: FailureReason and ExitMessage have at most as many characters.
LONGEST_REASON = 1024
LATE = "The job exceeded its StoppingCondition.MaxRuntimeInSeconds and was stopped"
PHASES = tuple(ProcessingPhase)


def is_final(state: ProcessingState) -> bool:
    return state.phase is ProcessingPhase.DONE


def status(state: ProcessingState) -> str:
    """ProcessingJobStatus."""
    if is_final(state):
        late = state.ending is Ending.MAX_RUNTIME_EXCEEDED
        return "Stopped" if late else state.ending.value
    return "Stopping" if state.stop_requested else "InProgress"


def enter(state: ProcessingState, phase: ProcessingPhase, now: datetime) -> ProcessingState:
    """Go on to a later phase. Nothing goes back, and nothing leaves a final state."""
    if is_final(state) or PHASES.index(phase) <= PHASES.index(state.phase):
        return state
    entered = replace(state, phase=phase)
    return replace(entered, started_at=now) if phase is ProcessingPhase.PROCESSING else entered


def request_stop(state: ProcessingState) -> ProcessingState:
    return state if is_final(state) else replace(state, stop_requested=True)


def doom(state: ProcessingState, reason: str) -> ProcessingState:
    """It has failed, but its instances still run: they are to be stopped."""
    if is_final(state) or state.failure_reason:
        return state
    return replace(state, failure_reason=reason[:LONGEST_REASON])


def end_processing(
    state: ProcessingState, ending: Ending, reason: str, message: str, now: datetime
) -> ProcessingState:
    """The instances have ended: what they made is to be uploaded."""
    if is_final(state):
        return state
    if ending is Ending.MAX_RUNTIME_EXCEEDED:
        reason = LATE
    ended = replace(
        state,
        ending=ending,
        failure_reason=state.failure_reason or reason[:LONGEST_REASON],
        exit_message=message[:LONGEST_REASON],
        ended_at=now,
    )
    return enter(ended, ProcessingPhase.UPLOADING, now)


def uploads_at_end(state: ProcessingState) -> bool:
    """Whether outputs of the mode EndOfJob are uploaded: not those of a job that failed."""
    return state.ending is not Ending.FAILED


def finish(state: ProcessingState, now: datetime) -> ProcessingState:
    """Reach the final state that its ending says."""
    if is_final(state):
        return state
    assert state.ending is not Ending.NONE, "a job ends in some way"
    ended = state.ended_at or (now if state.started_at else None)
    return replace(state, phase=ProcessingPhase.DONE, ended_at=ended)


def fail(state: ProcessingState, reason: str, now: datetime) -> ProcessingState:
    """End it here and now."""
    return finish(replace(doom(state, reason), ending=Ending.FAILED), now)


def stop_before_processing(state: ProcessingState, now: datetime) -> ProcessingState:
    """It was stopped before anything ran."""
    return finish(replace(state, ending=Ending.STOPPED), now)
