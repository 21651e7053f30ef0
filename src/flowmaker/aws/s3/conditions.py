"""Preconditions of reads (RFC 9110 and S3's documentation) and of writes."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from flowmaker.aws.s3 import failures
from flowmaker.objects.objects import StoredObject
from flowmaker.objects.uploads import Expectation


def unmodified(stored: StoredObject, parameters: Mapping[str, Any], prefix: str = "") -> bool:
    """Whether the caller has this object already (304).

    `prefix` is that of the parameters' names: `CopySource`, or nothing.

    Raises:
        AwsError: PreconditionFailed.
    """
    match = parameters.get(f"{prefix}IfMatch")
    since = parameters.get(f"{prefix}IfUnmodifiedSince")
    if match is not None:
        if not _matches(match, stored.etag):
            raise failures.precondition_failed("If-Match")
    elif since is not None and _seconds(stored.modified_at) > since:
        raise failures.precondition_failed("If-Unmodified-Since")
    none_match = parameters.get(f"{prefix}IfNoneMatch")
    if none_match is not None:
        return _matches(none_match, stored.etag)
    modified_since = parameters.get(f"{prefix}IfModifiedSince")
    return modified_since is not None and _seconds(stored.modified_at) <= modified_since


def expectation(parameters: Mapping[str, Any]) -> Expectation | None:
    """What a write expects of its key.

    Raises:
        AwsError: the condition is one that S3 does not have either.
    """
    none_match = parameters.get("IfNoneMatch")
    match = parameters.get("IfMatch")
    if none_match not in (None, "*"):
        raise failures.not_implemented("If-None-Match with anything but * on a write")
    if none_match is None and match is None:
        return None
    return Expectation(absent=none_match == "*", etag=unquoted(match or ""))


def unquoted(etag: str) -> str:
    return etag.strip().removeprefix("W/").strip('"')


def _matches(condition: str, etag: str) -> bool:
    return any(unquoted(one) in (etag, "*") for one in condition.split(","))


def _seconds(time: datetime) -> datetime:
    """Header dates have no fractions, so times are compared without."""
    return time - timedelta(microseconds=time.microsecond)
