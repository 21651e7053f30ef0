"""A task: how it is made, and what its states may become."""

import uuid
from dataclasses import replace
from datetime import datetime
from typing import Any

from flowmaker.pipelines.ir.graph import Component
from flowmaker.pipelines.records.run import Run, RuntimeState, StateChange, Task, TaskKind

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
            RuntimeState.PENDING,  # another attempt
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


_TASK_NAMESPACE = uuid.UUID("6f1d3c0e-2f0b-5f4e-9d1c-3b8a3c1c9a55")


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


def process_id(run: Run, task_id: str, attempt: int) -> str:
    """The name of an attempt's process, which no other ever had: not before a retry of the run."""
    retries = sum(change.state.is_final for change in run.state_history)
    return f"{task_id}-{retries}.{attempt}" if retries else f"{task_id}-{attempt}"


def _check(before: RuntimeState, after: RuntimeState) -> None:
    assert after in FOLLOWING.get(before, ()), f"{before} never becomes {after}"


def new_task(run: Run, parent: str, name: str, component: Component, now: datetime) -> Task:
    """A task at its place. Its id follows from the place: made twice, it is the same task."""
    return Task(
        task_id=str(uuid.uuid5(_TASK_NAMESPACE, f"{run.run_id}/{parent}/{name}")),
        run_id=run.run_id,
        parent_task_id=parent,
        name=name,
        kind=TaskKind.DAG if component.dag else TaskKind.CONTAINER,
        component=component.name,
        created_at=now,
        display_name=name,
        state_history=(StateChange(at=now, state=RuntimeState.PENDING),),
    )
