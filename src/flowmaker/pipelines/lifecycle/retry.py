"""Retries of a task, and how long each waits."""

from datetime import datetime, timedelta

from flowmaker.pipelines.ir.graph import Retry
from flowmaker.pipelines.records.run import RuntimeState, Task


def may_retry(retry: Retry | None, task: Task) -> bool:
    """Whether a task whose attempt failed has another."""
    return retry is not None and 0 < task.attempt <= retry.count


def not_before(retry: Retry | None, task: Task) -> datetime | None:
    """When the next attempt may start; None: at once.

    It follows from the task's history, so a restarted server waits no longer than the old one.
    """
    if retry is None or not task.attempt or task.state is not RuntimeState.PENDING:
        return None
    seconds = min(retry.backoff * retry.factor ** (task.attempt - 1), retry.longest)
    return task.state_history[-1].at + timedelta(seconds=seconds) if seconds else None
