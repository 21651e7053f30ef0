"""Listings of objects, by either version of the operation, and of versions of objects."""

import base64
import binascii
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from flowmaker.aws.s3 import failures, names
from flowmaker.aws.s3.place import Ground, bucket_of
from flowmaker.aws.service import Answer, Call
from flowmaker.objects.index import listing, version_listing
from flowmaker.objects.objects import Bucket, StoredObject
from flowmaker.objects.uploads import Marker, Page, PageRequest, VersionPageRequest

_MOST = 1000
_SHARED = (
    "Bucket", "Delimiter", "EncodingType", "MaxKeys", "Prefix", "ExpectedBucketOwner",
    "RequestPayer",
)  # fmt: skip
#: Asks for what no object here has: a state of its restoration from an archive.
_OPTIONAL = "OptionalObjectAttributes"
LIST = (*_SHARED, "Marker", _OPTIONAL)
LIST_V2 = (*_SHARED, "ContinuationToken", "FetchOwner", "StartAfter", _OPTIONAL)
LIST_VERSIONS = (*_SHARED, "KeyMarker", "VersionIdMarker", _OPTIONAL)

Encode = Callable[[str], str]


async def list_objects(ground: Ground, call: Call) -> Answer:
    bucket = await bucket_of(ground, call)
    marker = call.parameters.get("Marker", "")
    page, answer, encode = await _page(ground, call, marker)
    answer["Marker"] = encode(marker)
    if page.following and call.parameters.get("Delimiter"):
        answer["NextMarker"] = encode(page.following)
    if page.objects:
        answer["Contents"] = [_entry(one, encode, bucket) for one in page.objects]
    return answer


async def list_objects_v2(ground: Ground, call: Call) -> Answer:
    bucket = await bucket_of(ground, call)
    parameters = call.parameters
    token = parameters.get("ContinuationToken")
    after = _from_token(token) if token is not None else parameters.get("StartAfter", "")
    page, answer, encode = await _page(ground, call, after)
    answer["KeyCount"] = len(page.objects) + len(page.prefixes)
    if token is not None:
        answer["ContinuationToken"] = token
    if "StartAfter" in parameters:
        answer["StartAfter"] = encode(parameters["StartAfter"])
    if page.following:
        answer["NextContinuationToken"] = _token(page.following)
    owner = bucket if parameters.get("FetchOwner") else None
    if page.objects:
        answer["Contents"] = [_entry(one, encode, owner) for one in page.objects]
    return answer


async def list_object_versions(ground: Ground, call: Call) -> Answer:
    bucket = await bucket_of(ground, call)
    parameters = call.parameters
    marker = parameters.get("KeyMarker", "")
    if parameters.get("VersionIdMarker") and not marker:
        message = "A version-id marker cannot be specified without a key marker."
        raise failures.invalid_argument(message, "version-id-marker", parameters["VersionIdMarker"])
    encode, limit = encoder(parameters), max_keys(parameters.get("MaxKeys"))
    wanted = VersionPageRequest(
        prefix=parameters.get("Prefix", ""),
        delimiter=parameters.get("Delimiter", ""),
        after=marker,
        after_version=parameters.get("VersionIdMarker", ""),
        limit=limit,
    )
    page = await ground.store.database.read(version_listing.page, bucket.name, wanted)
    answer = _heading(parameters, encode, limit, page.prefixes, more=bool(page.following))
    answer["KeyMarker"] = encode(marker)
    answer["VersionIdMarker"] = parameters.get("VersionIdMarker", "")
    if page.following:
        answer["NextKeyMarker"] = encode(page.following)
        answer["NextVersionIdMarker"] = page.following_version
    owner = {"ID": names.owner_id(bucket.owner)}
    for one in page.versions:
        told = {"IsLatest": one.latest, "VersionId": one.of.version_id}
        if isinstance(one.of, Marker):
            told |= {"Key": encode(one.of.key), "LastModified": one.of.modified_at, "Owner": owner}
            answer.setdefault("DeleteMarkers", []).append(told)
        else:
            told |= _entry(one.of, encode, bucket)
            answer.setdefault("Versions", []).append(told)
    return answer


def max_keys(value: int | None, name: str = "max-keys") -> int:
    """How many entries a page has at most.

    Raises:
        AwsError: InvalidArgument.
    """
    if value is None:
        return _MOST
    if value < 0:
        message = f"Argument {name} must be an integer between 0 and 2147483647"
        raise failures.invalid_argument(message, name, value)
    return min(value, _MOST)


def encoder(parameters: dict[str, Any]) -> Encode:
    """How keys are written: XML cannot hold them all, so clients ask for percent-encoding.

    Raises:
        AwsError: InvalidArgument.
    """
    kind = parameters.get("EncodingType")
    if kind is None:
        return lambda text: text
    if kind != "url":
        message = "Invalid Encoding Method specified in Request"
        raise failures.invalid_argument(message, "encoding-type", kind)
    return lambda text: quote(text, safe="/*-._")


async def _page(ground: Ground, call: Call, after: str) -> tuple[Page, dict[str, Any], Encode]:
    """One page, and the part of the answer that all listings have."""
    parameters = call.parameters
    encode = encoder(parameters)
    limit = max_keys(parameters.get("MaxKeys"))
    wanted = PageRequest(
        prefix=parameters.get("Prefix", ""),
        delimiter=parameters.get("Delimiter", ""),
        after=after,
        limit=limit,
    )
    page = await ground.store.database.read(listing.page, parameters["Bucket"], wanted)
    answer = _heading(parameters, encode, limit, page.prefixes, more=bool(page.following))
    return page, answer, encode


def _heading(
    parameters: dict[str, Any], encode: Encode, limit: int, prefixes: tuple[str, ...], *, more: bool
) -> dict[str, Any]:
    """What all listings tell of themselves."""
    answer: dict[str, Any] = {
        "Name": parameters["Bucket"],
        "Prefix": encode(parameters.get("Prefix", "")),
        "MaxKeys": limit,
        "IsTruncated": more,
    }
    if parameters.get("Delimiter"):
        answer["Delimiter"] = encode(parameters["Delimiter"])
    if "EncodingType" in parameters:
        answer["EncodingType"] = "url"
    if prefixes:
        answer["CommonPrefixes"] = [{"Prefix": encode(prefix)} for prefix in prefixes]
    return answer


def _entry(stored: StoredObject, encode: Encode, owner: Bucket | None) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "Key": encode(stored.key),
        "LastModified": stored.modified_at,
        "ETag": f'"{stored.etag}"',
        "Size": stored.size,
        "StorageClass": stored.headers.get("StorageClass", "STANDARD"),
    }
    if stored.checksums:
        entry["ChecksumAlgorithm"] = [name.removeprefix("Checksum") for name in stored.checksums]
        entry["ChecksumType"] = stored.headers.get("ChecksumType", "FULL_OBJECT")
    if owner:
        entry["Owner"] = {"ID": names.owner_id(owner.owner)}
    return entry


def _token(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _from_token(token: str) -> str:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        message = "The continuation token provided is incorrect"
        raise failures.invalid_argument(message, "continuation-token", token) from None
