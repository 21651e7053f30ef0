"""What unit tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flowmaker.store.database import Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty one."""
    made = Database(tmp_path / "flowmaker.db")
    yield made
    made.close()
