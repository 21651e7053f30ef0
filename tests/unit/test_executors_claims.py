"""What the folders of processes tell while others write and remove them."""

from pathlib import Path

import pytest

from flowmaker.executors import claims
from flowmaker.executors.executor import ProcessState


def test_one_that_starts_between_two_looks_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody_yet(folder: Path) -> None:
        """Just after this look its supervisor takes the lock and starts it."""
        (folder / "pid.json").write_text('{"sandbox": "none"}')

    monkeypatch.setattr(claims, "supervisor_pid", nobody_yet)
    assert claims.observe(tmp_path).state is ProcessState.ABSENT
    monkeypatch.setattr(claims, "supervisor_pid", lambda _: 1)
    assert claims.observe(tmp_path).state is ProcessState.RUNNING
    monkeypatch.setattr(claims, "supervisor_pid", lambda _: None)
    assert claims.observe(tmp_path).state is ProcessState.LOST


def test_who_has_a_folder_is_told_while_another_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("has it", "is forgotten"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "spec.json").write_text('{"mounts": ["/volumes/abc"]}')
    listed = [*tmp_path.glob("*/spec.json")]
    claims.remove(tmp_path / "is forgotten")
    monkeypatch.setattr(Path, "glob", lambda *_: iter(listed))
    assert claims.given(tmp_path, ["abc", "other"]) == {"abc": ["has it"]}


def test_one_that_is_about_to_start_has_its_folders(tmp_path: Path) -> None:
    job = tmp_path / "job"
    job.mkdir()
    claims.stage(job, {"mounts": ["/volumes/abc"]})
    assert claims.given(tmp_path, ["abc"]) == {}  # of a server that was killed: nobody starts it
    assert claims.given(tmp_path, ["abc"], ["job"]) == {"abc": ["job"]}
    claims.claim(job)
    assert claims.given(tmp_path, ["abc"], ["job"]) == {"abc": ["job"]}
    assert claims.given(tmp_path, ["abc"], ["gone"]) == {"abc": ["job"]}
