"""Folders that come and go lie apart, where the filesystem knows how."""

from pathlib import Path

import pytest

from flowmaker.executors.spread import is_spread, spread


def test_a_folder_is_spread_and_stays_so(tmp_path: Path) -> None:
    try:
        assert not is_spread(tmp_path)
    except OSError:
        pytest.skip("this filesystem has no flags of folders")
    for _ in range(2):
        spread(tmp_path)
        assert is_spread(tmp_path)
    (tmp_path / "below").mkdir()
    assert not is_spread(tmp_path / "below")


def test_where_there_are_no_flags_nothing_happens(tmp_path: Path) -> None:
    spread(Path("/proc/self"))
    spread(tmp_path / "not-there")
