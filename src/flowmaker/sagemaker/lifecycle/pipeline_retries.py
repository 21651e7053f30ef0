"""Whether, and when, a step that failed is tried again."""

from datetime import datetime, timedelta

from flowmaker.sagemaker.records.pipeline import RetryPolicy, Step, StepRun

SERVICE_FAULT = "Step.SERVICE_FAULT"
THROTTLING = "Step.THROTTLING"
INTERNAL_ERROR = "SageMaker.JOB_INTERNAL_ERROR"
CAPACITY_ERROR = "SageMaker.CAPACITY_ERROR"
RESOURCE_LIMIT = "SageMaker.RESOURCE_LIMIT"
EXCEPTIONS = frozenset({SERVICE_FAULT, THROTTLING, INTERNAL_ERROR, CAPACITY_ERROR, RESOURCE_LIMIT})
#: What is tried again without being asked for.
_DEFAULT = RetryPolicy(exceptions=(SERVICE_FAULT, THROTTLING), attempts=3)
#: Of a refusal to make a job, by its code.
_CODES = {
    "ThrottlingException": THROTTLING,
    "ResourceLimitExceeded": RESOURCE_LIMIT,
    "InternalFailure": SERVICE_FAULT,
    "ServiceUnavailable": SERVICE_FAULT,
}
#: Of a job that failed, by what its FailureReason begins with.
_REASONS = {
    "InternalServerError": INTERNAL_ERROR,
    "CapacityError": CAPACITY_ERROR,
    "InsufficientCapacityError": CAPACITY_ERROR,
    "ResourceLimitExceeded": RESOURCE_LIMIT,
}


def of_code(code: str) -> str:
    """The exception that a refusal is to retry policies; empty for none."""
    return _CODES.get(code, "")


def of_reason(reason: str) -> str:
    """The exception that a job's failure is to retry policies; empty for none."""
    return next((kind for start, kind in _REASONS.items() if reason.startswith(start)), "")


def again_at(step: Step, run: StepRun, exception: str, now: datetime) -> datetime | None:
    """When a step that failed is tried again; None if it is not."""
    if step.type == "Tuning" and exception == INTERNAL_ERROR:
        # Contract: a tuning job makes its training jobs again by itself; a policy has no effect.
        return None
    policies = (*step.retry_policies, _DEFAULT)
    policy = next((one for one in policies if exception in one.exceptions), None)
    if policy is None:
        return None
    if policy.attempts is not None and run.attempt > policy.attempts:
        return None
    at = now + timedelta(seconds=policy.interval * policy.rate ** (run.attempt - 1))
    if policy.minutes is not None and at > run.started_at + timedelta(minutes=policy.minutes):
        return None
    return at
