"""What is kept with an object beside its bytes: from the parameters of a write, to an answer."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from flowmaker.aws.errors import AwsError
from flowmaker.aws.s3 import failures
from flowmaker.objects.objects import StoredObject

#: Kept as they come, and given back on reads.
CONTENT = ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "Expires")
ENCRYPTION = ("ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled")
#: Belong to the object as it lies, not to its contents: a copy has its own.
STORAGE = (*ENCRYPTION, "StorageClass", "WebsiteRedirectLocation")
#: All that a write may say of an object.
WRITTEN = (*CONTENT, *STORAGE, "ContentType", "Metadata", "Tagging", "ACL", "RequestPayer")
DEFAULT_TYPE = "binary/octet-stream"
#: SSE-S3: what S3 says of every object whose writer and whose bucket said nothing else.
AES256 = "AES256"
ALGORITHMS = (AES256, "aws:kms", "aws:kms:dsse")

_METADATA_BYTES = 2048
_TAGS = 10
_CLASSES = {
    "STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING",
    "GLACIER_IR",
}  # fmt: skip
#: A read of these fails until they are restored, which there is no point in imitating.
_ARCHIVES = {"GLACIER", "DEEP_ARCHIVE"}


def kept(parameters: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, str]:
    """These parameters as text.

    Raises:
        AwsError: a value that there is not.
    """
    check(parameters)
    found: dict[str, str] = {}
    for name in names:
        value = parameters.get(name)
        if isinstance(value, datetime):
            found[name] = value.isoformat()
        elif isinstance(value, bool):
            found[name] = str(value).lower()
        elif value is not None:
            found[name] = str(value)
    encoding = _without_transport(found.pop("ContentEncoding", ""))
    return {**found, "ContentEncoding": encoding} if encoding else found


def given_back(stored: StoredObject, names: tuple[str, ...]) -> dict[str, Any]:
    """Those of `names` that the object has, as the answer's types."""
    return given_back_of(stored.headers, names)


def given_back_of(headers: Mapping[str, str], names: tuple[str, ...]) -> dict[str, Any]:
    """Those of `names` that were kept, as the answer's types."""
    found: dict[str, Any] = {name: headers[name] for name in names if name in headers}
    if "ServerSideEncryption" in names:
        found.setdefault("ServerSideEncryption", AES256)
    if "Expires" in found:
        found["Expires"] = datetime.fromisoformat(found["Expires"])
    if "BucketKeyEnabled" in found:
        found["BucketKeyEnabled"] = found["BucketKeyEnabled"] == "true"
    if found.get("StorageClass") == "STANDARD":
        del found["StorageClass"]
    return found


def metadata(parameters: Mapping[str, Any]) -> dict[str, str]:
    """The user's own metadata; names are in lower case.

    Raises:
        AwsError: MetadataTooLarge.
    """
    found: dict[str, str] = {
        name.lower(): value for name, value in parameters.get("Metadata", {}).items()
    }
    size = sum(len(name.encode()) + len(value.encode()) for name, value in found.items())
    if size > _METADATA_BYTES:
        message = "Your metadata headers exceed the maximum allowed metadata size"
        raise AwsError(
            "MetadataTooLarge", message, 400, Size=str(size), MaxSizeAllowed=str(_METADATA_BYTES)
        )
    return found


def tags(header: str | None) -> dict[str, str]:
    """The tags of an `x-amz-tagging` header, which is written like a query.

    Raises:
        AwsError: InvalidArgument, InvalidTag, BadRequest.
    """
    if not header:
        return {}
    return tag_set(
        [{"Key": key, "Value": value} for key, value in parse_qsl(header, keep_blank_values=True)],
        _TAGS,
    )


def tag_set(items: list[dict[str, str]], limit: int = _TAGS) -> dict[str, str]:
    """A set of tags by key.

    Raises:
        AwsError: InvalidTag, BadRequest.
    """
    if len(items) > limit:
        raise AwsError("BadRequest", f"Object tags cannot be greater than {limit}", 400)
    found: dict[str, str] = {}
    for item in items:
        key, value = item["Key"], item["Value"]
        if not 1 <= len(key) <= 128 or key.startswith("aws:"):  # noqa: PLR2004 - S3's limit
            raise AwsError("InvalidTag", "The TagKey you have provided is invalid", 400)
        if len(value) > 256:  # noqa: PLR2004 - S3's limit
            raise AwsError("InvalidTag", "The TagValue you have provided is invalid", 400)
        if key in found:
            raise AwsError(
                "InvalidTag", "Cannot provide multiple Tags with the same key", 400, TagKey=key
            )
        found[key] = value
    return found


def check(parameters: Mapping[str, Any]) -> None:
    """Refuse what a write cannot have here.

    Raises:
        AwsError: InvalidStorageClass, AccessControlListNotSupported, InvalidArgument …
    """
    kind = parameters.get("StorageClass")
    if kind in _ARCHIVES:
        raise failures.not_implemented(f"The storage class {kind}")
    if kind is not None and kind not in _CLASSES:
        message = "The storage class you specified is not valid"
        raise AwsError("InvalidStorageClass", message, 400, StorageClassRequested=kind)
    if parameters.get("ServerSideEncryption") not in (None, *ALGORITHMS):
        raise failures.invalid_argument(
            "The encryption method specified is not supported",
            "x-amz-server-side-encryption",
            parameters["ServerSideEncryption"],
        )
    check_acl(parameters.get("ACL"))


def check_acl(acl: str | None) -> None:
    """Buckets have no access control lists, as new ones on AWS: the owner owns all in them.

    Raises:
        AwsError: AccessControlListNotSupported, unless it says what is so anyway.
    """
    if acl not in (None, "private", "bucket-owner-full-control"):
        raise AwsError("AccessControlListNotSupported", "The bucket does not allow ACLs", 400)


def _without_transport(encoding: str) -> str:
    """`aws-chunked` is how the body travelled; S3 does not keep it."""
    parts = [part.strip() for part in encoding.split(",")]
    return ",".join(part for part in parts if part and part != "aws-chunked")
