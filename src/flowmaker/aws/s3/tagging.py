"""Tags of objects."""

from flowmaker.aws.s3 import failures, headers
from flowmaker.aws.s3.place import Ground, bucket_of, object_of, version_told
from flowmaker.aws.service import Answer, Call
from flowmaker.objects.index import entries

TAGS = ("Bucket", "Key", "VersionId", "ExpectedBucketOwner", "RequestPayer")
PUT_TAGS = (*TAGS, "Tagging", "ContentMD5", "ChecksumAlgorithm")


async def get_object_tagging(ground: Ground, call: Call) -> Answer:
    bucket, stored = await bucket_of(ground, call), await object_of(ground, call)
    tags = [{"Key": key, "Value": value} for key, value in stored.tags.items()]
    return {"TagSet": tags, **version_told(bucket, stored.version_id)}


async def put_object_tagging(ground: Ground, call: Call) -> Answer:
    return await _replace(ground, call, headers.tag_set(call.parameters["Tagging"]["TagSet"]))


async def delete_object_tagging(ground: Ground, call: Call) -> Answer:
    return await _replace(ground, call, {})


async def _replace(ground: Ground, call: Call, tags: dict[str, str]) -> Answer:
    bucket, stored = await bucket_of(ground, call), await object_of(ground, call)
    with failures.translated(stored.bucket, stored.key):
        await ground.store.database.write(entries.tag, stored, tags)
    return version_told(bucket, stored.version_id)
