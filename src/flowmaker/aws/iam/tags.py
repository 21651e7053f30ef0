"""Tags of users, roles and policies."""

from collections.abc import Iterable, Mapping

from flowmaker.aws.errors import AwsError
from flowmaker.aws.iam.refusals import limit
from flowmaker.aws.service import Parameters

MOST = 50


def tags_of(parameters: Parameters) -> dict[str, str]:
    """The tags of a request, each key once.

    Raises:
        AwsError: two have one key (which IAM compares without case), or there are too many.
    """
    given = parameters.get("Tags", ())
    if len({tag["Key"].lower() for tag in given}) != len(given):
        raise AwsError(
            "InvalidInput",
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        )
    return merged({}, {tag["Key"]: tag["Value"] for tag in given}, ())


def merged(
    tags: Mapping[str, str], add: Mapping[str, str], remove: Iterable[str]
) -> dict[str, str]:
    gone = {key.lower() for key in (*add, *remove)}
    kept = {key: value for key, value in tags.items() if key.lower() not in gone} | dict(add)
    if len(kept) > MOST:
        raise limit("TagsPerResource", MOST)
    return kept
