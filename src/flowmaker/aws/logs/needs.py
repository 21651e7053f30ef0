"""Which permission each operation of CloudWatch Logs needs, on which ARN."""

from collections.abc import Iterable

from flowmaker.aws.logs import answers
from flowmaker.aws.service import Call, Need
from flowmaker.ids import account_of, arn


def need(call: Call, resource: str, action: str = "") -> Need:
    # A group that is named by its ARN may be another account's, which is nobody's to read.
    account = account_of(call.parameters.get("logGroupIdentifier", "")) or call.account
    return Need(
        action=f"logs:{action or call.operation}",
        resource=arn("logs", call.region, account, resource),
    )


async def all_groups(call: Call) -> Iterable[Need]:
    return [need(call, "log-group:*")]


async def one_group(call: Call) -> Iterable[Need]:
    return [need(call, f"log-group:{answers.group_name(call.parameters)}:log-stream:*")]


async def one_stream(call: Call) -> Iterable[Need]:
    group = answers.group_name(call.parameters)
    name = call.parameters["logStreamName"]
    return [need(call, f"log-group:{group}:log-stream:{name}")]


async def new_group(call: Call) -> Iterable[Need]:
    """Who gives tags must be allowed to, with these tags."""
    made = list(await one_group(call))
    tags = call.parameters.get("tags")
    if not tags:
        return made
    group = f"log-group:{answers.group_name(call.parameters)}"
    return [_with_tags(one, tags) for one in (*made, need(call, group, "TagResource"))]


async def tagged(call: Call) -> Iterable[Need]:
    """AWS asks for the group itself here, without what is in it."""
    given = call.parameters
    asked = Need(action=f"logs:{call.operation}", resource=given["resourceArn"].removesuffix(":*"))
    if keys := given.get("tagKeys"):
        return [Need(action=asked.action, resource=asked.resource, context=_keys(keys))]
    return [_with_tags(asked, given.get("tags") or {})]


async def tagged_by_name(call: Call) -> Iterable[Need]:
    """The older operations on tags: as others on a group."""
    (asked,) = await one_group(call)
    if call.operation == "UntagLogGroup":
        keys = _keys(call.parameters["tags"])
        return [Need(action=asked.action, resource=asked.resource, context=keys)]
    return [_with_tags(asked, call.parameters.get("tags") or {})]


def _with_tags(asked: Need, tags: dict[str, str]) -> Need:
    context: dict[str, str | tuple[str, ...]] = _keys(tags) if tags else {}
    context |= {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    return Need(action=asked.action, resource=asked.resource, context=context)


def _keys(keys: Iterable[str]) -> dict[str, str | tuple[str, ...]]:
    return {"aws:TagKeys": tuple(keys)}
