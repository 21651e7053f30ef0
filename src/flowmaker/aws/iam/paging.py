"""IAM's way to hand out long lists: MaxItems, Marker, IsTruncated."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from flowmaker.aws.iam.refusals import validation
from flowmaker.aws.service import Parameters

T = TypeVar("T")

_DEFAULT = 100


def after(parameters: Parameters) -> str:
    """The name after which the page begins: what `Marker` hides.

    Raises:
        AwsError: it is no marker of ours.
    """
    marker = parameters.get("Marker", "")
    try:
        return base64.urlsafe_b64decode(marker.encode()).decode()
    except (binascii.Error, ValueError):
        raise validation(f"Invalid Marker: {marker}. Give back the one that was given.") from None


def limit(parameters: Parameters) -> int:
    """One more than the page has, to know whether there are more."""
    return int(parameters.get("MaxItems", _DEFAULT)) + 1


def page(
    parameters: Parameters, member: str, found: Sequence[T], name: Callable[[T], str]
) -> tuple[list[T], dict[str, Any]]:
    """The records of the page, and the answer without them; `member` is where they go."""
    size = limit(parameters) - 1
    shown = list(found[:size])
    answer: dict[str, Any] = {member: [], "IsTruncated": len(found) > size}
    if answer["IsTruncated"]:
        answer["Marker"] = base64.urlsafe_b64encode(name(shown[-1]).encode()).decode()
    return shown, answer


def slice_after(parameters: Parameters, names: Sequence[str]) -> list[str]:
    """Of a sorted list that is in memory anyway, what `page` needs."""
    begin = after(parameters)
    return [name for name in names if name > begin][: limit(parameters)]
