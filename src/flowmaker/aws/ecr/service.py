"""The operations of ECR that read: repositories, their images, tags and policies."""

from collections.abc import Mapping, Sequence
from typing import Any

from flowmaker.aws.ecr import answers, refusals
from flowmaker.aws.ecr.changes import RepositoryChanges
from flowmaker.aws.ecr.images import Image
from flowmaker.aws.ecr.members import check
from flowmaker.aws.ecr.needs import RepositoryNeeds, place, tagged
from flowmaker.aws.ecr.registry import Registry, Shelves
from flowmaker.aws.ecr.repository import Place, Repository
from flowmaker.aws.identity import Authorizer
from flowmaker.aws.service import Call, Handler, Needs, Operation
from flowmaker.clock import Clock
from flowmaker.executors.registered import RegisteredImages
from flowmaker.store.database import Database


class EcrService:
    """`ecr`. Repositories are rows, images are what `flowmaker image add` registered."""

    name = "ecr"

    def __init__(
        self,
        database: Database,
        registered: RegisteredImages,
        authorizer: Authorizer,
        clock: Clock,
    ) -> None:
        self._database = database
        self._registry = Registry(registered)
        self._changes = RepositoryChanges(database, self._registry, authorizer, clock)

    def operations(self) -> Mapping[str, Operation]:
        needs = RepositoryNeeds(self._database)
        handlers: dict[str, tuple[Handler, Needs]] = {
            "DescribeRepositories": (self._repositories, needs.several),
            "ListImages": (self._list_images, needs.one),
            "DescribeImages": (self._describe_images, needs.one),
            "ListTagsForResource": (self._tags, needs.tagged),
            "GetRepositoryPolicy": (self._policy, needs.one),
            "GetLifecyclePolicy": (self._lifecycle_policy, needs.one),
        }
        reads = {
            name: Operation(handler=handler, needs=asked)
            for name, (handler, asked) in handlers.items()
        }
        return {**reads, **self._changes.operations(), **refusals.operations()}

    async def _repositories(self, call: Call) -> Mapping[str, Any]:
        check(call)
        given, where = call.parameters, place(call)
        names: Sequence[str] = given.get("repositoryNames") or ()
        shelves = await self._registry.shelves(where)
        found = await self._database.read(shelves.every, where)
        if names:
            _refuse_page(call, "repositoryNames")
            known = {one.name: one for one in found}
            for name in names:
                if name not in known:
                    raise refusals.no_repository(where, name)
            return {"repositories": [answers.repository(where, known[name]) for name in names]}
        page, token = answers.page(found, given, lambda one: one.name)
        return {"repositories": [answers.repository(where, one) for one in page]} | token

    async def _list_images(self, call: Call) -> Mapping[str, Any]:
        check(call)
        images = _chosen(await self._images(call), call)
        found = [one for image in images for one in answers.identifiers(image)]
        page, token = answers.page(
            found, call.parameters, lambda one: f"{one['imageDigest']} {one.get('imageTag', '')}"
        )
        return {"imageIds": list(page)} | token

    async def _describe_images(self, call: Call) -> Mapping[str, Any]:
        check(call)
        given, where, name = call.parameters, place(call), call.parameters["repositoryName"]
        images = await self._images(call)
        if given.get("imageIds"):
            _refuse_page(call, "imageIds")
            chosen = _chosen(_named(images, call), call)
            return {"imageDetails": [answers.image(where, name, one) for one in chosen]}
        page, token = answers.page(_chosen(images, call), given, lambda image: image.digest)
        return {"imageDetails": [answers.image(where, name, one) for one in page]} | token

    async def _tags(self, call: Call) -> Mapping[str, Any]:
        check(call)
        where, name = tagged(call)
        found, _ = await self._existing(where, name)
        return {"tags": [{"Key": key, "Value": value} for key, value in found.tags.items()]}

    async def _policy(self, call: Call) -> Mapping[str, Any]:
        check(call)
        where, name = place(call), call.parameters["repositoryName"]
        found, _ = await self._existing(where, name)
        if not found.policy:
            raise refusals.no_policy(where, name)
        return {"registryId": where.account, "repositoryName": name, "policyText": found.policy}

    async def _lifecycle_policy(self, call: Call) -> Mapping[str, Any]:
        """No repository has one: images stay until they are removed."""
        check(call)
        where, name = place(call), call.parameters["repositoryName"]
        await self._existing(where, name)
        raise refusals.no_policy(where, name, "Lifecycle")

    async def _images(self, call: Call) -> Sequence[Image]:
        _, shelves = await self._existing(place(call), call.parameters["repositoryName"])
        return shelves.of(call.parameters["repositoryName"])

    async def _existing(self, where: Place, name: str) -> tuple[Repository, Shelves]:
        shelves = await self._registry.shelves(where)
        found = await self._database.read(shelves.find, where, name)
        if found is None:
            raise refusals.no_repository(where, name)
        return found, shelves


def _chosen(images: Sequence[Image], call: Call) -> list[Image]:
    """Those that the filter wants. All are active: none is archived."""
    wanted: Mapping[str, str] = call.parameters.get("filter") or {}
    if wanted.get("imageStatus", "ANY") not in ("ANY", "ACTIVE"):
        return []
    status = wanted.get("tagStatus", "ANY")
    return [one for one in images if status in ("ANY", "TAGGED" if one.tags else "UNTAGGED")]


def _named(images: Sequence[Image], call: Call) -> list[Image]:
    """Those that the request names, each once."""
    found: dict[str, Image] = {}
    for asked in call.parameters["imageIds"]:
        digest, tag = asked.get("imageDigest"), asked.get("imageTag")
        if not digest and not tag:
            raise refusals.constraint("imageIds", "imageDigest or imageTag must be given")
        image = next((one for one in images if one.is_meant(digest, tag)), None)
        if image is None:
            raise refusals.no_image(place(call), call.parameters["repositoryName"], digest, tag)
        found[image.digest] = image
    return list(found.values())


def _refuse_page(call: Call, names: str) -> None:
    for member in ("maxResults", "nextToken"):
        if call.parameters.get(member):
            raise refusals.invalid(f"{member} does not go with {names}")
