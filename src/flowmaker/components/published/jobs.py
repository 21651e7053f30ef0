"""What the published components do with a job: they create it, and follow it to its end."""

from collections.abc import Callable
from typing import Any

from flowmaker.components.following import (
    called,
    create_named,
    follow_job,
    operation,
    why_not_completed,
)
from flowmaker.components.published.session import Failed, Session


def completed(
    session: Session,
    kind: str,
    asked: dict[str, Any],
    *,
    logged: bool = True,
    status: Callable[[dict[str, Any]], str] | None = None,
) -> dict[str, Any]:
    """The description of the job that is asked for, e.g. a `TrainingJob`, when it has completed.

    See `follow_job` for `logged` and `status`.

    Raises:
        Failed: it has not.
    """
    name = asked[f"{kind}Name"]
    create_named(lambda: operation(session.client, "create", kind)(**asked))
    print(f"{called(kind)} {name} is created", flush=True)  # noqa: T201 - a component's log
    job = follow_job(session.client, kind, name, logged=logged, status=status)
    if why := why_not_completed(kind, job):
        raise Failed(f"{called(kind)} {name}: {why}")
    return job
