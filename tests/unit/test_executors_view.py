"""The plan of what a process sees."""

from pathlib import Path

from flowmaker.executors import view
from flowmaker.executors.executor import Mount, ProcessSpec


def job_folder(root: Path) -> Path:
    folder = root / "jobs" / "p"
    for name in ("work", "tmp"):
        (folder / name).mkdir(parents=True)
    return folder


def test_the_root_is_read_only_and_its_own_folders_are_not(tmp_path: Path) -> None:
    folder = job_folder(tmp_path)
    steps = view.plan(ProcessSpec(id="p", argv=("true",)), folder, [])
    assert steps[0] == ("read", "/", "/")
    assert ("bind", str(folder / "tmp"), "/tmp") in steps
    assert ("bind", str(folder / "work"), str(folder / "work")) in steps
    assert ("empty", "", str(folder.parent)) in steps
    assert steps.index(("empty", "", str(folder.parent))) < steps.index(
        ("read", str(folder), str(folder))
    )


def test_a_target_that_exists_needs_no_room(tmp_path: Path) -> None:
    mount = Mount(source=tmp_path, target="/usr/share")
    spec = ProcessSpec(id="p", argv=("true",), mounts=(mount,))
    steps = view.plan(spec, job_folder(tmp_path), [])
    assert ("empty", "", "/usr") not in steps
    assert steps[-1] == ("bind", str(tmp_path), "/usr/share")


def test_a_new_place_at_the_root_makes_a_new_root(tmp_path: Path) -> None:
    mount = Mount(source=tmp_path, target="/no-such-place/x")
    spec = ProcessSpec(id="p", argv=("true",), mounts=(mount,))
    steps = view.plan(spec, job_folder(tmp_path), [])
    assert steps[0] == ("empty", "", "/")
    assert ("proc", "/proc", "/proc") in steps
    assert ("read", "/usr", "/usr") in steps
    assert steps.count(("empty", "", "/")) == 1
