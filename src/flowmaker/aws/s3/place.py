"""The bucket of a call, and whether it is the caller's idea of it."""

from dataclasses import dataclass

from flowmaker.aws.errors import AwsError
from flowmaker.aws.s3 import failures
from flowmaker.aws.service import Call
from flowmaker.clock import Clock
from flowmaker.objects.disk import DiskObjectStore
from flowmaker.objects.objects import Bucket, StoredObject


@dataclass(frozen=True, slots=True)
class Ground:
    """What every handler stands on."""

    store: DiskObjectStore
    clock: Clock


async def bucket_of(ground: Ground, call: Call) -> Bucket:
    """The bucket that the call names.

    Raises:
        AwsError: NoSuchBucket; AccessDenied when it is not the expected owner's.
    """
    name = call.parameters["Bucket"]
    bucket = await ground.store.bucket(name)
    if bucket is None:
        raise failures.no_such_bucket(name)
    expect_owner(bucket, call.parameters.get("ExpectedBucketOwner"))
    return bucket


async def object_of(ground: Ground, call: Call) -> StoredObject:
    """The object that the call names.

    Raises:
        AwsError: NoSuchBucket, NoSuchKey, or the version is none.
    """
    await bucket_of(ground, call)
    check_version(call.parameters.get("VersionId"))
    key = call.parameters["Key"]
    stored = await ground.store.get(call.parameters["Bucket"], key)
    if stored is None:
        raise failures.no_such_key(key)
    return stored


def expect_owner(bucket: Bucket, owner: str | None) -> None:
    if owner is not None and owner != bucket.owner:
        raise AwsError("AccessDenied", "Access Denied", 403)


def check_version(version: str | None) -> None:
    """No bucket has versions: each object is its own version `null`."""
    if version not in (None, "null"):
        raise failures.invalid_argument("Invalid version id specified", "versionId", version)
