"""UpdateTrainingJob: what of a training job may be changed once it is there."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flowmaker.aws.errors import validation
from flowmaker.aws.service import Call
from flowmaker.sagemaker.api import members
from flowmaker.sagemaker.api.desk import Desk
from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.repository import resources


async def update(desk: Desk, call: Call) -> Mapping[str, Any]:
    """Write what is changed, however often the job's controller writes meanwhile.

    Raises:
        AwsError: `ResourceNotFound` if there is no such job, `ValidationException` if it ended.
    """
    members.check(call)
    asked = call.parameters
    while True:
        job = await desk.existing(call, Kind.TRAINING_JOB, asked["TrainingJobName"])
        changed = replace(job, request=_changed(job, asked), modified_at=desk.clock.now())
        if await desk.database.write(resources.save_request, changed):
            return {"TrainingJobArn": job.arn}


def _changed(job: Resource, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The request of the job as it would have been, had it been made so."""
    request = dict(job.request)
    if "ProfilerConfig" in asked:
        if not job.open:
            raise validation(
                f"The ProfilerConfig of the training job {job.name} cannot be updated: it is in "
                f"status {job.status}."
            )
        request["ProfilerConfig"] = {**request.get("ProfilerConfig", {}), **asked["ProfilerConfig"]}
    if "ResourceConfig" in asked:
        if not job.open or not request["ResourceConfig"].get("KeepAlivePeriodInSeconds"):
            raise validation(
                f"The KeepAlivePeriodInSeconds of the training job {job.name} cannot be updated: "
                "it has no warm pool, or one that is Terminated."
            )
        request["ResourceConfig"] = {**request["ResourceConfig"], **asked["ResourceConfig"]}
    return request
