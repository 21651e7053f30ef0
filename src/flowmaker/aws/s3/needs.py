"""Which permission each operation needs, on which resource, in which context.

From the Service Authorization Reference of Amazon S3. The policy of the bucket goes with every
need, so that whoever decides sees all that applies.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flowmaker.aws.s3 import names, policies
from flowmaker.aws.s3.copying import source_of
from flowmaker.aws.s3.place import Ground, latest
from flowmaker.aws.service import Call, Need, Needs

#: Operations on a bucket, and their actions.
BUCKET = {
    "CreateBucket": "CreateBucket",
    "DeleteBucket": "DeleteBucket",
    "HeadBucket": "ListBucket",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "GetBucketLocation": "GetBucketLocation",
    "GetBucketVersioning": "GetBucketVersioning",
    "PutBucketVersioning": "PutBucketVersioning",
    "GetBucketAcl": "GetBucketAcl",
    "PutBucketAcl": "PutBucketAcl",
    "GetBucketPolicy": "GetBucketPolicy",
    "GetBucketPolicyStatus": "GetBucketPolicyStatus",
    "PutBucketPolicy": "PutBucketPolicy",
    "DeleteBucketPolicy": "DeleteBucketPolicy",
    "GetBucketTagging": "GetBucketTagging",
    "PutBucketTagging": "PutBucketTagging",
    "DeleteBucketTagging": "PutBucketTagging",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketOwnershipControls": "GetBucketOwnershipControls",
    "PutBucketOwnershipControls": "PutBucketOwnershipControls",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "GetBucketCors": "GetBucketCORS",
    "PutBucketCors": "PutBucketCORS",
    "DeleteBucketCors": "PutBucketCORS",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "GetBucketWebsite": "GetBucketWebsite",
    "DeleteBucketWebsite": "DeleteBucketWebsite",
    "GetBucketReplication": "GetReplicationConfiguration",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "GetBucketLogging": "GetBucketLogging",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetBucketRequestPayment": "GetBucketRequestPayment",
    "ListBucketInventoryConfigurations": "GetInventoryConfiguration",
    "ListBucketMetricsConfigurations": "GetMetricsConfiguration",
    "ListBucketAnalyticsConfigurations": "GetAnalyticsConfiguration",
    "ListBucketIntelligentTieringConfigurations": "GetIntelligentTieringConfiguration",
    "PutBucketRequestPayment": "PutBucketRequestPayment",
    "PutBucketAccelerateConfiguration": "PutAccelerateConfiguration",
    "PutBucketLogging": "PutBucketLogging",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
}
#: Operations on an object, and their actions.
OBJECT = {
    "PutObject": ("PutObject",),
    "GetObject": ("GetObject",),
    "HeadObject": ("GetObject",),
    "GetObjectAttributes": ("GetObject", "GetObjectAttributes"),
    "DeleteObject": ("DeleteObject",),
    "CopyObject": ("PutObject",),
    "CreateMultipartUpload": ("PutObject",),
    "UploadPart": ("PutObject",),
    "UploadPartCopy": ("PutObject",),
    "CompleteMultipartUpload": ("PutObject",),
    "AbortMultipartUpload": ("AbortMultipartUpload",),
    "ListParts": ("ListMultipartUploadParts",),
    "GetObjectTagging": ("GetObjectTagging",),
    "PutObjectTagging": ("PutObjectTagging",),
    "DeleteObjectTagging": ("DeleteObjectTagging",),
    "GetObjectAcl": ("GetObjectAcl",),
    "PutObjectAcl": ("PutObjectAcl",),
}
#: To whoever may not list the bucket, an object that is not there is one that they may not read.
_READS = {
    "GetObject", "HeadObject", "GetObjectAttributes", "GetObjectTagging", "GetObjectAcl",
}  # fmt: skip
#: Actions that are others where a version is named.
_VERSIONED = {
    "GetObject", "GetObjectAttributes", "DeleteObject", "GetObjectTagging", "PutObjectTagging",
    "DeleteObjectTagging", "GetObjectAcl", "PutObjectAcl",
}  # fmt: skip
#: Condition keys that are a parameter of the request.
_CONTEXT = {
    "Prefix": "s3:prefix",
    "Delimiter": "s3:delimiter",
    "MaxKeys": "s3:max-keys",
    "ACL": "s3:x-amz-acl",
    "StorageClass": "s3:x-amz-storage-class",
    "ServerSideEncryption": "s3:x-amz-server-side-encryption",
    "SSEKMSKeyId": "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "CopySource": "s3:x-amz-copy-source",
    "MetadataDirective": "s3:x-amz-metadata-directive",
    "IfMatch": "s3:if-match",
    "IfNoneMatch": "s3:if-none-match",
}

Context = Mapping[str, str | tuple[str, ...]]


def for_operation(ground: Ground, operation: str) -> Needs:
    """What the operation needs."""
    if operation == "ListBuckets":
        return _list_buckets
    if operation == "DeleteObjects":
        return _bound(ground, _delete_objects)
    if operation in BUCKET:
        return _bound(ground, _on_bucket)
    return _bound(ground, _on_object)


async def _list_buckets(call: Call) -> Iterable[Need]:
    del call
    return [Need(action="s3:ListAllMyBuckets")]


class _Asking:
    """A call, and the needs that it has in buckets."""

    def __init__(self, ground: Ground, call: Call) -> None:
        self.ground = ground
        self.call = call
        self.found: list[Need] = []

    async def add(self, action: str, bucket: str, key: str | None, context: Context) -> None:
        """Note a need, unless there is no such bucket: then the handler says so.

        Whoever makes a bucket needs permission for the name alone, be it another account's.
        """
        known = await self.ground.store.bucket(bucket) if action != "CreateBucket" else None
        if known is None and action != "CreateBucket":
            return
        arn = names.bucket_arn(bucket) if key is None else names.object_arn(bucket, key)
        need = Need(
            action=f"s3:{action}",
            resource=arn,
            context=context,
            resource_policy=policies.in_force(known, self.call.account) if known else "",
            owner=known.owner if known else "",
        )
        self.found.append(need)


def _bound(ground: Ground, ask: Callable[[_Asking], Any]) -> Needs:
    async def needs(call: Call) -> Iterable[Need]:
        asking = _Asking(ground, call)
        await ask(asking)
        return asking.found

    return needs


async def _on_bucket(asking: _Asking) -> None:
    call = asking.call
    context = dict(_context(call.parameters))
    name, made = call.parameters["Bucket"], call.parameters.get("CreateBucketConfiguration", {})
    if location := made.get("LocationConstraint"):
        context["s3:LocationConstraint"] = location
    if tags := {tag["Key"]: tag["Value"] for tag in made.get("Tags") or ()}:
        context |= {"aws:TagKeys": tuple(tags), **_tags("aws:RequestTag", tags)}
        asking.found.append(
            Need(action="s3:TagResource", resource=names.bucket_arn(name), context=context)
        )
    await asking.add(BUCKET[call.operation], name, None, context)


async def _on_object(asking: _Asking) -> None:
    call = asking.call
    bucket, key = call.parameters["Bucket"], call.parameters["Key"]
    context = dict(_context(call.parameters))
    version = call.parameters.get("VersionId", "")
    if version:
        context["s3:VersionId"] = version
    if call.operation in _READS and not version:
        stored = await latest(asking.ground, call)
        if stored is None:
            await asking.add("ListBucket", bucket, None, {"s3:prefix": key})
        else:
            context.update(_tags("s3:ExistingObjectTag", stored.tags))
    for action in OBJECT[call.operation]:
        await asking.add(_of_version(action) if version else action, bucket, key, context)
    if call.parameters.get("Tagging") and call.operation != "PutObjectTagging":
        await asking.add("PutObjectTagging", bucket, key, context)
    if call.parameters.get("ACL") and call.operation != "PutObjectAcl":
        await asking.add("PutObjectAcl", bucket, key, context)
    if "CopySource" in call.parameters:
        await _source(asking)


def _of_version(action: str) -> str:
    """The action on a version: `GetObjectVersionTagging` of `GetObjectTagging`."""
    return action.replace("Object", "ObjectVersion", 1) if action in _VERSIONED else action


async def _source(asking: _Asking) -> None:
    """A copy reads its source, and the tags of it."""
    bucket, key, version = source_of(asking.call.parameters)
    stored = await asking.ground.store.get(bucket, key)
    if stored is None:
        await asking.add("ListBucket", bucket, None, {"s3:prefix": key})
    context = _tags("s3:ExistingObjectTag", stored.tags) if stored else {}
    await asking.add("GetObjectVersion" if version else "GetObject", bucket, key, context)
    keeps_tags = asking.call.parameters.get("TaggingDirective", "COPY") == "COPY"
    if stored and stored.tags and keeps_tags and asking.call.operation == "CopyObject":
        await asking.add("GetObjectTagging", bucket, key, context)
        target, named = asking.call.parameters["Bucket"], asking.call.parameters["Key"]
        await asking.add("PutObjectTagging", target, named, {})


async def _delete_objects(asking: _Asking) -> None:
    parameters = asking.call.parameters
    for one in parameters.get("Delete", {}).get("Objects", []):
        action = "DeleteObjectVersion" if one.get("VersionId") else "DeleteObject"
        await asking.add(action, parameters["Bucket"], one["Key"], {})


def _context(parameters: Mapping[str, Any]) -> Context:
    return {
        condition: str(parameters[name])
        for name, condition in _CONTEXT.items()
        if parameters.get(name) is not None
    }


def _tags(prefix: str, tags: Mapping[str, str]) -> dict[str, str | tuple[str, ...]]:
    return {f"{prefix}/{key}": value for key, value in tags.items()}
