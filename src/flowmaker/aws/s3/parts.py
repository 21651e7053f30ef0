"""UploadPart, UploadPartCopy and ListParts."""

from typing import Any

from flowmaker.aws.s3 import checksums, failures, headers, names
from flowmaker.aws.s3.copying import SOURCE, open_source
from flowmaker.aws.s3.listing import max_keys
from flowmaker.aws.s3.place import Ground, bucket_of
from flowmaker.aws.s3.ranges import Extent, copied
from flowmaker.aws.s3.uploading import Arriving, check_length, limited
from flowmaker.aws.service import Answer, Call
from flowmaker.objects.blobs import Finished, NewBlob
from flowmaker.objects.index import uploads
from flowmaker.objects.streams import PIECE, absorb
from flowmaker.objects.uploads import Part, Upload

MOST_PARTS = 10_000
UPLOAD = ("Bucket", "Key", "UploadId", "ExpectedBucketOwner", "RequestPayer")
PART = (
    *UPLOAD, *checksums.MEMBERS, "PartNumber", "ContentLength", "ContentMD5", "ChecksumAlgorithm",
)  # fmt: skip
PART_COPY = (*SOURCE, "CopySourceRange", "PartNumber", "UploadId")
PARTS = (*UPLOAD, "MaxParts", "PartNumberMarker")


async def upload_part(ground: Ground, call: Call) -> Answer:
    upload = await upload_of(ground, call)
    number = _number(call)
    check_length(call)
    _check_checksum(upload, call)
    arriving = Arriving(call, upload.checksum_algorithm)
    part: Part | None = None

    def write(finished: Finished) -> list[str]:
        nonlocal part
        part = _part(ground, upload, number, finished, arriving.members())
        return ground.store.database.write_now(uploads.put_part, part)

    with failures.translated(upload.bucket, upload.key, upload.upload_id):
        finished = await ground.store.receive(limited(call.body), write, arriving.digests)
    return {
        "ETag": f'"{finished.md5}"',
        **(part.checksums if part else {}),
        **_encryption(upload),
    }


async def upload_part_copy(ground: Ground, call: Call) -> Answer:
    upload = await upload_of(ground, call)
    number = _number(call)
    source, file = await open_source(ground, call.parameters)
    wanted = call.parameters.get("CopySourceRange")
    extent = copied(wanted, source.size) if wanted else Extent(0, source.size)
    checksum = checksums.Checksum(upload.checksum_algorithm)
    part: Part | None = None

    def fill(blob: NewBlob) -> None:
        end = extent.start + extent.length
        for start in range(extent.start, end, PIECE):
            absorb(blob, [file.read(start, min(PIECE, end - start))], (checksum,))

    def write(finished: Finished) -> list[str]:
        nonlocal part
        part = _part(ground, upload, number, finished, checksum.members())
        return ground.store.database.write_now(uploads.put_part, part)

    with failures.translated(upload.bucket, upload.key, upload.upload_id):
        finished = await ground.store.compose(fill, write)
    result: dict[str, Any] = {"ETag": f'"{finished.md5}"', **(part.checksums if part else {})}
    if part:
        result["LastModified"] = part.modified_at
    return {"CopyPartResult": result, **_encryption(upload)}


async def list_parts(ground: Ground, call: Call) -> Answer:
    upload = await upload_of(ground, call)
    bucket = await bucket_of(ground, call)
    after: int = call.parameters.get("PartNumberMarker") or 0
    limit = max_keys(call.parameters.get("MaxParts"), "max-parts")
    found = await ground.store.database.read(uploads.list_parts, upload.upload_id, after, limit + 1)
    page = found[:limit]
    answer: dict[str, Any] = {
        "Bucket": upload.bucket,
        "Key": upload.key,
        "UploadId": upload.upload_id,
        "PartNumberMarker": after,
        "MaxParts": limit,
        "IsTruncated": len(found) > limit > 0,
        "Initiator": {"ID": upload.initiator},
        "Owner": {"ID": names.owner_id(bucket.owner)},
        "StorageClass": upload.headers.get("StorageClass", "STANDARD"),
        "ChecksumAlgorithm": upload.checksum_algorithm,
        "ChecksumType": upload.checksum_type,
    }
    if page:
        answer["NextPartNumberMarker"] = page[-1].number
        answer["Parts"] = [
            {
                "PartNumber": part.number,
                "LastModified": part.modified_at,
                "ETag": f'"{part.etag}"',
                "Size": part.size,
                **part.checksums,
            }
            for part in page
        ]
    return answer


async def upload_of(ground: Ground, call: Call) -> Upload:
    """The upload that the call names.

    Raises:
        AwsError: NoSuchBucket, NoSuchUpload.
    """
    bucket = await bucket_of(ground, call)
    key, upload_id = call.parameters["Key"], call.parameters["UploadId"]
    found = await ground.store.database.read(uploads.get, bucket.name, key, upload_id)
    if found is None:
        raise failures.no_such_upload(upload_id)
    return found


def _part(
    ground: Ground, upload: Upload, number: int, finished: Finished, sums: dict[str, str]
) -> Part:
    return Part(
        upload_id=upload.upload_id,
        number=number,
        size=finished.size,
        etag=finished.md5,
        blob=finished.blob,
        modified_at=ground.clock.now(),
        checksums=sums,
    )


def _number(call: Call) -> int:
    number: int = call.parameters["PartNumber"]
    if not 1 <= number <= MOST_PARTS:
        message = "Part number must be an integer between 1 and 10000, inclusive"
        raise failures.invalid_argument(message, "partNumber", number)
    return number


def _check_checksum(upload: Upload, call: Call) -> None:
    """An upload that was begun with a checksum takes parts with that one only."""
    sent = {name.removeprefix("Checksum") for name in checksums.given(call.parameters)}
    sent.update(checksums.trailing(call.headers))
    if upload.checksum_asked and sent - {upload.checksum_algorithm}:
        raise failures.invalid_request(
            "Checksum Type mismatch occurred, expected checksum Type: "
            f"{upload.checksum_algorithm.lower()}, actual checksum Type: {min(sent).lower()}"
        )


def _encryption(upload: Upload) -> dict[str, Any]:
    return headers.given_back_of(upload.headers, headers.ENCRYPTION)
