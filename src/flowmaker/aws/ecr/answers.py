"""The shapes of ECR's answers, and its pages."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from flowmaker.aws.ecr.images import Image
from flowmaker.aws.ecr.members import MUTABILITY
from flowmaker.aws.ecr.refusals import constraint
from flowmaker.aws.ecr.repository import Place, Repository
from flowmaker.ids import arn

T = TypeVar("T")
_PAGE = 100


def page(
    found: Sequence[T], given: Mapping[str, Any], key: Callable[[T], str]
) -> tuple[Sequence[T], dict[str, str]]:
    """Of what is sorted by `key` the part behind the token, and the token for the next if any.

    Raises:
        AwsError: it is no token of ours.
    """
    after = _read(given["nextToken"]) if given.get("nextToken") else ""
    left = [one for one in found if key(one) > after]
    shown = left[: given.get("maxResults") or _PAGE]
    if len(shown) == len(left):
        return shown, {}
    return shown, {"nextToken": base64.urlsafe_b64encode(key(shown[-1]).encode()).decode()}


def _read(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, ValueError):
        raise constraint("nextToken", "Invalid token") from None


def arn_of(place: Place, name: str) -> str:
    return arn("ecr", place.region, place.account, f"repository/{name}")


def repository(place: Place, one: Repository) -> dict[str, Any]:
    return {
        "repositoryArn": arn_of(place, one.name),
        "registryId": place.account,
        "repositoryName": one.name,
        "repositoryUri": f"{place.account}.dkr.ecr.{place.region}.amazonaws.com/{one.name}",
        "createdAt": one.created_at,
        "imageTagMutability": MUTABILITY,
        "imageScanningConfiguration": {"scanOnPush": False},
        "encryptionConfiguration": {"encryptionType": "AES256"},
    }


def identifiers(image: Image) -> list[dict[str, str]]:
    """One for each tag."""
    digest = {"imageDigest": image.digest}
    return [digest | {"imageTag": tag} for tag in image.tags] or [digest]


def image(place: Place, name: str, one: Image) -> dict[str, Any]:
    described: dict[str, Any] = {
        "registryId": place.account,
        "repositoryName": name,
        "imageDigest": one.digest,
        "imagePushedAt": one.pushed_at,
    }
    if one.tags:
        described["imageTags"] = list(one.tags)
    if one.size:
        described["imageSizeInBytes"] = one.size
    return described
