"""What a task's states may become."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from flowmaker.pipelines.records.run import Run, RuntimeState, StateChange, Task

#: The states that may follow each; final ones are left by none.
FOLLOWING: dict[RuntimeState, frozenset[RuntimeState]] = {
    RuntimeState.PENDING: frozenset(
        {
            RuntimeState.RUNNING,
            RuntimeState.SKIPPED,
            RuntimeState.FAILED,
            RuntimeState.CANCELING,
            RuntimeState.CANCELED,
        }
    ),
    RuntimeState.RUNNING: frozenset(
        {
            RuntimeState.SUCCEEDED,
            RuntimeState.FAILED,
            RuntimeState.CANCELING,
            RuntimeState.CANCELED,
        }
    ),
    RuntimeState.CANCELING: frozenset(
        {RuntimeState.SUCCEEDED, RuntimeState.FAILED, RuntimeState.CANCELED}
    ),
}


def moved(task: Task, state: RuntimeState, now: datetime, *, error: str = "") -> Task:
    """`task` in another state."""
    _check(task.state, state)
    changes: dict[str, Any] = {}
    if state is RuntimeState.RUNNING:
        changes["started_at"] = now
    if state.is_final:
        changes["ended_at"] = now
        changes["started_at"] = task.started_at or now
    return replace(
        task,
        state=state,
        error=error,
        state_history=(*task.state_history, StateChange(at=now, state=state, error=error)),
        **changes,
    )


def run_moved(run: Run, state: RuntimeState, now: datetime, *, error: str = "") -> Run:
    """`run` in another state."""
    _check(run.state, state)
    return replace(
        run,
        state=state,
        error=error,
        finished_at=now if state.is_final else None,
        state_history=(*run.state_history, StateChange(at=now, state=state, error=error)),
    )


def _check(before: RuntimeState, after: RuntimeState) -> None:
    assert after in FOLLOWING.get(before, ()), f"{before} never becomes {after}"
