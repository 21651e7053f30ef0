"""ListMultipartUploads."""

from typing import Any

from flowmaker.aws.s3 import names
from flowmaker.aws.s3.listing import encoder, max_keys
from flowmaker.aws.s3.place import Ground, bucket_of
from flowmaker.aws.service import Answer, Call
from flowmaker.objects.index import uploads
from flowmaker.objects.uploads import UploadPageRequest

LIST_UPLOADS = (
    "Bucket", "Delimiter", "EncodingType", "KeyMarker", "MaxUploads", "Prefix", "UploadIdMarker",
    "ExpectedBucketOwner", "RequestPayer",
)  # fmt: skip


async def list_multipart_uploads(ground: Ground, call: Call) -> Answer:
    bucket = await bucket_of(ground, call)
    parameters = call.parameters
    encode = encoder(parameters)
    limit = max_keys(parameters.get("MaxUploads"), "max-uploads")
    marker = parameters.get("KeyMarker", "")
    wanted = UploadPageRequest(
        prefix=parameters.get("Prefix", ""),
        delimiter=parameters.get("Delimiter", ""),
        after=marker,
        # S3 ignores an upload's marker without a key's.
        after_id=(parameters.get("UploadIdMarker") or None) if marker else None,
        limit=limit,
    )
    page = await ground.store.database.read(uploads.page, bucket.name, wanted)
    answer: dict[str, Any] = {
        "Bucket": bucket.name,
        "KeyMarker": encode(marker),
        "UploadIdMarker": wanted.after_id or "",
        "Prefix": encode(wanted.prefix),
        "MaxUploads": limit,
        "IsTruncated": bool(page.following),
    }
    if page.following:
        answer["NextKeyMarker"] = encode(page.following)
        answer["NextUploadIdMarker"] = page.following_id
    if wanted.delimiter:
        answer["Delimiter"] = encode(wanted.delimiter)
    if "EncodingType" in parameters:
        answer["EncodingType"] = "url"
    if page.uploads:
        answer["Uploads"] = [
            {
                "UploadId": upload.upload_id,
                "Key": encode(upload.key),
                "Initiated": upload.started_at,
                "StorageClass": upload.headers.get("StorageClass", "STANDARD"),
                "Owner": {"ID": names.owner_id(bucket.owner)},
                "Initiator": {"ID": upload.initiator},
                "ChecksumAlgorithm": upload.checksum_algorithm,
                "ChecksumType": upload.checksum_type,
            }
            for upload in page.uploads
        ]
    if page.prefixes:
        answer["CommonPrefixes"] = [{"Prefix": encode(prefix)} for prefix in page.prefixes]
    return answer
