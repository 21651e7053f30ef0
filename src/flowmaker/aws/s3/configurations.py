"""Configurations of buckets: those that are kept, and what holds when there is none.

What changes nothing but answers, or is honoured elsewhere, is kept: tags, default encryption,
public access blocks, CORS. So are the rules of a lifecycle (`flowmaker.aws.s3.lifecycle`). Any
other rule that nobody would follow (replication …) is refused.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowmaker.aws.errors import AwsError
from flowmaker.aws.s3 import cors, failures, headers, policies
from flowmaker.aws.s3.place import Ground, bucket_of
from flowmaker.aws.service import Answer, Call, Handler
from flowmaker.objects.index import versions
from flowmaker.objects.objects import Bucket

TAGGING = "tagging"
#: Tags of a bucket.
MOST_TAGS = 50
_ENFORCED = "BucketOwnerEnforced"


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """A configuration that is kept as the client sent it."""

    name: str
    #: The parameter of Put.
    parameter: str
    #: What Get says when there is none.
    code: str = ""
    message: str = ""
    #: What Get answers when there is none, instead of an error.
    default: Mapping[str, Any] | None = None
    #: Whether Get answers with what is in the parameter, not with the parameter.
    flat: bool = False


KEPT = {
    "BucketTagging": Kept(
        name=TAGGING,
        parameter="Tagging",
        flat=True,
        code="NoSuchTagSet",
        message="The TagSet does not exist",
    ),
    "BucketEncryption": Kept(
        name=policies.ENCRYPTION,
        parameter="ServerSideEncryptionConfiguration",
        default={
            "Rules": [
                {
                    "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": headers.AES256},
                    "BucketKeyEnabled": False,
                }
            ]
        },
    ),
    "PublicAccessBlock": Kept(
        name=policies.PUBLIC_ACCESS,
        parameter="PublicAccessBlockConfiguration",
        code="NoSuchPublicAccessBlockConfiguration",
        message="The public access block configuration was not found",
    ),
    "BucketCors": Kept(
        name=cors.CORS,
        parameter="CORSConfiguration",
        flat=True,
        code="NoSuchCORSConfiguration",
        message="The CORS configuration does not exist",
    ),
}

#: Configurations that no bucket has: operation, and S3's code and words for that.
ABSENT = {
    "GetBucketWebsite": (
        "NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration",
    ),
    "GetBucketReplication": (
        "ReplicationConfigurationNotFoundError", "The replication configuration was not found",
    ),
    "GetObjectLockConfiguration": (
        "ObjectLockConfigurationNotFoundError",
        "Object Lock configuration does not exist for this bucket",
    ),
}  # fmt: skip

#: Configurations whose default every bucket has: operation and answer.
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "GetBucketLogging": {},
    "GetBucketNotificationConfiguration": {},
    "GetBucketRequestPayment": {"Payer": "BucketOwner"},
    "ListBucketInventoryConfigurations": {"IsTruncated": False},
    "ListBucketMetricsConfigurations": {"IsTruncated": False},
    "ListBucketAnalyticsConfigurations": {"IsTruncated": False},
    "ListBucketIntelligentTieringConfigurations": {"IsTruncated": False},
}
#: Deleting what is not there is no error.
VAIN = ("DeleteBucketWebsite",)
#: Accepted when they ask for what is so anyway.
PUT = ("ContentMD5", "ChecksumAlgorithm", "Bucket", "ExpectedBucketOwner")


def getter(ground: Ground, kept: Kept) -> Handler:
    async def get(call: Call) -> Answer:
        bucket = await bucket_of(ground, call)
        text = bucket.configurations.get(kept.name)
        if text is not None:
            document = json.loads(text)
        elif kept.default is not None:
            document = {kept.parameter: kept.default}
        else:
            raise AwsError(kept.code, kept.message, 404, BucketName=bucket.name)
        return document[kept.parameter] if kept.flat else document

    return get


def putter(ground: Ground, kept: Kept) -> Handler:
    async def put(call: Call) -> Answer:
        bucket = await bucket_of(ground, call)
        value = call.parameters[kept.parameter]
        _CHECKS[kept.name](value)
        await configure(ground, bucket, kept.name, json.dumps({kept.parameter: value}))
        return {}

    return put


def deleter(ground: Ground, kept: Kept) -> Handler:
    async def delete(call: Call) -> Answer:
        await configure(ground, await bucket_of(ground, call), kept.name, None)
        return {}

    return delete


def absent(ground: Ground, code: str, message: str) -> Handler:
    async def get(call: Call) -> Answer:
        bucket = await bucket_of(ground, call)
        raise AwsError(code, message, 404, BucketName=bucket.name)

    return get


def default(ground: Ground, answer: Mapping[str, Any]) -> Handler:
    async def get(call: Call) -> Answer:
        await bucket_of(ground, call)
        return dict(answer)

    return get


async def get_bucket_versioning(ground: Ground, call: Call) -> Answer:
    bucket = await bucket_of(ground, call)
    status = versions.status(bucket.configurations)
    return {"Status": status} if status else {}


async def put_bucket_versioning(ground: Ground, call: Call) -> Answer:
    """Versions are kept from now on, or no more are; those that there are stay."""
    bucket = await bucket_of(ground, call)
    wanted = call.parameters["VersioningConfiguration"]
    if wanted.get("MFADelete") == "Enabled":
        raise failures.not_implemented("MFADelete")
    status = wanted.get("Status")
    if status not in (versions.ENABLED, versions.SUSPENDED):
        raise failures.malformed_xml()
    text = json.dumps({"Status": status})
    await configure(ground, bucket, versions.CONFIGURATION, text)
    return {}


def check_ownership(ownership: str | None) -> None:
    """Raise unless it is the one that there is."""
    if ownership not in (None, _ENFORCED):
        raise failures.not_implemented(f"The object ownership {ownership}")


def of_new(tags: list[dict[str, str]] | None) -> dict[str, str]:
    """The configurations of a bucket that is made, with tags or without.

    As AWS makes them since 2023: closed to the public until somebody opens it.
    """
    closed = {"PublicAccessBlockConfiguration": dict.fromkeys(policies.BLOCKS, True)}
    made = {policies.PUBLIC_ACCESS: json.dumps(closed)}
    if tags:
        headers.tag_set(tags, MOST_TAGS)
        made[TAGGING] = json.dumps({"Tagging": {"TagSet": tags}})
    return made


def tags_of(bucket: Bucket) -> dict[str, str]:
    """The tags of a bucket, by key."""
    text = bucket.configurations.get(TAGGING)
    found: list[dict[str, str]] = json.loads(text)["Tagging"]["TagSet"] if text else []
    return {tag["Key"]: tag["Value"] for tag in found}


async def configure(ground: Ground, bucket: Bucket, name: str, text: str | None) -> None:
    """Keep a configuration, or none any more."""
    with failures.translated(bucket.name):
        await ground.store.configure(bucket.name, name, text)


def _check_tagging(value: dict[str, Any]) -> None:
    headers.tag_set(value["TagSet"], MOST_TAGS)


def _check_encryption(value: dict[str, Any]) -> None:
    rules: list[dict[str, Any]] = value.get("Rules") or []
    if len(rules) != 1:
        raise failures.malformed_xml()
    (rule,) = rules
    default: dict[str, str] = rule.get("ApplyServerSideEncryptionByDefault") or {}
    algorithm = default.get("SSEAlgorithm", headers.AES256)
    if algorithm not in headers.ALGORITHMS:
        raise failures.malformed_xml()
    if algorithm == headers.AES256 and default.get("KMSMasterKeyID"):
        message = "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms"
        raise failures.invalid_argument(
            message, "ApplyServerSideEncryptionByDefault", default["KMSMasterKeyID"]
        )
    rule.setdefault("BucketKeyEnabled", False)  # S3 says it, whether it was said or not


def _check_nothing(value: dict[str, Any]) -> None:
    del value


_CHECKS = {
    TAGGING: _check_tagging,
    policies.ENCRYPTION: _check_encryption,
    policies.PUBLIC_ACCESS: _check_nothing,
    cors.CORS: cors.check,
}
