"""Images that the user registered: their names, and the digest of what they consist of."""

import json
import os
from pathlib import Path

import pytest

from flowmaker.errors import NotFound
from flowmaker.executors.registered import RegisteredImages

URI = "000000000000.dkr.ecr.us-east-1.amazonaws.com/trees"


@pytest.fixture
def images(tmp_path: Path) -> RegisteredImages:
    return RegisteredImages(tmp_path / "images")


def settle(images: Path) -> None:
    """As if nothing had changed in the folder for an hour."""
    os.utime(images, (0, images.stat().st_mtime - 3600))


def folder(place: Path, **files: str) -> Path:
    place.mkdir(parents=True)
    for name, text in files.items():
        (place / name).write_text(text)
    return place


def digest(images: RegisteredImages, name: str) -> str:
    (found,) = (one.image for one in images.registrations() if one.image.name == name)
    return found.digest


def test_a_digest_is_that_of_the_content(images: RegisteredImages, tmp_path: Path) -> None:
    one, same = folder(tmp_path / "one", train="x"), folder(tmp_path / "same", train="x")
    listed = tmp_path / "requirements.txt"
    listed.write_text("six\n")
    images.add("a", None, one, "")
    images.add("b", None, same, "")
    first = digest(images, "a")
    assert first.startswith("sha256:")
    assert len(first) == len("sha256:") + 64
    assert digest(images, "b") == first, "the same files in another folder, by another name"
    seen = {first}
    (same / "train").write_text("y")
    images.add("b", None, same, "")
    seen.add(digest(images, "b"))
    (same / "train").write_text("x")
    (same / "train").chmod(0o755)
    images.add("b", None, same, "")
    seen.add(digest(images, "b"))
    images.add("b", listed, one, "")
    seen.add(digest(images, "b"))
    images.add("b", None, one, "3.12")
    seen.add(digest(images, "b"))
    images.add_container("b", "podman")
    seen.add(digest(images, "b"))
    images.add_container("c", "podman")
    seen.add(digest(images, "c"))
    assert len(seen) == 7, "whatever is another makes another digest"
    images.add("b", None, one, "")
    assert digest(images, "b") == first, "as it was before"


def test_what_a_program_writes_later_does_not_change_the_digest(
    images: RegisteredImages, tmp_path: Path
) -> None:
    images.add("a", None, folder(tmp_path / "one", train="x"), "")
    before = digest(images, "a")
    resolved = images.rule("a")
    assert resolved
    (Path(resolved.workdir) / "written").write_text("by a job")
    assert digest(images, "a") == before


def test_what_an_older_version_registered_has_the_same_digest(
    images: RegisteredImages, tmp_path: Path
) -> None:
    images.add("a", None, folder(tmp_path / "one", train="x"), "")
    before = images.registrations()
    (entry,) = (tmp_path / "images").glob("*-*/image.json")
    said = json.loads(entry.read_text())
    entry.write_text(json.dumps({k: v for k, v in said.items() if k not in ("digest", "size")}))
    (after,) = images.registrations()
    assert after.image == before[0].image


def test_a_digest_is_a_name_too(images: RegisteredImages, tmp_path: Path) -> None:
    images.add(f"{URI}:1", None, folder(tmp_path / "one", train="x"), "")
    found = digest(images, f"{URI}:1")
    for name in (f"{URI}@{found}", f"{URI}:1@{found}"):
        assert images.rule(name) == images.rule(f"{URI}:1")
    assert images.rule(f"{URI}@sha256:{'0' * 64}") is None
    assert images.rule(f"{URI}s@{found}") is None, "of another repository"


def test_no_tag_is_latest(images: RegisteredImages, tmp_path: Path) -> None:
    images.add(URI, None, folder(tmp_path / "one", train="x"), "")
    images.add("localhost:5000/b:latest", None, None, "3.12")
    assert images.rule(f"{URI}:latest") == images.rule(URI) != None  # noqa: E711
    assert images.rule(f"{URI}:1") is None
    tagless = images.rule("localhost:5000/b")
    assert tagless
    assert tagless.environment.python == "3.12"
    with pytest.raises(NotFound):
        images.remove(f"{URI}:latest")


def test_what_another_program_changes_is_seen_at_once(
    images: RegisteredImages, tmp_path: Path
) -> None:
    other = RegisteredImages(tmp_path / "images")
    assert images.rule("a") is None
    for python in ("3.11", "3.12", "3.13"):
        other.add("a", None, None, python)
        for _ in range(2):
            found = images.rule("a")
            assert found is not None
            assert found.environment.python == python
            settle(tmp_path / "images")
    other.remove("a")
    assert images.rule("a") is None


def test_an_image_is_not_read_again_while_nothing_changes(
    images: RegisteredImages, tmp_path: Path
) -> None:
    images.add("a", None, None, "")
    settle(tmp_path / "images")
    assert images.rule("a") is images.rule("a")
