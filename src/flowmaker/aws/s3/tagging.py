"""Tags of objects."""

from flowmaker.aws.s3 import failures, headers
from flowmaker.aws.s3.place import Ground, object_of
from flowmaker.aws.service import Answer, Call
from flowmaker.objects.index import entries

TAGS = ("Bucket", "Key", "VersionId", "ExpectedBucketOwner", "RequestPayer")
PUT_TAGS = (*TAGS, "Tagging", "ContentMD5", "ChecksumAlgorithm")


async def get_object_tagging(ground: Ground, call: Call) -> Answer:
    stored = await object_of(ground, call)
    return {"TagSet": [{"Key": key, "Value": value} for key, value in stored.tags.items()]}


async def put_object_tagging(ground: Ground, call: Call) -> Answer:
    return await _replace(ground, call, headers.tag_set(call.parameters["Tagging"]["TagSet"]))


async def delete_object_tagging(ground: Ground, call: Call) -> Answer:
    return await _replace(ground, call, {})


async def _replace(ground: Ground, call: Call, tags: dict[str, str]) -> Answer:
    stored = await object_of(ground, call)
    with failures.translated(stored.bucket, stored.key):
        await ground.store.database.write(entries.tag, stored.bucket, stored.key, tags)
    return {}
