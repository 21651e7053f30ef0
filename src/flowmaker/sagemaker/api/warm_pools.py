"""Warm pools: no instance is kept for another job, for there is nothing that one would wait for."""

from collections.abc import Mapping
from typing import Any

from flowmaker.sagemaker.records.resource import Resource

#: Of a training job with a KeepAlivePeriodInSeconds: whether it has not ended, by WarmPoolStatus.
#: What is not here is no job's: none is ever kept, so none is Available or Reused.
_IS_OPEN = {"InUse": True, "Terminated": False}
#: The member of a request that asks for a warm pool.
ASKED_BY = "request.ResourceConfig.KeepAlivePeriodInSeconds"


def told(job: Resource) -> dict[str, Any]:
    """What Describe and List tell of a training job's warm pool."""
    if not job.request["ResourceConfig"].get("KeepAlivePeriodInSeconds"):
        return {}
    if job.open:
        return {"WarmPoolStatus": {"Status": "InUse"}}
    ended = {"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": 0}
    return {"WarmPoolStatus": ended}


def narrowed(status: str) -> Mapping[str, Any] | None:
    """What a Search has besides, for jobs whose pool has the status; None: there are none."""
    if status not in _IS_OPEN:
        return None
    return {"open": _IS_OPEN[status], "given": (ASKED_BY,)}
