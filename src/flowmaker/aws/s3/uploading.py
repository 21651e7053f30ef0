"""PutObject: bytes come in, are hashed on the way, and become an object when all are there."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

from flowmaker import ids
from flowmaker.aws.errors import AwsError
from flowmaker.aws.s3 import checksums, failures, headers, names
from flowmaker.aws.s3.conditions import expectation
from flowmaker.aws.s3.place import Ground, bucket_of
from flowmaker.aws.s3.policies import default_encryption
from flowmaker.aws.service import Answer, Call
from flowmaker.objects.blobs import Finished
from flowmaker.objects.index import entries
from flowmaker.objects.objects import Bucket, StoredObject

#: The largest object in one go, and the largest part.
LARGEST = 5 << 30
PUT = (
    *headers.WRITTEN, *checksums.MEMBERS, "Bucket", "Key", "ContentLength", "ContentMD5",
    "ChecksumAlgorithm", "IfMatch", "IfNoneMatch", "ExpectedBucketOwner",
)  # fmt: skip


async def put_object(ground: Ground, call: Call) -> Answer:
    bucket = await bucket_of(ground, call)
    parameters = call.parameters
    names.check_key(parameters["Key"])
    check_length(call)
    expected = expectation(parameters)
    stored = described(bucket, parameters)
    arriving = Arriving(call)

    def write(finished: Finished) -> list[str]:
        nonlocal stored
        stored = replace(
            stored,
            size=finished.size,
            etag=finished.md5,
            blob=finished.blob,
            modified_at=ground.clock.now(),
            checksums=arriving.members(),
        )
        written = ground.store.database.write_now(entries.put, stored, expected)
        stored = replace(stored, version_id=written.version_id)
        return written.unused

    with failures.translated(stored.bucket, stored.key):
        await ground.store.receive(limited(call.body), write, arriving.digests)
    return {
        "ETag": f'"{stored.etag}"',
        **stored.checksums,
        "ChecksumType": checksums.FULL_OBJECT,
        **headers.given_back(stored, headers.ENCRYPTION),
        **({"VersionId": stored.version_id} if stored.version_id else {}),
    }


def described(bucket: Bucket, parameters: Mapping[str, Any]) -> StoredObject:
    """An object as a write describes it, before there is a byte of it."""
    return StoredObject(
        bucket=bucket.name,
        key=parameters["Key"],
        size=0,
        etag="",
        blob="",
        modified_at=bucket.created_at,
        content_type=parameters.get("ContentType") or headers.DEFAULT_TYPE,
        headers=_headers(bucket, parameters),
        metadata=headers.metadata(parameters),
        version_id=ids.token(32),
        tags=headers.tags(parameters.get("Tagging")),
    )


def _headers(bucket: Bucket, parameters: Mapping[str, Any]) -> dict[str, str]:
    kept = headers.kept(parameters, (*headers.CONTENT, *headers.STORAGE))
    if "ServerSideEncryption" in kept:  # then nothing of the bucket's own counts, its key neither
        return kept
    return {**default_encryption(bucket), **kept}


class Arriving:
    """The checksums of a body on its way.

    The gateway compares those that the client sends; S3 keeps one even when the client sends none.
    """

    def __init__(self, call: Call, algorithm: str = "") -> None:
        """`algorithm` is kept whatever the client sends, when it is not empty."""
        self._call = call
        self._given = checksums.given(call.parameters)
        self._trailing = checksums.trailing(call.headers)
        sent = {*self._given, *(f"Checksum{name}" for name in self._trailing)}
        if not algorithm and not sent:
            algorithm = call.parameters.get("ChecksumAlgorithm", checksums.DEFAULT)
        computed = algorithm and f"Checksum{algorithm}" not in sent
        self.digests = (checksums.Checksum(algorithm),) if computed else ()

    def members(self) -> dict[str, str]:
        """The checksums that are kept and answered; once all has arrived."""
        found = dict(self._given)
        for name in self._trailing:
            found[f"Checksum{name}"] = self._call.trailers[f"x-amz-checksum-{name.lower()}"]
        for digest in self.digests:
            found.update(digest.members())
        return found


def check_length(call: Call) -> None:
    """Refuse a body that is too large before it is sent.

    Raises:
        AwsError: EntityTooLarge.
    """
    text = call.headers.get("x-amz-decoded-content-length") or call.headers.get("content-length")
    if text and text.isdecimal() and int(text) > LARGEST:
        raise _too_large(int(text))


async def limited(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The body, as long as it is not too large: its length may not have been told."""
    size = 0
    async for chunk in body:
        size += len(chunk)
        if size > LARGEST:
            raise _too_large(size)
        yield chunk


def _too_large(size: int) -> AwsError:
    message = "Your proposed upload exceeds the maximum allowed size"
    return AwsError(
        "EntityTooLarge", message, 400, ProposedSize=str(size), MaxSizeAllowed=str(LARGEST)
    )
