"""Which permission each operation of ECR needs, on which ARN."""

from collections.abc import Iterable, Mapping

from flowmaker.aws.ecr import repository
from flowmaker.aws.ecr.answers import arn_of
from flowmaker.aws.ecr.refusals import constraint
from flowmaker.aws.ecr.repository import Named, Place
from flowmaker.aws.service import Call, Need
from flowmaker.store.database import Database

Context = dict[str, str | tuple[str, ...]]


def place(call: Call) -> Place:
    """Whose registry a request is about: the caller's, where it does not say another."""
    account = call.parameters.get("registryId") or call.account
    return Place(account=account, region=call.region)


def tagged(call: Call) -> Named:
    """The repository of the request's ARN.

    Raises:
        AwsError: it is no repository's, or one of another region.
    """
    named = repository.place_of(call.parameters["resourceArn"])
    if named is None or named.place.region != call.region:
        raise constraint("resourceArn", "Invalid ARN")
    return named


def tags_of(call: Call) -> dict[str, str]:
    """The tags that a request gives."""
    return {one["Key"]: one.get("Value", "") for one in call.parameters.get("tags") or ()}


class RepositoryNeeds:
    """What is asked for depends on the repositories' policies and tags."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def one(self, call: Call) -> Iterable[Need]:
        return [await self._need(call, place(call), call.parameters["repositoryName"])]

    async def new(self, call: Call) -> Iterable[Need]:
        """Who gives tags must be allowed to, with these tags."""
        resource = arn_of(place(call), call.parameters["repositoryName"])
        tags = tags_of(call)
        actions = ["CreateRepository", "TagResource"] if tags else ["CreateRepository"]
        return [
            Need(action=f"ecr:{action}", resource=resource, context=_asked(tags))
            for action in actions
        ]

    async def several(self, call: Call) -> Iterable[Need]:
        names = call.parameters.get("repositoryNames")
        if not names:
            resource = arn_of(place(call), "*")
            return [Need(action=f"ecr:{call.operation}", resource=resource)]
        return [await self._need(call, place(call), name) for name in names]

    async def tagged(self, call: Call) -> Iterable[Need]:
        where, name = tagged(call)
        keys = call.parameters.get("tagKeys")
        context: Context = {"aws:TagKeys": tuple(keys)} if keys else _asked(tags_of(call))
        return [await self._need(call, where, name, context)]

    async def _need(
        self, call: Call, where: Place, name: str, asked: Context | None = None
    ) -> Need:
        found = await self._database.read(repository.find, where, name)
        context: Context = {}
        for key, value in found.tags.items() if found else ():
            context |= {f"aws:ResourceTag/{key}": value, f"ecr:ResourceTag/{key}": value}
        return Need(
            action=f"ecr:{call.operation}",
            resource=arn_of(where, name),
            context=context | (asked or {}),
            resource_policy=found.policy if found else "",
        )


def _asked(tags: Mapping[str, str]) -> Context:
    context: Context = {"aws:TagKeys": tuple(tags)} if tags else {}
    return context | {f"aws:RequestTag/{key}": value for key, value in tags.items()}
