"""Amazon S3 Control: the tags of a bucket by its ARN, as Terraform's provider asks for them.

A service of its own to clients: it signs as S3, and has paths of its own.
"""

import json
from collections.abc import Iterable, Mapping
from functools import partial

from flowmaker.aws.errors import AwsError
from flowmaker.aws.s3 import configurations, failures, headers, names, policies
from flowmaker.aws.s3.place import Ground
from flowmaker.aws.service import Answer, Call, Handler, Need, Operation
from flowmaker.clock import Clock
from flowmaker.objects.disk import DiskObjectStore
from flowmaker.objects.objects import Bucket

_ARN = "arn:aws:s3:::"


class S3ControlService:
    """The operations on tags: what else S3 Control has is refused by name."""

    name = "s3control"

    def __init__(self, store: DiskObjectStore, clock: Clock) -> None:
        ground = Ground(store, clock)
        handlers: Mapping[str, Handler] = {
            "ListTagsForResource": partial(_list, ground),
            "TagResource": partial(_tag, ground),
            "UntagResource": partial(_untag, ground),
        }
        needs = partial(_needs, ground)
        self._operations = {
            name: Operation(handler=handler, needs=needs) for name, handler in handlers.items()
        }

    def operations(self) -> Mapping[str, Operation]:
        return self._operations


async def _list(ground: Ground, call: Call) -> Answer:
    tags = configurations.tags_of(await _bucket(ground, call))
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


async def _tag(ground: Ground, call: Call) -> Answer:
    bucket = await _bucket(ground, call)
    added = headers.tag_set(call.parameters["Tags"], configurations.MOST_TAGS)
    return await _replace(ground, bucket, {**configurations.tags_of(bucket), **added})


async def _untag(ground: Ground, call: Call) -> Answer:
    bucket = await _bucket(ground, call)
    gone = set(call.parameters["TagKeys"])
    kept = {key: tag for key, tag in configurations.tags_of(bucket).items() if key not in gone}
    return await _replace(ground, bucket, kept)


async def _replace(ground: Ground, bucket: Bucket, tags: Mapping[str, str]) -> Answer:
    tag_set = [{"Key": key, "Value": value} for key, value in tags.items()]
    headers.tag_set(tag_set, configurations.MOST_TAGS)
    text = json.dumps({"Tagging": {"TagSet": tag_set}}) if tag_set else None
    await configurations.configure(ground, bucket, configurations.TAGGING, text)
    return {}


async def _bucket(ground: Ground, call: Call) -> Bucket:
    """The bucket that the call names, of the account that it names.

    Raises:
        AwsError: NoSuchResource; the resource is no bucket.
    """
    bucket = await ground.store.bucket(_name(call))
    if bucket is None or bucket.owner != call.parameters["AccountId"]:
        raise AwsError("NoSuchResource", "The specified resource doesn't exist.", 404)
    return bucket


def _name(call: Call) -> str:
    resource: str = call.parameters["ResourceArn"]
    name = resource.removeprefix(_ARN)
    if not resource.startswith(_ARN) or "/" in name:
        raise failures.not_implemented(f"{call.operation} of {resource}, which is no bucket,")
    return name


async def _needs(ground: Ground, call: Call) -> Iterable[Need]:
    name = _name(call)
    bucket = await ground.store.bucket(name)
    if bucket is None:  # the handler says so
        return []
    given = call.parameters
    tags = {tag["Key"]: tag["Value"] for tag in given.get("Tags") or ()}
    keys = tuple(given.get("TagKeys") or tags)
    context: dict[str, str | tuple[str, ...]] = {"aws:TagKeys": keys} if keys else {}
    context |= {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    return [
        Need(
            action=f"s3:{call.operation}",
            resource=names.bucket_arn(name),
            context=context,
            resource_policy=policies.in_force(bucket, call.account),
            owner=bucket.owner,
        )
    ]
