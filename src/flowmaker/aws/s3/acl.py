"""Access control lists: the one that there is, of a bucket whose owner owns all."""

from typing import Any

from flowmaker.aws.errors import AwsError
from flowmaker.aws.s3 import names
from flowmaker.aws.s3.headers import check_acl
from flowmaker.aws.s3.place import Ground, bucket_of, object_of
from flowmaker.aws.service import Answer, Call
from flowmaker.objects.objects import Bucket

OBJECT_ACL = ("Bucket", "Key", "VersionId", "ExpectedBucketOwner", "RequestPayer")
PUT_ACL = (*OBJECT_ACL, "ACL", "AccessControlPolicy", "ContentMD5", "ChecksumAlgorithm")


async def get_bucket_acl(ground: Ground, call: Call) -> Answer:
    return _owners(await bucket_of(ground, call))


async def get_object_acl(ground: Ground, call: Call) -> Answer:
    bucket = await bucket_of(ground, call)
    await object_of(ground, call)
    return _owners(bucket)


async def put_acl(ground: Ground, call: Call) -> Answer:
    """Allowed when it changes nothing."""
    await bucket_of(ground, call)
    if "Key" in call.parameters:
        await object_of(ground, call)
    if "ACL" not in call.parameters:
        raise AwsError("AccessControlListNotSupported", "The bucket does not allow ACLs", 400)
    check_acl(call.parameters["ACL"])
    return {}


def _owners(bucket: Bucket) -> dict[str, Any]:
    owner = names.owner_id(bucket.owner)
    grant = {"Grantee": {"ID": owner, "Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"}
    return {"Owner": {"ID": owner}, "Grants": [grant]}
