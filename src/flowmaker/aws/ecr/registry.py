"""What repositories there are: rows of the database, and names of registered images."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flowmaker.aws.ecr import repository
from flowmaker.aws.ecr.images import Image, by_repository
from flowmaker.aws.ecr.repository import Place, Repository
from flowmaker.executors.registered import RegisteredImages
from flowmaker.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Shelves:
    """The images of one registry, as they were registered when it was asked."""

    images: Mapping[str, Sequence[Image]]

    def of(self, name: str) -> Sequence[Image]:
        return self.images.get(name, ())

    def find(self, tx: Transaction, place: Place, name: str) -> Repository | None:
        """A repository that was made, or one that is there because it has an image."""
        return repository.find(tx, place, name) or self._by_itself(name)

    def every(self, tx: Transaction, place: Place) -> list[Repository]:
        """All of the registry, by their names."""
        made = {one.name: one for one in repository.every(tx, place)}
        others = (self._by_itself(name) for name in self.images if name not in made)
        found = [*made.values(), *(one for one in others if one)]
        return sorted(found, key=lambda one: one.name)

    def _by_itself(self, name: str) -> Repository | None:
        images = self.of(name)
        if not images:
            return None
        return Repository(name=name, created_at=min(one.pushed_at for one in images))


class Registry:
    """The images that users registered, by account and region."""

    def __init__(self, registered: RegisteredImages) -> None:
        self.registered = registered

    async def shelves(self, place: Place) -> Shelves:
        found = await asyncio.to_thread(self.registered.registrations)
        return Shelves(by_repository(found, place))
