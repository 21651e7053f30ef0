"""DeleteObject and DeleteObjects."""

from typing import Any

from flowmaker.aws.errors import AwsError
from flowmaker.aws.s3 import failures
from flowmaker.aws.s3.conditions import expectation, unquoted
from flowmaker.aws.s3.place import Ground, bucket_of, check_version
from flowmaker.aws.service import Answer, Call
from flowmaker.objects.index import entries
from flowmaker.objects.uploads import Expectation

#: Keys that may be deleted in one request.
_MOST = 1000
DELETE = ("Bucket", "Key", "VersionId", "IfMatch", "ExpectedBucketOwner", "RequestPayer")
DELETE_MANY = ("Bucket", "Delete", "ChecksumAlgorithm", "ExpectedBucketOwner", "RequestPayer")


async def delete_object(ground: Ground, call: Call) -> Answer:
    bucket = await bucket_of(ground, call)
    check_version(call.parameters.get("VersionId"))
    key = call.parameters["Key"]
    with failures.translated(bucket.name, key):
        await _delete(ground, bucket.name, [key], expectation(call.parameters))
    return {}


async def delete_objects(ground: Ground, call: Call) -> Answer:
    bucket = await bucket_of(ground, call)
    wanted = call.parameters["Delete"]
    objects: list[dict[str, Any]] = wanted.get("Objects") or []
    if not 1 <= len(objects) <= _MOST:
        raise failures.malformed_xml()
    errors: list[dict[str, Any]] = []
    plain = [one for one in objects if _is_plain(one)]
    await _delete(ground, bucket.name, [one["Key"] for one in plain], None)
    for one in objects:
        if not _is_plain(one):
            errors += await _delete_if(ground, bucket.name, one)
    failed = {error["Key"] for error in errors}
    deleted = [
        {name: one[name] for name in ("Key", "VersionId") if name in one}
        for one in objects
        if one["Key"] not in failed
    ]
    answer: dict[str, Any] = {} if wanted.get("Quiet") else {"Deleted": deleted}
    return {**answer, "Errors": errors} if errors else answer


def _is_plain(one: dict[str, Any]) -> bool:
    return set(one) <= {"Key", "VersionId"} and one.get("VersionId") in (None, "null")


async def _delete_if(ground: Ground, bucket: str, one: dict[str, Any]) -> list[dict[str, Any]]:
    """Delete one object on conditions; what went wrong."""
    try:
        check_version(one.get("VersionId"))
        unknown = set(one) - {"Key", "VersionId", "ETag"}
        if unknown:
            raise failures.not_implemented(f"{min(unknown)} in DeleteObjects")
        with failures.translated(bucket, one["Key"]):
            expected = Expectation(etag=unquoted(one["ETag"]))
            await _delete(ground, bucket, [one["Key"]], expected)
    except AwsError as error:
        said = {name: one[name] for name in ("Key", "VersionId") if name in one}
        return [{**said, "Code": error.code, "Message": error.message}]
    return []


async def _delete(
    ground: Ground, bucket: str, keys: list[str], expected: Expectation | None
) -> None:
    unused = await ground.store.database.write(entries.remove, bucket, keys, expected)
    await ground.store.discard(unused)
