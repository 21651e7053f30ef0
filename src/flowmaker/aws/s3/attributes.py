"""GetObjectAttributes."""

from typing import Any

from flowmaker.aws.s3 import checksums, failures
from flowmaker.aws.s3.place import Ground, bucket_of, object_of, version_told
from flowmaker.aws.service import Answer, Call, Reply
from flowmaker.objects.objects import StoredObject

_KNOWN = {"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"}
_MOST = 1000
ATTRIBUTES = (
    "Bucket", "Key", "VersionId", "MaxParts", "PartNumberMarker", "ObjectAttributes",
    "ExpectedBucketOwner", "RequestPayer",
)  # fmt: skip


async def get_object_attributes(ground: Ground, call: Call) -> Answer:
    stored = await object_of(ground, call)
    wanted = set(call.parameters["ObjectAttributes"])
    if not wanted or wanted - _KNOWN:
        message = "Invalid attribute name specified"
        raise failures.invalid_argument(
            message, "x-amz-object-attributes", ",".join(sorted(wanted - _KNOWN))
        )
    answer: dict[str, Any] = {
        "ETag": stored.etag,
        "StorageClass": stored.headers.get("StorageClass", "STANDARD"),
        "ObjectSize": stored.size,
    }
    if stored.checksums:
        kind = stored.headers.get("ChecksumType", checksums.FULL_OBJECT)
        answer["Checksum"] = {**stored.checksums, "ChecksumType": kind}
    if stored.parts:
        answer["ObjectParts"] = _parts(stored, call)
    chosen = {name: value for name, value in answer.items() if name in wanted}
    told = version_told(await bucket_of(ground, call), stored.version_id)
    return Reply(parameters={**chosen, **told, "LastModified": stored.modified_at})


def _parts(stored: StoredObject, call: Call) -> dict[str, Any]:
    after: int = call.parameters.get("PartNumberMarker") or 0
    limit = min(call.parameters.get("MaxParts") or _MOST, _MOST)
    beyond = [piece for piece in stored.parts if piece.number > after]
    page = beyond[:limit]
    answer: dict[str, Any] = {
        "TotalPartsCount": len(stored.parts),
        "PartNumberMarker": after,
        "MaxParts": limit,
        "IsTruncated": len(beyond) > limit,
        "Parts": [
            {"PartNumber": piece.number, "Size": piece.size, **piece.checksums} for piece in page
        ],
    }
    if len(beyond) > limit:
        answer["NextPartNumberMarker"] = page[-1].number
    return answer
