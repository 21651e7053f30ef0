"""What tests of more than one tier share."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import uv

from tests.house import House, house, sharing


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all servers keep environments: each is made once, as for one who has worked before.

    All processes of pytest-xdist share it. Wheels are those that uv has here, as it has them since
    Flowmaker was installed.
    """
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder = base / "environments"
    folder.mkdir(exist_ok=True)
    asked = [uv.find_uv_bin(), "cache", "dir"]
    cache = Path(subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip())
    cache.mkdir(parents=True, exist_ok=True)
    try:
        (folder / ".cache").symlink_to(cache)
    except FileExistsError:
        assert (folder / ".cache").readlink() == cache, "another process has linked it"
    return folder


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, environments: Path) -> Iterator[House]:
    """One whole server for all tests that leave it as they found it."""
    with house(sharing(tmp_path_factory.mktemp("flowmaker"), environments)) as running:
        yield running


@pytest.fixture
def data(tmp_path: Path, environments: Path) -> Path:
    """A data folder of its own, but for the environments."""
    return sharing(tmp_path / "data", environments)
