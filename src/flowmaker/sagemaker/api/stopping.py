"""What the Stop operations of all kinds of jobs do alike: they record that a job is to stop."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from flowmaker.aws.errors import validation
from flowmaker.aws.service import Call
from flowmaker.sagemaker.api.desk import Desk
from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.repository import resources

#: The status and the state of a job that is to stop from this moment; None if it has ended.
Stopping = Callable[[Resource, datetime], tuple[str, Mapping[str, Any]] | None]

#: What each kind of job is called, in AWS's words, and the topic of its controller.
_JOBS = {
    Kind.TRAINING_JOB: ("training job", "training_job"),
    Kind.PROCESSING_JOB: ("processing job", "processing_job"),
    Kind.TRANSFORM_JOB: ("transform job", "transform_job"),
    Kind.TUNING_JOB: ("hyperparameter tuning job", "tuning_job"),
}


async def stop(desk: Desk, call: Call, kind: Kind, name: str, stopping: Stopping) -> None:
    """Write that the job is to stop, however often its controller writes meanwhile.

    Raises:
        AwsError: `ResourceNotFound` if there is no such job, `ValidationException` if it has ended.
    """
    called, topic = _JOBS[kind]
    saved = False
    while not saved:
        job = await desk.existing(call, kind, name)
        now = desk.clock.now()
        stopped = stopping(job, now)
        if stopped is None:
            raise validation(
                f"The request was rejected because the {called} is in status {job.status}."
            )
        status, state = stopped
        changed = replace(job, status=status, state=state, modified_at=now)
        saved = await desk.database.write(resources.save, changed)
        desk.hints.hint(topic, job.id)
