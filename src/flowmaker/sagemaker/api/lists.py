"""The List operations: pages, filters and orders, the same for every kind."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowmaker.aws.errors import validation
from flowmaker.aws.service import Call
from flowmaker.sagemaker.api import members
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


LISTINGS = {
    "ListTrainingJobs": Listing(
        kind=Kind.TRAINING_JOB,
        member="TrainingJobSummaries",
        prefix="TrainingJob",
        ascending=True,
    ),
    "ListModels": Listing(kind=Kind.MODEL, member="Models", prefix="Model"),
    "ListEndpointConfigs": Listing(
        kind=Kind.ENDPOINT_CONFIG, member="EndpointConfigs", prefix="EndpointConfig"
    ),
    "ListEndpoints": Listing(kind=Kind.ENDPOINT, member="Endpoints", prefix="Endpoint"),
    "ListTransformJobs": Listing(
        kind=Kind.TRANSFORM_JOB, member="TransformJobSummaries", prefix="TransformJob"
    ),
}


async def listed(desk: Desk, call: Call) -> Mapping[str, Any]:
    """The page that a List operation asks for."""
    members.check(call)
    listing = LISTINGS[call.operation]
    wanted = _search(call, listing)
    found = await desk.database.read(resources.search, wanted)
    page = found[: wanted.limit]
    answer: dict[str, Any] = {listing.member: [_summary(listing, one) for one in page]}
    if len(found) > wanted.limit:
        last = page[-1]
        answer["NextToken"] = _token((resources.sort_value(last, wanted.sort_by), last.id))
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
        created_after=given.get("CreationTimeAfter"),
        created_before=given.get("CreationTimeBefore"),
        modified_after=given.get("LastModifiedTimeAfter"),
        modified_before=given.get("LastModifiedTimeBefore"),
        sort_by=given.get("SortBy", "CreationTime"),
        descending=order == "Descending" if order else not listing.ascending,
        limit=given.get("MaxResults", PAGE),
        after=_after(given.get("NextToken")),
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
    if one.kind is Kind.TRANSFORM_JOB:
        batch = decode(TransformState, one.state)
        summary["TransformEndTime"] = batch.ended_at
        summary["FailureReason"] = batch.failure_reason or None
    return {name: value for name, value in summary.items() if value is not None}


def _token(after: tuple[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(after).encode()).decode()


def _after(token: str | None) -> tuple[str, str] | None:
    if not token:
        return None
    try:
        value, last = json.loads(base64.urlsafe_b64decode(token))
        return str(value), str(last)
    except (binascii.Error, ValueError, TypeError):
        raise validation("The NextToken is not one that this operation gave") from None
