"""The operations of ECR that make, change and remove repositories."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flowmaker.aws.auth.policy import Kind, parse
from flowmaker.aws.ecr import answers, refusals, repository
from flowmaker.aws.ecr.members import MUTABILITY, check
from flowmaker.aws.ecr.needs import RepositoryNeeds, place, tagged, tags_of
from flowmaker.aws.ecr.registry import Registry, Shelves
from flowmaker.aws.ecr.repository import Place, Repository
from flowmaker.aws.errors import AwsError
from flowmaker.aws.identity import Authorizer
from flowmaker.aws.service import Call, Handler, Need, Needs, Operation
from flowmaker.clock import Clock
from flowmaker.errors import NotFound
from flowmaker.store.database import Database, Transaction

MOST_TAGS = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A request for a change: about which repository, when, and what images there are."""

    call: Call
    place: Place
    name: str
    images: Shelves
    now: datetime

    def existing(self, tx: Transaction) -> Repository:
        """The repository.

        Raises:
            AwsError: there is none.
        """
        found = self.images.find(tx, self.place, self.name)
        if found is None:
            raise refusals.no_repository(self.place, self.name)
        return found


Change = Callable[[Transaction, Asked], Mapping[str, Any] | None]


class RepositoryChanges:
    """Each is one transaction: it is done whole, or not at all."""

    def __init__(
        self, database: Database, registry: Registry, authorizer: Authorizer, clock: Clock
    ) -> None:
        self._database = database
        self._registry = registry
        self._authorizer = authorizer
        self._clock = clock

    def operations(self) -> Mapping[str, Operation]:
        needs = RepositoryNeeds(self._database)
        changes: dict[str, tuple[Change, Needs]] = {
            "CreateRepository": (_create, needs.new),
            "PutImageTagMutability": (_put_mutability, needs.one),
            "PutImageScanningConfiguration": (_put_scanning, needs.one),
            "TagResource": (_tag, needs.tagged),
            "UntagResource": (_untag, needs.tagged),
            "DeleteRepositoryPolicy": (_delete_policy, needs.one),
        }
        operations = {
            name: Operation(handler=self._handler(change), needs=asked)
            for name, (change, asked) in changes.items()
        }
        return operations | {
            "DeleteRepository": Operation(handler=self._delete, needs=needs.one),
            "SetRepositoryPolicy": Operation(handler=self._set_policy, needs=needs.one),
        }

    def _handler(self, change: Change) -> Handler:
        async def handler(call: Call) -> Mapping[str, Any] | None:
            check(call)
            return await self._database.write(change, await self._asked(call))

        return handler

    async def _asked(self, call: Call) -> Asked:
        by_arn = "resourceArn" in call.parameters
        where, name = tagged(call) if by_arn else (place(call), call.parameters["repositoryName"])
        return Asked(
            call=call,
            place=where,
            name=name,
            images=await self._registry.shelves(where),
            now=self._clock.now(),
        )

    async def _delete(self, call: Call) -> Mapping[str, Any]:
        """With `force` its images are forgotten. Who is interrupted there does it again."""
        check(call)
        asked = await self._asked(call)
        gone = await self._database.write(_delete, asked)
        for image in asked.images.of(asked.name):
            for name in image.names:
                with suppress(NotFound):
                    await asyncio.to_thread(self._registry.registered.remove, name)
        return gone

    async def _set_policy(self, call: Call) -> Mapping[str, Any]:
        check(call)
        asked = await self._asked(call)
        text: str = call.parameters["policyText"]
        try:
            parse(text, Kind.REPOSITORY)
        except AwsError as error:
            raise refusals.bad_policy(error.message) from None
        if not call.parameters.get("force"):
            await self._refuse_lockout(asked, text)
        return await self._database.write(_set_policy, asked)

    async def _refuse_lockout(self, asked: Asked, text: str) -> None:
        need = Need(
            action="ecr:SetRepositoryPolicy",
            resource=answers.arn_of(asked.place, asked.name),
            resource_policy=text,
        )
        if not await self._authorizer.allowed(
            asked.call.principal, need, region=asked.place.region
        ):
            raise refusals.invalid(
                "The policy would keep you from setting another one in the future: "
                "give force, if it is meant so"
            )


def _create(tx: Transaction, asked: Asked) -> Mapping[str, Any]:
    if asked.images.find(tx, asked.place, asked.name):
        raise refusals.already_exists(asked.place, asked.name)
    made = Repository(
        name=asked.name,
        created_at=asked.now,
        tags=_checked(tags_of(asked.call)),
    )
    repository.put(tx, asked.place, made)
    return {"repository": answers.repository(asked.place, made)}


def _delete(tx: Transaction, asked: Asked) -> Mapping[str, Any]:
    found = asked.existing(tx)
    if asked.images.of(asked.name) and not asked.call.parameters.get("force"):
        raise refusals.not_empty(asked.place, asked.name)
    repository.remove(tx, asked.place, asked.name)
    return {"repository": answers.repository(asked.place, found)}


def _put_mutability(tx: Transaction, asked: Asked) -> Mapping[str, Any]:
    """There is one, which every repository has already: `members.check` refuses any other."""
    asked.existing(tx)
    return _named(asked) | {"imageTagMutability": MUTABILITY}


def _put_scanning(tx: Transaction, asked: Asked) -> Mapping[str, Any]:
    """Nothing is scanned, and `members.check` refuses to say that it were."""
    asked.existing(tx)
    return _named(asked) | {"imageScanningConfiguration": {"scanOnPush": False}}


def _tag(tx: Transaction, asked: Asked) -> Mapping[str, Any]:
    found = asked.existing(tx)
    tags = _checked({**found.tags, **tags_of(asked.call)})
    repository.put(tx, asked.place, replace(found, tags=tags))
    return {}


def _untag(tx: Transaction, asked: Asked) -> Mapping[str, Any]:
    found, gone = asked.existing(tx), asked.call.parameters["tagKeys"]
    left = {key: value for key, value in found.tags.items() if key not in gone}
    repository.put(tx, asked.place, replace(found, tags=left))
    return {}


def _checked(tags: Mapping[str, str]) -> Mapping[str, str]:
    if len(tags) > MOST_TAGS:
        raise AwsError("TooManyTagsException", f"A repository has at most {MOST_TAGS} tags")
    for key in tags:
        if key.lower().startswith("aws:"):
            message = f"Tag keys that begin with aws: are AWS's own: {key}"
            raise AwsError("InvalidTagParameterException", message)
    return tags


def _set_policy(tx: Transaction, asked: Asked) -> Mapping[str, Any]:
    text: str = asked.call.parameters["policyText"]
    repository.put(tx, asked.place, replace(asked.existing(tx), policy=text))
    return _named(asked) | {"policyText": text}


def _delete_policy(tx: Transaction, asked: Asked) -> Mapping[str, Any]:
    found = asked.existing(tx)
    if not found.policy:
        raise refusals.no_policy(asked.place, asked.name)
    repository.put(tx, asked.place, replace(found, policy=""))
    return _named(asked) | {"policyText": found.policy}


def _named(asked: Asked) -> dict[str, Any]:
    return {"registryId": asked.place.account, "repositoryName": asked.name}
