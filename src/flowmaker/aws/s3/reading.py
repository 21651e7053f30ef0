"""GetObject and HeadObject."""

from collections.abc import AsyncIterator
from typing import Any

from flowmaker.aws.s3 import checksums, failures, headers
from flowmaker.aws.s3.conditions import unmodified
from flowmaker.aws.s3.place import (
    Ground,
    absent,
    bucket_of,
    latest_opened,
    object_of,
    version_of,
    version_told,
)
from flowmaker.aws.s3.ranges import Extent, requested
from flowmaker.aws.service import Answer, Call, Reply
from flowmaker.objects.disk import Opened
from flowmaker.objects.objects import Bucket, StoredObject
from flowmaker.objects.streams import PIECE, FileStream

_OVERRIDES = {
    "ResponseCacheControl": "CacheControl",
    "ResponseContentDisposition": "ContentDisposition",
    "ResponseContentEncoding": "ContentEncoding",
    "ResponseContentLanguage": "ContentLanguage",
    "ResponseContentType": "ContentType",
    "ResponseExpires": "Expires",
}
READ = (
    *_OVERRIDES, "Bucket", "Key", "IfMatch", "IfNoneMatch", "IfModifiedSince", "IfUnmodifiedSince",
    "Range", "PartNumber", "VersionId", "ChecksumMode", "ExpectedBucketOwner", "RequestPayer",
)  # fmt: skip


async def head_object(ground: Ground, call: Call) -> Answer:
    bucket = await bucket_of(ground, call)
    stored = await object_of(ground, call)
    if unmodified(stored, call.parameters):
        return not_modified(stored)
    extent = _extent(stored, call)
    answer = _answer(stored, call, extent) | version_told(bucket, stored.version_id)
    return Reply(parameters=answer, status=206 if extent else 0)


async def get_object(ground: Ground, call: Call) -> Answer:
    bucket = await bucket_of(ground, call)
    opened = await _opened(ground, call, bucket)
    stored = opened.stored
    if unmodified(stored, call.parameters):
        return not_modified(stored)
    extent = _extent(stored, call)
    start, length = (extent.start, extent.length) if extent else (0, stored.size)
    return Reply(
        parameters=_answer(stored, call, extent) | version_told(bucket, stored.version_id),
        body=await _body(ground, opened, start, length),
        length=length,
        status=206 if extent else 0,
    )


async def _opened(ground: Ground, call: Call, bucket: Bucket) -> Opened:
    key, version = call.parameters["Key"], call.parameters.get("VersionId", "")
    if not version:
        found = await latest_opened(ground, call)
        if found is None:
            raise await absent(ground, bucket, key)
        return found
    await version_of(ground, bucket, key, version)
    with failures.translated(bucket.name, key):
        return Opened(*await ground.store.open(bucket.name, key, version))


async def _body(
    ground: Ground, opened: Opened, start: int, length: int
) -> bytes | AsyncIterator[bytes]:
    if opened.content is not None:
        return opened.content[start : start + length]
    file = opened.file
    assert file is not None, "what is looked up is opened"
    if length > PIECE:
        return FileStream(file, start, length, ground.store.threads)
    return await ground.store.run(file.read, start, length)


def not_modified(stored: StoredObject) -> Reply:
    """The caller has it already."""
    parameters = {"ETag": f'"{stored.etag}"', "LastModified": stored.modified_at}
    return Reply(parameters=parameters, status=304)


def _extent(stored: StoredObject, call: Call) -> Extent | None:
    return requested(stored, call.parameters.get("Range"), call.parameters.get("PartNumber"))


def _answer(stored: StoredObject, call: Call, extent: Extent | None) -> dict[str, Any]:
    parameters = call.parameters
    answer: dict[str, Any] = {
        "AcceptRanges": "bytes",
        "LastModified": stored.modified_at,
        "ContentLength": extent.length if extent else stored.size,
        "ETag": f'"{stored.etag}"',
        "ContentType": stored.content_type,
        "Metadata": dict(stored.metadata),
        **headers.given_back(stored, (*headers.CONTENT, *headers.STORAGE)),
        **{
            name: parameters[override]
            for override, name in _OVERRIDES.items()
            if override in parameters
        },
    }
    if stored.tags:
        answer["TagCount"] = len(stored.tags)
    if extent:
        answer["ContentRange"] = extent.content_range(stored.size)
    if parameters.get("PartNumber") and stored.parts:
        answer["PartsCount"] = len(stored.parts)
    if parameters.get("ChecksumMode") == "ENABLED":
        answer.update(_checksums(stored, extent))
    return answer


def _checksums(stored: StoredObject, extent: Extent | None) -> dict[str, str]:
    """The checksums of what is answered: a client compares them with the bytes that it gets."""
    if extent is None:
        kind = stored.headers.get("ChecksumType", checksums.FULL_OBJECT)
        return {**stored.checksums, "ChecksumType": kind} if stored.checksums else {}
    if not extent.part:
        return {}
    if not stored.parts:
        return dict(stored.checksums)
    return dict(stored.parts[extent.part - 1].checksums)
