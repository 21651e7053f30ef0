"""The bucket of a call, and whether it is the caller's idea of it."""

import re
from dataclasses import dataclass

from flowmaker.aws.errors import AwsError
from flowmaker.aws.s3 import failures
from flowmaker.aws.service import Call
from flowmaker.clock import Clock
from flowmaker.objects.disk import DiskObjectStore, Opened
from flowmaker.objects.index import versions
from flowmaker.objects.objects import Bucket, StoredObject
from flowmaker.objects.uploads import Marker

#: What versions are called here; what is not of this form was never one.
_VERSION = re.compile(r"[A-Z2-7]{32}")
#: What a call knows of its object.
_LATEST, _OPENED = "s3.latest", "s3.opened"


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
    bucket = await bucket_of(ground, call)
    key, version = call.parameters["Key"], call.parameters.get("VersionId")
    if version is None:
        stored = await latest(ground, call)
    else:
        stored = await version_of(ground, bucket, key, version)
    if stored is None:
        raise await absent(ground, bucket, key)
    return stored


async def absent(ground: Ground, bucket: Bucket, key: str) -> AwsError:
    """That there is no such object; that its newest version is a delete marker, if it is."""
    if versions.status(bucket.configurations):
        marker = await ground.store.marker(bucket.name, key)
        if marker is not None:
            return failures.deleted(key, marker.version_id)
    return failures.no_such_key(key)


async def latest(ground: Ground, call: Call) -> StoredObject | None:
    """The object of the call's key: who may is decided by the tags of the one that is answered."""
    if call.operation == "GetObject":
        opened = await latest_opened(ground, call)
        return opened.stored if opened else None
    if _LATEST not in call.known:
        named = call.parameters
        call.known[_LATEST] = await ground.store.get(named["Bucket"], named["Key"])
    return call.known[_LATEST]


async def latest_opened(ground: Ground, call: Call) -> Opened | None:
    """The same, with its bytes."""
    if _OPENED not in call.known:
        named = call.parameters
        call.known[_OPENED] = await ground.store.look(named["Bucket"], named["Key"])
    return call.known[_OPENED]


async def version_of(ground: Ground, bucket: Bucket, key: str, version: str) -> StoredObject:
    """A version of an object.

    Raises:
        AwsError: InvalidArgument, NoSuchVersion; MethodNotAllowed if it is a delete marker.
    """
    keeps = versions.status(bucket.configurations) and _VERSION.fullmatch(version)
    if not keeps and version != versions.NULL:
        raise failures.invalid_argument("Invalid version id specified", "versionId", version)
    found = await ground.store.get_version(bucket.name, key, version)
    if found is None:
        raise failures.no_such_version(key, version)
    if isinstance(found, Marker):
        raise failures.is_marker(key, found.version_id)
    return found


def version_told(bucket: Bucket, version_id: str) -> dict[str, str]:
    """The VersionId of an answer: of a bucket that has never kept versions there is none."""
    return {"VersionId": version_id} if versions.status(bucket.configurations) else {}


def expect_owner(bucket: Bucket, owner: str | None) -> None:
    if owner is not None and owner != bucket.owner:
        raise AwsError("AccessDenied", "Access Denied", 403)
