"""Uploads in parts: begun, completed, aborted and listed."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from flowmaker import ids
from flowmaker.aws.errors import AwsError
from flowmaker.aws.s3 import checksums, failures, headers, names
from flowmaker.aws.s3.conditions import expectation, unquoted
from flowmaker.aws.s3.parts import MOST_PARTS, UPLOAD, upload_of
from flowmaker.aws.s3.place import Ground, bucket_of, version_told
from flowmaker.aws.s3.uploading import described
from flowmaker.aws.service import Answer, Call
from flowmaker.objects.blobs import Finished, NewBlob
from flowmaker.objects.index import uploads
from flowmaker.objects.objects import Piece, StoredObject
from flowmaker.objects.uploads import Part, Upload

#: The smallest part that is not the last.
_SMALLEST = 5 << 20
#: Kept with an object: the upload that it was.
_MADE_BY = "UploadId"
_MD5 = re.compile(r"[0-9a-f]{32}")
CREATE = (
    *headers.WRITTEN, "Bucket", "Key", "ExpectedBucketOwner", "ChecksumAlgorithm", "ChecksumType",
)  # fmt: skip
COMPLETE = (
    *UPLOAD, *checksums.MEMBERS, "MultipartUpload", "ChecksumType", "MpuObjectSize", "IfMatch",
    "IfNoneMatch",
)  # fmt: skip


async def create_multipart_upload(ground: Ground, call: Call) -> Answer:
    bucket = await bucket_of(ground, call)
    parameters = call.parameters
    names.check_key(parameters["Key"])
    asked = parameters.get("ChecksumAlgorithm")
    algorithm = checksums.checked(asked or checksums.DEFAULT)
    stored = described(bucket, parameters)
    upload = Upload(
        bucket=bucket.name,
        key=stored.key,
        upload_id=ids.token(64),
        initiator=call.principal.arn,
        started_at=ground.clock.now(),
        content_type=stored.content_type,
        headers=stored.headers,
        metadata=stored.metadata,
        tags=stored.tags,
        checksum_algorithm=algorithm,
        checksum_type=checksums.type_for(algorithm, parameters.get("ChecksumType")),
        checksum_asked=asked is not None,
    )
    with failures.translated(bucket.name):
        await ground.store.database.write(uploads.begin, upload)
    answer = {"Bucket": upload.bucket, "Key": upload.key, "UploadId": upload.upload_id}
    if asked:
        answer["ChecksumAlgorithm"] = algorithm
        answer["ChecksumType"] = upload.checksum_type
    return {**answer, **headers.given_back(stored, headers.ENCRYPTION)}


async def abort_multipart_upload(ground: Ground, call: Call) -> Answer:
    upload = await upload_of(ground, call)
    with failures.translated(upload.bucket, upload.key, upload.upload_id):
        unused = await ground.store.database.write(uploads.abort, upload.upload_id)
    await ground.store.discard(unused)
    return {}


async def complete_multipart_upload(ground: Ground, call: Call) -> Answer:
    """Whoever asks again gets the same answer, as from S3: the first may have been lost."""
    try:
        return await _complete(ground, call)
    except AwsError as error:
        again = await _completed(ground, call) if error.code == "NoSuchUpload" else None
        if again is None:
            raise
        return again


async def _completed(ground: Ground, call: Call) -> Answer:
    """The answer for an upload that is the object of its key; nothing when it is not, or not so."""
    parameters = call.parameters
    stored = await ground.store.get(parameters["Bucket"], parameters["Key"])
    if stored is None or stored.headers.get(_MADE_BY) != parameters["UploadId"]:
        return None
    listed = parameters.get("MultipartUpload", {}).get("Parts", [])
    etags = [unquoted(one.get("ETag", "")) for one in listed]
    if not all(_MD5.fullmatch(etag) for etag in etags) or _etag(etags) != stored.etag:
        return None
    bucket = await bucket_of(ground, call)
    kind = stored.headers.get("ChecksumType")
    return {
        "Location": f"{call.endpoint}/{stored.bucket}/{stored.key}",
        "Bucket": stored.bucket,
        "Key": stored.key,
        "ETag": f'"{stored.etag}"',
        **stored.checksums,
        **({"ChecksumType": kind} if kind else {}),
        **version_told(bucket, stored.version_id),
        **headers.given_back(stored, headers.ENCRYPTION),
    }


async def _complete(ground: Ground, call: Call) -> Answer:
    upload = await upload_of(ground, call)
    parameters = call.parameters
    expected = expectation(parameters)
    listed = parameters.get("MultipartUpload", {}).get("Parts", [])
    uploaded = await ground.store.database.read(uploads.list_parts, upload.upload_id)
    parts = chosen(listed, {part.number: part for part in uploaded})
    whole = _Whole(upload, parts)
    whole.check(parameters)

    answer: dict[str, Any] = {
        "Location": f"{call.endpoint}/{upload.bucket}/{upload.key}",
        "Bucket": upload.bucket,
        "Key": upload.key,
        "ETag": f'"{whole.etag}"',
        **whole.checksums,
    }

    def fill(blob: NewBlob) -> None:
        for part in parts:
            blob.append_file(ground.store.blobs.path(part.blob))

    def write(finished: Finished) -> list[str]:
        stored = whole.stored(ground, finished)
        written = ground.store.database.write_now(
            uploads.complete, upload.upload_id, stored, expected
        )
        if written.version_id:
            answer["VersionId"] = written.version_id
        return written.unused

    with failures.translated(upload.bucket, upload.key, upload.upload_id):
        try:
            await ground.store.compose(fill, write)
        except FileNotFoundError:  # another request completed or aborted it, or replaced a part
            raise failures.no_such_upload(upload.upload_id) from None
    if whole.checksums:
        answer["ChecksumType"] = upload.checksum_type
    return {**answer, **headers.given_back_of(upload.headers, headers.ENCRYPTION)}


def chosen(listed: Sequence[dict[str, Any]], uploaded: dict[int, Part]) -> list[Part]:
    """The parts that the object is made of.

    Raises:
        AwsError: MalformedXML, InvalidPartOrder, InvalidPart, EntityTooSmall.
    """
    if not 1 <= len(listed) <= MOST_PARTS or any("PartNumber" not in one for one in listed):
        raise failures.malformed_xml()
    numbers = [one["PartNumber"] for one in listed]
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        message = (
            "The list of parts was not in ascending order. The parts list must be specified in "
            "order by part number."
        )
        raise AwsError("InvalidPartOrder", message, 400)
    parts = [_match(one, uploaded.get(one["PartNumber"])) for one in listed]
    for part in parts[:-1]:
        if part.size < _SMALLEST:
            message = "Your proposed upload is smaller than the minimum allowed size"
            raise AwsError(
                "EntityTooSmall",
                message,
                400,
                ProposedSize=str(part.size),
                MinSizeAllowed=str(_SMALLEST),
                PartNumber=str(part.number),
                ETag=part.etag,
            )
    return parts


def _match(one: dict[str, Any], part: Part | None) -> Part:
    sums = {name: one[name] for name in checksums.MEMBERS if name in one}
    etag = unquoted(one.get("ETag", ""))
    if (
        part is None
        or part.etag != etag
        or any(part.checksums.get(name, value) != value for name, value in sums.items())
    ):
        message = (
            "One or more of the specified parts could not be found.  The part may not have been "
            "uploaded, or the specified entity tag may not match the part's entity tag."
        )
        raise AwsError("InvalidPart", message, 400, PartNumber=str(one["PartNumber"]), ETag=etag)
    return part


def _etag(parts: Sequence[str]) -> str:
    digests = b"".join(bytes.fromhex(etag) for etag in parts)
    return f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"


@dataclass(frozen=True)
class _Whole:
    """The object that parts make."""

    upload: Upload
    parts: Sequence[Part]

    @property
    def etag(self) -> str:
        """The MD5 of the parts' MD5s, and how many they are."""
        return _etag([part.etag for part in self.parts])

    @property
    def checksums(self) -> dict[str, str]:
        sums = [(part.checksums, part.size) for part in self.parts]
        return checksums.of_parts(self.upload.checksum_algorithm, self.upload.checksum_type, sums)

    def check(self, parameters: dict[str, Any]) -> None:
        """Compare with what the client says that the object must be.

        Raises:
            AwsError: InvalidRequest, BadDigest.
        """
        size = sum(part.size for part in self.parts)
        wanted = parameters.get("MpuObjectSize")
        if wanted not in (None, size):
            raise failures.invalid_request(
                f"The provided 'x-amz-mp-object-size' header value {wanted} does not match what "
                f"was computed: {size}"
            )
        if parameters.get("ChecksumType") not in (None, self.upload.checksum_type):
            raise failures.invalid_request(
                f"The upload was created using the {self.upload.checksum_type} checksum mode. The "
                "complete request must use the same checksum mode."
            )
        for name, value in checksums.given(parameters).items():
            computed = self.checksums.get(name)
            if computed is None:
                raise failures.invalid_request(f"The upload was not created with {name}.")
            if computed.partition("-")[0] != value.partition("-")[0]:
                raise failures.bad_digest(name.removeprefix("Checksum"))

    def stored(self, ground: Ground, finished: Finished) -> StoredObject:
        upload = self.upload
        kind = {"ChecksumType": upload.checksum_type} if self.checksums else {}
        return StoredObject(
            bucket=upload.bucket,
            key=upload.key,
            size=finished.size,
            etag=self.etag,
            blob=finished.blob,
            modified_at=ground.clock.now(),
            content_type=upload.content_type,
            headers={**upload.headers, **kind, _MADE_BY: upload.upload_id},
            metadata=upload.metadata,
            checksums=self.checksums,
            tags=upload.tags,
            version_id=ids.token(32),
            parts=tuple(
                Piece(number=number, size=part.size, checksums=part.checksums)
                for number, part in enumerate(self.parts, 1)
            ),
        )
