"""Amazon S3 as the gateway sees it: every operation, and the parameters that it honours."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial

from flowmaker.aws.s3 import (
    acl,
    attributes,
    buckets,
    configurations,
    copying,
    deleting,
    failures,
    lifecycle,
    listing,
    multipart,
    needs,
    parts,
    pending,
    policies,
    reading,
    settings,
    tagging,
    uploading,
)
from flowmaker.aws.s3.place import Ground
from flowmaker.aws.service import Answer, Call, Handler, Operation
from flowmaker.clock import Clock
from flowmaker.objects.disk import DiskObjectStore

_Function = Callable[[Ground, Call], Awaitable[Answer]]

#: What each operation is done by, and the parameters that it honours: any other is refused.
_OPERATIONS: Mapping[str, tuple[_Function, tuple[str, ...]]] = {
    "CreateBucket": (buckets.create_bucket, buckets.CREATE),
    "HeadBucket": (buckets.head_bucket, buckets.NAMED),
    "DeleteBucket": (buckets.delete_bucket, buckets.NAMED),
    "ListBuckets": (buckets.list_buckets, buckets.LIST),
    "GetBucketLocation": (buckets.get_bucket_location, buckets.NAMED),
    "GetBucketAcl": (acl.get_bucket_acl, buckets.NAMED),
    "PutBucketAcl": (acl.put_acl, acl.PUT_ACL),
    "GetBucketPolicy": (policies.get_bucket_policy, buckets.NAMED),
    "GetBucketPolicyStatus": (policies.get_bucket_policy_status, buckets.NAMED),
    "PutBucketPolicy": (policies.put_bucket_policy, policies.PUT_POLICY),
    "DeleteBucketPolicy": (policies.delete_bucket_policy, buckets.NAMED),
    "GetBucketVersioning": (configurations.get_bucket_versioning, buckets.NAMED),
    "PutBucketVersioning": (
        configurations.put_bucket_versioning,
        (*configurations.PUT, "VersioningConfiguration"),
    ),
    "GetBucketOwnershipControls": (settings.get_bucket_ownership_controls, buckets.NAMED),
    "PutBucketOwnershipControls": (
        settings.put_bucket_ownership_controls,
        settings.PUT_OWNERSHIP,
    ),
    "DeleteBucketOwnershipControls": (settings.delete_bucket_ownership_controls, buckets.NAMED),
    "PutBucketRequestPayment": (settings.put_bucket_request_payment, settings.PUT_PAYMENT),
    "PutBucketLogging": (settings.put_bucket_logging, settings.PUT_LOGGING),
    "PutBucketNotificationConfiguration": (
        settings.put_bucket_notification_configuration,
        settings.PUT_NOTIFICATION,
    ),
    "GetBucketAccelerateConfiguration": (
        settings.get_bucket_accelerate_configuration,
        (*buckets.NAMED, "RequestPayer"),
    ),
    "PutBucketAccelerateConfiguration": (
        settings.put_bucket_accelerate_configuration,
        settings.PUT_ACCELERATE,
    ),
    "GetBucketLifecycleConfiguration": (
        lifecycle.get_bucket_lifecycle_configuration,
        buckets.NAMED,
    ),
    "PutBucketLifecycleConfiguration": (
        lifecycle.put_bucket_lifecycle_configuration,
        lifecycle.PUT,
    ),
    "DeleteBucketLifecycle": (lifecycle.delete_bucket_lifecycle, buckets.NAMED),
    "PutObject": (uploading.put_object, uploading.PUT),
    "GetObject": (reading.get_object, reading.READ),
    "HeadObject": (reading.head_object, reading.READ),
    "CopyObject": (copying.copy_object, copying.COPY),
    "DeleteObject": (deleting.delete_object, deleting.DELETE),
    "DeleteObjects": (deleting.delete_objects, deleting.DELETE_MANY),
    "GetObjectAttributes": (attributes.get_object_attributes, attributes.ATTRIBUTES),
    "GetObjectTagging": (tagging.get_object_tagging, tagging.TAGS),
    "PutObjectTagging": (tagging.put_object_tagging, tagging.PUT_TAGS),
    "DeleteObjectTagging": (tagging.delete_object_tagging, tagging.TAGS),
    "GetObjectAcl": (acl.get_object_acl, acl.OBJECT_ACL),
    "PutObjectAcl": (acl.put_acl, acl.PUT_ACL),
    "ListObjects": (listing.list_objects, listing.LIST),
    "ListObjectsV2": (listing.list_objects_v2, listing.LIST_V2),
    "ListObjectVersions": (listing.list_object_versions, listing.LIST_VERSIONS),
    "CreateMultipartUpload": (multipart.create_multipart_upload, multipart.CREATE),
    "CompleteMultipartUpload": (multipart.complete_multipart_upload, multipart.COMPLETE),
    "AbortMultipartUpload": (multipart.abort_multipart_upload, parts.UPLOAD),
    "ListMultipartUploads": (pending.list_multipart_uploads, pending.LIST_UPLOADS),
    "UploadPart": (parts.upload_part, parts.PART),
    "UploadPartCopy": (parts.upload_part_copy, parts.PART_COPY),
    "ListParts": (parts.list_parts, parts.PARTS),
}


class S3Service:
    """Amazon S3 over an object store."""

    name = "s3"

    def __init__(self, store: DiskObjectStore, clock: Clock) -> None:
        self._ground = Ground(store, clock)

    def operations(self) -> Mapping[str, Operation]:
        return {
            name: Operation(
                handler=_honouring(handler, honoured),
                needs=needs.for_operation(self._ground, name),
            )
            for name, handler, honoured in self._handlers()
        }

    def _handlers(self) -> Iterator[tuple[str, Handler, tuple[str, ...]]]:
        ground = self._ground
        for name, (function, honoured) in _OPERATIONS.items():
            yield name, partial(function, ground), honoured
        for name, kept in configurations.KEPT.items():
            put = (*configurations.PUT, kept.parameter)
            yield f"Get{name}", configurations.getter(ground, kept), buckets.NAMED
            yield f"Put{name}", configurations.putter(ground, kept), put
            yield f"Delete{name}", configurations.deleter(ground, kept), buckets.NAMED
        for name, (code, message) in configurations.ABSENT.items():
            yield name, configurations.absent(ground, code, message), buckets.NAMED
        for name, answer in configurations.DEFAULTS.items():
            page = ("ContinuationToken",) if name.startswith("List") else ()
            yield name, configurations.default(ground, answer), (*buckets.NAMED, *page)
        for name in configurations.VAIN:
            yield name, configurations.default(ground, {}), buckets.NAMED


def _honouring(handler: Handler, honoured: tuple[str, ...]) -> Handler:
    """Refuse what would otherwise be ignored in silence."""
    known = frozenset(honoured)

    async def handle(call: Call) -> Answer:
        for name in call.parameters:
            if name not in known:
                raise failures.not_implemented(f"The parameter {name} of {call.operation}")
        return await handler(call)

    return handle
