"""The lifecycle of a bucket's objects: its rules are kept and given back. Nobody follows them."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from flowmaker import ids
from flowmaker.aws.errors import AwsError
from flowmaker.aws.s3 import configurations, failures
from flowmaker.aws.s3.place import Ground, bucket_of
from flowmaker.aws.service import Answer, Call

LIFECYCLE = "lifecycle"
_SIZE = "TransitionDefaultMinimumObjectSize"
_DEFAULT_SIZE = "all_storage_classes_128K"
PUT = (*configurations.PUT, "LifecycleConfiguration", _SIZE)
_RULES = 1000
_ID = 255
_ACTIONS = {
    "Expiration", "Transitions", "NoncurrentVersionExpiration", "NoncurrentVersionTransitions",
    "AbortIncompleteMultipartUpload",
}  # fmt: skip


async def get_bucket_lifecycle_configuration(ground: Ground, call: Call) -> Answer:
    bucket = await bucket_of(ground, call)
    text = bucket.configurations.get(LIFECYCLE)
    if text is None:
        message = "The lifecycle configuration does not exist"
        raise AwsError("NoSuchLifecycleConfiguration", message, 404, BucketName=bucket.name)
    return _with_dates(json.loads(text))


async def put_bucket_lifecycle_configuration(ground: Ground, call: Call) -> Answer:
    bucket = await bucket_of(ground, call)
    size = call.parameters.get(_SIZE, _DEFAULT_SIZE)
    given: dict[str, Any] = call.parameters.get("LifecycleConfiguration") or {}
    document = {"Rules": checked(given.get("Rules") or []), _SIZE: size}
    text = json.dumps(document, default=datetime.isoformat)
    await configurations.configure(ground, bucket, LIFECYCLE, text)
    return {_SIZE: size}


async def delete_bucket_lifecycle(ground: Ground, call: Call) -> Answer:
    await configurations.configure(ground, await bucket_of(ground, call), LIFECYCLE, None)
    return {}


def checked(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rules, each with an ID.

    Raises:
        AwsError: MalformedXML, InvalidArgument, InvalidRequest.
    """
    if not 1 <= len(rules) <= _RULES:
        raise failures.malformed_xml()
    named = [{**rule, "ID": rule.get("ID") or ids.token(32)} for rule in rules]
    seen: set[str] = set()
    for rule in named:
        _check(rule)
        if rule["ID"] in seen:
            message = "Rule ID must be unique. Found same ID for more than one rule"
            raise failures.invalid_argument(message, "ID", rule["ID"])
        seen.add(rule["ID"])
    return named


def _check(rule: Mapping[str, Any]) -> None:
    if rule.get("Status") not in ("Enabled", "Disabled"):
        raise failures.malformed_xml()
    if ("Filter" in rule) == ("Prefix" in rule):
        raise failures.malformed_xml()
    if len(rule["ID"]) > _ID:
        message = f"ID length should not exceed allowed limit of {_ID}"
        raise failures.invalid_argument(message, "ID", rule["ID"])
    if not _ACTIONS & rule.keys():
        raise failures.invalid_request("At least one action needs to be specified in a rule")
    expiration: dict[str, Any] = rule.get("Expiration") or {}
    days: int | None = expiration.get("Days")
    if days is not None and days < 1:
        message = "'Days' for Expiration action must be a positive integer"
        raise failures.invalid_argument(message, "Days", days)


def _with_dates(value: Any) -> Any:  # noqa: ANN401 - a document of JSON
    """The document as it was given: its dates are text in JSON."""
    if isinstance(value, list):
        return [_with_dates(one) for one in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    return {
        name: datetime.fromisoformat(one) if name == "Date" else _with_dates(one)
        for name, one in cast("dict[str, Any]", value).items()
    }
