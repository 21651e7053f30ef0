"""What unit tests share."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from flowmaker.store.database import Database
from tests.fakes.hosting import Model


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty one."""
    made = Database(tmp_path / "flowmaker.db")
    yield made
    made.close()


@pytest.fixture
async def model() -> AsyncIterator[Model]:
    """A model server that is played."""
    played = Model()
    yield played
    await played.close()
