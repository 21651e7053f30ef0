"""What tests of more than one tier share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import House, house


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One whole server for all tests that leave it as they found it."""
    with house(tmp_path_factory.mktemp("flowmaker")) as running:
        yield running


@pytest.fixture
def data(tmp_path: Path, server: House) -> Path:
    """A data folder of its own, which shares the environments that are made already."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "envs").symlink_to(server.data / "envs")
    return folder
