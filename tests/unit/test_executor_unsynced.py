"""Files are put on the disk when it is quiet, when there are many, and at the latest at the end."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowmaker.executors import unsynced
from flowmaker.executors.unsynced import Unsynced


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were, in their order."""
    names: list[str] = []

    def fsync(file: int) -> None:
        names.append(Path(f"/proc/self/fd/{file}").readlink().name)

    monkeypatch.setattr(os, "fsync", fsync)
    return names


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def _file(folder: Path, name: str) -> str:
    (folder / name).write_text("")
    return str(folder / name)


def test_when_it_is_quiet(
    tmp_path: Path, synced: list[str], pair: tuple[socket.socket, socket.socket]
) -> None:
    files = Unsynced()
    files.add(_file(tmp_path, "log"))
    pair[1].send(b"an order")
    files.sync_unless_wanted(pair[0])
    assert synced == []

    pair[0].recv(16)
    files.sync_unless_wanted(pair[0])
    assert synced == ["log"]
    files.sync()
    assert synced == ["log"]


def test_when_there_are_many(tmp_path: Path, synced: list[str]) -> None:
    files = Unsynced()
    for number in range(unsynced.MOST - 1):
        files.add(_file(tmp_path, str(number)))
    assert synced == []
    files.add(_file(tmp_path, "last"))
    assert len(set(synced)) == unsynced.MOST


def test_who_removed_one_needs_it_no_more(tmp_path: Path, synced: list[str]) -> None:
    files = Unsynced()
    files.add(str(tmp_path / "gone"))
    files.add(_file(tmp_path, "there"))
    files.sync()
    assert synced == ["there"]
