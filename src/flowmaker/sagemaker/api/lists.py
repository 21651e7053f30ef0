"""The List operations: pages, filters and orders, the same for every kind."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from flowmaker.aws.errors import validation
from flowmaker.aws.service import Call
from flowmaker.sagemaker.api import members, warm_pools
from flowmaker.sagemaker.api.desk import Desk
from flowmaker.sagemaker.records.document import decode
from flowmaker.sagemaker.records.hosting import TransformState
from flowmaker.sagemaker.records.resource import Kind, Resource, Search
from flowmaker.sagemaker.records.training import TrainingState
from flowmaker.sagemaker.repository import resources

#: AWS's page when MaxResults is not given.
PAGE = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """How one kind is listed."""

    kind: Kind
    #: The member of the answer, and what names of summary members begin with.
    member: str
    prefix: str
    ascending: bool = False
    sort_by: str = "CreationTime"
    #: Whether what was made at the very `CreationTimeAfter` is listed, too.
    inclusive: bool = False
    #: What is told of each, where it is other than of a job.
    summary: Callable[[Resource], dict[str, Any]] | None = None


LISTINGS = {
    "ListTrainingJobs": Listing(
        kind=Kind.TRAINING_JOB,
        member="TrainingJobSummaries",
        prefix="TrainingJob",
        ascending=True,
    ),
    "ListModels": Listing(kind=Kind.MODEL, member="Models", prefix="Model", inclusive=True),
    "ListEndpointConfigs": Listing(
        kind=Kind.ENDPOINT_CONFIG,
        member="EndpointConfigs",
        prefix="EndpointConfig",
        inclusive=True,
    ),
    "ListEndpoints": Listing(
        kind=Kind.ENDPOINT, member="Endpoints", prefix="Endpoint", inclusive=True
    ),
    "ListTransformJobs": Listing(
        kind=Kind.TRANSFORM_JOB, member="TransformJobSummaries", prefix="TransformJob"
    ),
}


async def listed(desk: Desk, call: Call) -> Mapping[str, Any]:
    """The page that a List operation asks for."""
    members.check(call)
    listing, given = LISTINGS[call.operation], call.parameters
    pool = given.get("WarmPoolStatusEquals")
    none: Mapping[str, Any] = {}
    narrowed = warm_pools.narrowed(pool) if pool else none
    # No job has a training plan: CreateTrainingJob refuses it.
    if narrowed is None or given.get("TrainingPlanArnEquals"):
        return {listing.member: []}
    return await page(desk, call, listing, narrowed)


async def page(
    desk: Desk, call: Call, listing: Listing, narrowed: Mapping[str, Any] | None = None
) -> Mapping[str, Any]:
    """The page of a listing; `narrowed` are further members of its Search."""
    wanted = replace(_search(call, listing), **(narrowed or {}))
    found = await desk.database.read(resources.search, wanted)
    shown = found[: wanted.limit]
    summary = listing.summary or partial(_summary, listing)
    answer: dict[str, Any] = {listing.member: [summary(one) for one in shown]}
    if len(found) > wanted.limit:
        last = shown[-1]
        answer["NextToken"] = token((resources.sort_value(last, wanted.sort_by), last.id))
    return answer


def _search(call: Call, listing: Listing) -> Search:
    given = call.parameters
    order = given.get("SortOrder")
    return Search(
        kind=listing.kind,
        account=call.account,
        region=call.region,
        name_contains=given.get("NameContains", ""),
        status=given.get("StatusEquals", ""),
        created_after=given.get("CreationTimeAfter") or given.get("CreatedAfter"),
        created_before=given.get("CreationTimeBefore") or given.get("CreatedBefore"),
        modified_after=given.get("LastModifiedTimeAfter"),
        modified_before=given.get("LastModifiedTimeBefore"),
        from_created=listing.inclusive,
        sort_by=given.get("SortBy", listing.sort_by),
        descending=order == "Descending" if order else not listing.ascending,
        limit=given.get("MaxResults", PAGE),
        after=after(given.get("NextToken")),
    )


def _summary(listing: Listing, one: Resource) -> dict[str, Any]:
    summary: dict[str, Any] = {
        f"{listing.prefix}Name": one.name,
        f"{listing.prefix}Arn": one.arn,
        "CreationTime": one.created_at,
    }
    if one.status:
        summary |= {f"{listing.prefix}Status": one.status, "LastModifiedTime": one.modified_at}
    if one.kind is Kind.TRAINING_JOB:
        state = decode(TrainingState, one.state)
        summary["SecondaryStatus"] = state.transitions[-1].status
        summary["TrainingEndTime"] = state.training_ended_at
        summary |= warm_pools.told(one)
    if one.kind is Kind.TRANSFORM_JOB:
        batch = decode(TransformState, one.state)
        summary["TransformEndTime"] = batch.ended_at
        summary["FailureReason"] = batch.failure_reason or None
    return {name: value for name, value in summary.items() if value is not None}


def token(last: tuple[str, str]) -> str:
    """The NextToken after the sort value and id of a page's last."""
    return base64.urlsafe_b64encode(json.dumps(last).encode()).decode()


def after(given: str | None) -> tuple[str, str] | None:
    """What a NextToken says; None without one.

    Raises:
        AwsError: nobody gave it.
    """
    if not given:
        return None
    try:
        value, last = json.loads(base64.urlsafe_b64decode(given))
        return str(value), str(last)
    except (binascii.Error, ValueError, TypeError):
        raise validation("The NextToken is not one that this operation gave") from None
