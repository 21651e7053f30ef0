"""CopyObject: a second link to the same bytes; none of them is read."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from flowmaker.aws.s3 import checksums, failures, headers, names
from flowmaker.aws.s3.conditions import expectation, unmodified
from flowmaker.aws.s3.place import Ground, bucket_of, expect_owner, version_of
from flowmaker.aws.s3.uploading import LARGEST, described
from flowmaker.aws.service import Answer, Call
from flowmaker.objects.blobs import Descriptor
from flowmaker.objects.index import entries
from flowmaker.objects.objects import StoredObject
from flowmaker.objects.streams import PIECE

SOURCE = (
    "CopySource", "CopySourceIfMatch", "CopySourceIfNoneMatch", "CopySourceIfModifiedSince",
    "CopySourceIfUnmodifiedSince", "ExpectedSourceBucketOwner", "ExpectedBucketOwner",
    "RequestPayer", "Bucket", "Key",
)  # fmt: skip
COPY = (
    *SOURCE, *headers.WRITTEN, "MetadataDirective", "TaggingDirective", "ChecksumAlgorithm",
    "IfMatch", "IfNoneMatch",
)  # fmt: skip


async def copy_object(ground: Ground, call: Call) -> Answer:
    bucket = await bucket_of(ground, call)
    parameters = call.parameters
    names.check_key(parameters["Key"])
    expected = expectation(parameters)
    source, file = await open_source(ground, parameters)
    if source.size > LARGEST:
        raise failures.invalid_request(
            "The specified copy source is larger than the maximum allowable size for a copy "
            f"source: {LARGEST}"
        )
    await _check_change(ground, source, parameters)
    copy = _described(source, described(bucket, parameters), parameters)
    sums = await _checksums(ground, source, file, parameters.get("ChecksumAlgorithm"))
    kind = source.headers.get("ChecksumType") if sums == source.checksums else None
    copy = replace(
        copy,
        size=source.size,
        etag=source.etag,
        modified_at=ground.clock.now(),
        checksums=sums,
        parts=source.parts,
        headers={**copy.headers, **({"ChecksumType": kind} if kind else {})},
    )

    versions: dict[str, str] = {}

    def write(blob: str) -> list[str]:
        put = replace(copy, blob=blob)
        written = ground.store.database.write_now(entries.put, put, expected)
        if written.version_id:
            versions["VersionId"] = written.version_id
        return written.unused

    with failures.translated(bucket.name, copy.key):
        await ground.store.duplicate(source, write)
    result = {"ETag": f'"{copy.etag}"', "LastModified": copy.modified_at, **sums}
    if sums:
        result["ChecksumType"] = kind or checksums.FULL_OBJECT
    if "?versionId=" in parameters["CopySource"]:
        versions["CopySourceVersionId"] = source.version_id
    kept = headers.given_back(copy, headers.ENCRYPTION)
    return {"CopyObjectResult": result, **kept, **versions}


def source_of(parameters: Mapping[str, Any]) -> tuple[str, str, str | None]:
    """Bucket, key and version of a copy's source.

    Raises:
        AwsError: InvalidArgument; access points are not there.
    """
    text: str = parameters["CopySource"]
    path, _, version = text.partition("?versionId=")
    bucket, _, key = unquote(path.removeprefix("/")).partition("/")
    if bucket.startswith("arn:"):
        raise failures.not_implemented("An access point as the source of a copy")
    if not bucket or not key:
        message = "Copy Source must mention the source bucket and key: sourcebucket/sourcekey"
        raise failures.invalid_argument(message, "x-amz-copy-source", text)
    return bucket, key, version or None


async def open_source(
    ground: Ground, parameters: Mapping[str, Any]
) -> tuple[StoredObject, Descriptor]:
    """The object that is copied from, when it is as the caller expects it.

    Raises:
        AwsError: NoSuchBucket, NoSuchKey, PreconditionFailed …
    """
    name, key, version = source_of(parameters)
    bucket = await ground.store.bucket(name)
    if bucket is None:
        raise failures.no_such_bucket(name)
    expect_owner(bucket, parameters.get("ExpectedSourceBucketOwner"))
    if version:
        await version_of(ground, bucket, key, version)
    with failures.translated(name, key):
        source, file = await ground.store.open(name, key, version or "")
    if unmodified(source, parameters, "CopySource"):
        raise failures.precondition_failed("x-amz-copy-source-If-None-Match")
    return source, file


def _described(
    source: StoredObject, copy: StoredObject, parameters: Mapping[str, Any]
) -> StoredObject:
    """The copy's own headers, metadata and tags, or the source's, as the directives say."""
    if parameters.get("MetadataDirective", "COPY") == "COPY":
        content = {name: source.headers[name] for name in headers.CONTENT if name in source.headers}
        own = {name: copy.headers[name] for name in headers.STORAGE if name in copy.headers}
        copy = replace(
            copy,
            content_type=source.content_type,
            metadata=source.metadata,
            headers={**content, **own},
        )
    if parameters.get("TaggingDirective", "COPY") == "COPY":
        copy = replace(copy, tags=source.tags)
    return copy


async def _check_change(
    ground: Ground, source: StoredObject, parameters: Mapping[str, Any]
) -> None:
    """An older version that is copied becomes the latest again: that is a change."""
    if (source.bucket, source.key) != (parameters["Bucket"], parameters["Key"]):
        return
    latest = await ground.store.get(source.bucket, source.key)
    is_latest = latest is not None and latest.version_id == source.version_id
    changes = parameters.get("MetadataDirective") == "REPLACE" or any(
        name in parameters for name in headers.STORAGE
    )
    if is_latest and not changes:
        raise failures.invalid_request(
            "This copy request is illegal because it is trying to copy an object to itself without "
            "changing the object's metadata, storage class, website redirect location or "
            "encryption attributes."
        )


async def _checksums(
    ground: Ground, source: StoredObject, file: Descriptor, algorithm: str | None
) -> dict[str, str]:
    """Those of the source, or the one that the caller wants instead."""
    if algorithm is None or f"Checksum{algorithm}" in source.checksums:
        return dict(source.checksums)
    checksum = checksums.Checksum(algorithm)

    def compute() -> dict[str, str]:
        for start in range(0, source.size, PIECE):
            checksum.update(file.read(start, PIECE))
        return checksum.members()

    return await ground.store.run(compute)
