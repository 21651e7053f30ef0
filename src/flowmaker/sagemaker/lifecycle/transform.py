"""The status machine of a batch transform job."""

from dataclasses import replace
from datetime import datetime

from flowmaker.sagemaker.records.hosting import TransformPhase, TransformState

LONGEST_REASON = 1024


def is_final(state: TransformState) -> bool:
    return state.phase is TransformPhase.DONE


def status(state: TransformState) -> str:
    """TransformJobStatus."""
    if is_final(state):
        return state.ending
    return "Stopping" if state.stop_requested else "InProgress"


def begin(state: TransformState, now: datetime) -> TransformState:
    """Its model server answers: the transform begins."""
    if state.phase is not TransformPhase.STARTING:
        return state
    return replace(state, phase=TransformPhase.TRANSFORMING, started_at=now)


def end(state: TransformState, ending: str, now: datetime, reason: str = "") -> TransformState:
    """Reach a final state, `Completed`, `Failed` or `Stopped`; nothing leaves one."""
    if is_final(state):
        return state
    return replace(
        state,
        phase=TransformPhase.DONE,
        ending=ending,
        failure_reason=reason[:LONGEST_REASON] if ending == "Failed" else "",
        ended_at=now,
    )


def request_stop(state: TransformState) -> TransformState:
    return state if is_final(state) else replace(state, stop_requested=True)
