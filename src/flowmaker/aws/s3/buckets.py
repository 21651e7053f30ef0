"""Buckets: made, found, listed and removed."""

from typing import Any

from flowmaker.aws.errors import AwsError
from flowmaker.aws.s3 import configurations, failures, names
from flowmaker.aws.s3.headers import check_acl
from flowmaker.aws.s3.listing import max_keys
from flowmaker.aws.s3.place import Ground, bucket_of
from flowmaker.aws.service import Answer, Call
from flowmaker.objects.index import buckets
from flowmaker.objects.objects import Bucket

#: The region whose buckets have no location constraint, and where a bucket may be made again.
FIRST_REGION = "us-east-1"
_OLD_NAMES = {"EU": "eu-west-1"}
CREATE = ("Bucket", "ACL", "CreateBucketConfiguration", "ObjectOwnership")
NAMED = ("Bucket", "ExpectedBucketOwner")
LIST = ("MaxBuckets", "ContinuationToken", "Prefix", "BucketRegion")


async def create_bucket(ground: Ground, call: Call) -> Answer:
    parameters = call.parameters
    name = parameters["Bucket"]
    names.check_bucket(name)
    check_acl(parameters.get("ACL"))
    configurations.check_ownership(parameters.get("ObjectOwnership"))
    configuration: dict[str, Any] = parameters.get("CreateBucketConfiguration") or {}
    for member in set(configuration) - {"LocationConstraint", "Tags"}:
        raise failures.not_implemented(f"CreateBucketConfiguration.{member}")
    wanted = Bucket(
        name=name,
        owner=call.account,
        region=_region(call, configuration.get("LocationConstraint")),
        created_at=ground.clock.now(),
        configurations=configurations.of_new(configuration.get("Tags")),
    )
    made = await ground.store.create_bucket(wanted)
    if not made.new:
        _check_again(call, made.bucket)
    location = f"/{name}" if call.region == FIRST_REGION else f"{call.endpoint}/{name}"
    return {"Location": location, "BucketArn": names.bucket_arn(name)}


async def head_bucket(ground: Ground, call: Call) -> Answer:
    bucket = await bucket_of(ground, call)
    return {
        "BucketRegion": bucket.region,
        "BucketArn": names.bucket_arn(bucket.name),
        "AccessPointAlias": False,
    }


async def get_bucket_location(ground: Ground, call: Call) -> Answer:
    bucket = await bucket_of(ground, call)
    return {} if bucket.region == FIRST_REGION else {"LocationConstraint": bucket.region}


async def delete_bucket(ground: Ground, call: Call) -> Answer:
    bucket = await bucket_of(ground, call)
    try:
        with failures.translated(bucket.name):
            await ground.store.delete_bucket(bucket.name)
    except AwsError as error:
        if error.code != "PreconditionFailed":
            raise
        message = "The bucket you tried to delete is not empty"
        raise AwsError("BucketNotEmpty", message, 409, BucketName=bucket.name) from None
    return {}


async def list_buckets(ground: Ground, call: Call) -> Answer:
    parameters = call.parameters
    limit = max_keys(parameters.get("MaxBuckets"), "max-buckets") or 1
    if "MaxBuckets" not in parameters:
        limit = 10_000
    prefix = parameters.get("Prefix", "")
    found = await ground.store.database.read(
        buckets.page,
        (call.account, parameters.get("BucketRegion")),
        prefix,
        parameters.get("ContinuationToken", ""),
        limit + 1,
    )
    page = found[:limit]
    answer: dict[str, Any] = {
        "Owner": {"ID": names.owner_id(call.account)},
        "Buckets": [
            {
                "Name": bucket.name,
                "CreationDate": bucket.created_at,
                "BucketRegion": bucket.region,
                "BucketArn": names.bucket_arn(bucket.name),
            }
            for bucket in page
        ],
    }
    if prefix:
        answer["Prefix"] = prefix
    if len(found) > limit:
        answer["ContinuationToken"] = page[-1].name
    return answer


def _region(call: Call, constraint: str | None) -> str:
    if constraint == FIRST_REGION:
        message = "The specified location-constraint is not valid"
        raise AwsError("InvalidLocationConstraint", message, 400, LocationConstraint=constraint)
    region = _OLD_NAMES.get(constraint or "", constraint or FIRST_REGION)
    if call.region not in (FIRST_REGION, region):
        message = (
            f"The {constraint or 'unspecified'} location constraint is incompatible for the region "
            "specific endpoint this request was sent to."
        )
        raise AwsError("IllegalLocationConstraintException", message, 400)
    return region


def _check_again(call: Call, bucket: Bucket) -> None:
    """The bucket exists: to its owner, in the first region, that is no error."""
    if bucket.owner != call.account:
        message = (
            "The requested bucket name is not available. The bucket namespace is shared by all "
            "users of the system. Please select a different name and try again."
        )
        raise AwsError("BucketAlreadyExists", message, 409, BucketName=bucket.name)
    if not call.region == bucket.region == FIRST_REGION:
        message = (
            "Your previous request to create the named bucket succeeded and you already own it."
        )
        raise AwsError("BucketAlreadyOwnedByYou", message, 409, BucketName=bucket.name)
