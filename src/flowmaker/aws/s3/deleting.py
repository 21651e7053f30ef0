"""DeleteObject and DeleteObjects."""

from typing import Any

from flowmaker.aws.errors import AwsError
from flowmaker.aws.s3 import failures
from flowmaker.aws.s3.conditions import expectation, unquoted
from flowmaker.aws.s3.place import Ground, bucket_of
from flowmaker.aws.service import Answer, Call
from flowmaker.objects.index import versions
from flowmaker.objects.objects import Bucket
from flowmaker.objects.uploads import Deleted, Deletion, Expectation

#: Keys that may be deleted in one request.
_MOST = 1000
DELETE = ("Bucket", "Key", "VersionId", "IfMatch", "ExpectedBucketOwner", "RequestPayer")
DELETE_MANY = ("Bucket", "Delete", "ChecksumAlgorithm", "ExpectedBucketOwner", "RequestPayer")


async def delete_object(ground: Ground, call: Call) -> Answer:
    bucket = await bucket_of(ground, call)
    parameters = call.parameters
    key, version = parameters["Key"], parameters.get("VersionId", "")
    _check_version(bucket, version)
    one = Deletion(key=key, version_id=version, expected=expectation(parameters))
    with failures.translated(bucket.name, key):
        (done,) = await ground.store.remove(bucket.name, [one])
    return _told(done) if versions.status(bucket.configurations) else {}


async def delete_objects(ground: Ground, call: Call) -> Answer:
    bucket = await bucket_of(ground, call)
    wanted = call.parameters["Delete"]
    objects: list[dict[str, Any]] = wanted.get("Objects") or []
    if not 1 <= len(objects) <= _MOST:
        raise failures.malformed_xml()
    plain = [one for one in objects if set(one) <= {"Key", "VersionId"} and _is_right(bucket, one)]
    done = await ground.store.remove(bucket.name, [_deletion(one) for one in plain])
    deleted = [_told_of_many(one, asked) for one, asked in zip(done, plain, strict=True)]
    errors: list[dict[str, Any]] = []
    for one in objects:
        if one in plain:
            continue
        try:
            deleted.append(await _delete_if(ground, bucket, one))
        except AwsError as error:
            said = {name: one[name] for name in ("Key", "VersionId") if name in one}
            errors.append({**said, "Code": error.code, "Message": error.message})
    answer: dict[str, Any] = {} if wanted.get("Quiet") else {"Deleted": deleted}
    return {**answer, "Errors": errors} if errors else answer


def _check_version(bucket: Bucket, version: str) -> None:
    """Where no versions are kept each object is its own version NULL."""
    if not versions.status(bucket.configurations) and version not in ("", versions.NULL):
        raise failures.invalid_argument("Invalid version id specified", "versionId", version)


def _is_right(bucket: Bucket, one: dict[str, Any]) -> bool:
    try:
        _check_version(bucket, one.get("VersionId", ""))
    except AwsError:
        return False
    return True


def _deletion(one: dict[str, Any], expected: Expectation | None = None) -> Deletion:
    return Deletion(key=one["Key"], version_id=one.get("VersionId", ""), expected=expected)


async def _delete_if(ground: Ground, bucket: Bucket, one: dict[str, Any]) -> dict[str, Any]:
    """Delete one object on conditions.

    Raises:
        AwsError: what goes wrong with it.
    """
    _check_version(bucket, one.get("VersionId", ""))
    unknown = set(one) - {"Key", "VersionId", "ETag"}
    if unknown:
        raise failures.not_implemented(f"{min(unknown)} in DeleteObjects")
    with failures.translated(bucket.name, one["Key"]):
        expected = Expectation(etag=unquoted(one["ETag"]))
        (done,) = await ground.store.remove(bucket.name, [_deletion(one, expected)])
    return _told_of_many(done, one)


def _told(done: Deleted) -> dict[str, Any]:
    """The answer of DeleteObject where versions are kept."""
    marker = {"DeleteMarker": True} if done.marker else {}
    return {"VersionId": done.version_id, **marker}


def _told_of_many(done: Deleted, asked: dict[str, Any]) -> dict[str, Any]:
    """One of the answer of DeleteObjects."""
    told = {name: asked[name] for name in ("Key", "VersionId") if name in asked}
    if done.marker:
        told |= {"DeleteMarker": True, "DeleteMarkerVersionId": done.version_id}
    return told
