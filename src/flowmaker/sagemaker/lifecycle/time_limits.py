"""How long a training job may take: its StoppingCondition, as far as it is decided here."""

from datetime import datetime

from flowmaker.sagemaker.records.document import decode
from flowmaker.sagemaker.records.resource import Resource
from flowmaker.sagemaker.records.training import TrainingState


def runtime(job: Resource, now: datetime) -> float:
    """Seconds that it may still train, at least one."""
    longest = job.request["StoppingCondition"].get("MaxRuntimeInSeconds", 86400)
    left = longest - decode(TrainingState, job.state).trained_before
    spot = spot_seconds(job, now)
    return max(1.0, left if spot is None else min(left, spot))


def is_spot(job: Resource) -> bool:
    """Whether it runs on instances that may be taken away."""
    return job.request.get("EnableManagedSpotTraining", False)


def spot_seconds(job: Resource, now: datetime) -> float | None:
    """Seconds until MaxWaitTimeInSeconds are over; None if it does not wait for spot capacity."""
    longest = job.request["StoppingCondition"].get("MaxWaitTimeInSeconds")
    if longest is None or not is_spot(job):
        return None
    return longest - (now - job.created_at).total_seconds()


def is_too_late(job: Resource, now: datetime) -> bool:
    """Whether MaxWaitTimeInSeconds are over, which are of the whole job."""
    left = spot_seconds(job, now)
    return left is not None and left <= 0
