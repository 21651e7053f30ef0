"""Policies of buckets, and their defaults of encryption and of public access."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

from flowmaker.aws.errors import AwsError
from flowmaker.aws.s3 import failures, headers, names
from flowmaker.aws.s3.place import Ground, bucket_of
from flowmaker.aws.service import Answer, Call
from flowmaker.objects.objects import Bucket

_BYTES = 20 * 1024
POLICY = "policy"
ENCRYPTION = "encryption"
PUBLIC_ACCESS = "public-access-block"
#: What a public access block may say.
BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
PUT_POLICY = (
    "Bucket", "Policy", "ContentMD5", "ChecksumAlgorithm", "ExpectedBucketOwner",
    "ConfirmRemoveSelfBucketAccess",
)  # fmt: skip


async def get_bucket_policy(ground: Ground, call: Call) -> Answer:
    return {"Policy": _policy(await _own_bucket(ground, call))}


async def get_bucket_policy_status(ground: Ground, call: Call) -> Answer:
    public = is_public(_policy(await bucket_of(ground, call)))
    return {"PolicyStatus": {"IsPublic": public}}


async def put_bucket_policy(ground: Ground, call: Call) -> Answer:
    bucket = await _own_bucket(ground, call)
    text: str = call.parameters["Policy"]
    check(bucket.name, text)
    if is_public(text) and public_access(bucket).get("BlockPublicPolicy"):
        message = (
            "Access Denied: public policies are blocked by the BlockPublicPolicy setting of the "
            "bucket's public access block, which every new bucket has: `aws s3api "
            f"delete-public-access-block --bucket {bucket.name}` opens it."
        )
        raise AwsError("AccessDenied", message, 403)
    with failures.translated(bucket.name):
        await ground.store.configure(bucket.name, POLICY, text)
    return {}


async def delete_bucket_policy(ground: Ground, call: Call) -> Answer:
    bucket = await _own_bucket(ground, call)
    with failures.translated(bucket.name):
        await ground.store.configure(bucket.name, POLICY, None)
    return {}


async def _own_bucket(ground: Ground, call: Call) -> Bucket:
    """The bucket, to its own account: others have no say in its policy, even if it lets them."""
    bucket = await bucket_of(ground, call)
    if bucket.owner != call.account:
        message = "The specified method is not allowed against this resource."
        raise AwsError("MethodNotAllowed", message, 405)
    return bucket


def in_force(bucket: Bucket, account: str) -> str:
    """The policy as it counts for a caller of this account."""
    text = bucket.configurations.get(POLICY, "")
    if not text:
        return ""
    restricted = public_access(bucket).get("RestrictPublicBuckets")
    if restricted and account != bucket.owner and is_public(text):
        return ""
    return text


def default_encryption(bucket: Bucket) -> dict[str, str]:
    """What objects are stored with when a write does not say; empty for what all have anyway."""
    text = bucket.configurations.get(ENCRYPTION)
    if text is None:
        return {}
    rules: list[dict[str, Any]] = json.loads(text)["ServerSideEncryptionConfiguration"]["Rules"]
    default: dict[str, str] = rules[0].get("ApplyServerSideEncryptionByDefault") or {}
    algorithm = default.get("SSEAlgorithm", headers.AES256)
    found = {"ServerSideEncryption": algorithm}
    if key := default.get("KMSMasterKeyID"):
        found["SSEKMSKeyId"] = key
    if algorithm != headers.AES256 and rules[0].get("BucketKeyEnabled"):
        found["BucketKeyEnabled"] = "true"
    return found


def public_access(bucket: Bucket) -> Mapping[str, bool]:
    text = bucket.configurations.get(PUBLIC_ACCESS)
    return _public_access(text) if text else {}


@lru_cache(maxsize=256)  # every request asks, and nearly all buckets say the same
def _public_access(text: str) -> Mapping[str, bool]:
    return json.loads(text)["PublicAccessBlockConfiguration"]


def is_public(text: str) -> bool:
    """Whether a policy allows everyone, with no condition that narrows it."""
    return any(
        statement.get("Effect") == "Allow"
        and not statement.get("Condition")
        and _is_everyone(statement.get("Principal"))
        for statement in _statements(json.loads(text))
    )


def check(bucket: str, text: str) -> None:
    """Refuse what is no policy of this bucket.

    Raises:
        AwsError: MalformedPolicy.
    """
    if len(text.encode()) > _BYTES:
        raise _malformed("Policy exceeds the maximum allowed document size.")
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise _malformed("Policies must be valid JSON and the first byte must be '{'")
    statements = _statements(cast("dict[str, Any]", document))
    if not statements:
        raise _malformed("Missing required field Statement")
    for statement in statements:
        _check_statement(bucket, statement)


def _check_statement(bucket: str, statement: dict[str, Any]) -> None:
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise _malformed(f"Invalid effect: {statement.get('Effect')}")
    for name in ("Principal", "Action", "Resource"):
        if name not in statement and f"Not{name}" not in statement:
            raise _malformed(f"Missing required field {name}")
    resources: Any = statement.get("Resource", statement.get("NotResource", []))
    arn = names.bucket_arn(bucket)
    for resource in cast("list[str]", [resources] if isinstance(resources, str) else resources):
        if resource != arn and not resource.startswith(f"{arn}/"):
            raise _malformed("Policy has invalid resource")


def _statements(document: dict[str, Any]) -> list[dict[str, Any]]:
    found: Any = document.get("Statement", [])
    many = cast("list[Any]", found if isinstance(found, list) else [found])
    return [cast("dict[str, Any]", one) for one in many if isinstance(one, dict)]


def _is_everyone(principal: Any) -> bool:  # noqa: ANN401 - as it was written in the policy
    named = cast("dict[str, Any]", principal).get("AWS") if isinstance(principal, dict) else None
    return principal == "*" or named == "*" or (isinstance(named, list) and "*" in named)


def _policy(bucket: Bucket) -> str:
    text = bucket.configurations.get(POLICY)
    if text is None:
        message = "The bucket policy does not exist"
        raise AwsError("NoSuchBucketPolicy", message, 404, BucketName=bucket.name)
    return text


def _malformed(message: str) -> AwsError:
    return AwsError("MalformedPolicy", message, 400)
