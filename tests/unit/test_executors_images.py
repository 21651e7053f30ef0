"""Images are names for environments."""

import pytest

from flowmaker.errors import Unsupported
from flowmaker.executors import images
from flowmaker.executors.executor import EnvironmentSpec
from flowmaker.executors.images import Images, ResolvedImage


@pytest.mark.parametrize(
    ("name", "python"),
    [
        ("python", ""),
        ("python:latest", ""),
        ("python:3", ""),
        ("python:slim", ""),
        ("python:3-slim", ""),
        ("python:3.9", "3.9"),
        ("python:3.11.7", "3.11"),
        ("python:3.12-slim-bookworm", "3.12"),
        ("python:3.13.0rc1-alpine", "3.13"),
        ("docker.io/library/python:3.10", "3.10"),
        ("docker.io/python:3.10", "3.10"),
        ("public.ecr.aws/docker/library/python:3.10-slim", "3.10"),
        (f"python:3.10@sha256:{'0' * 64}", "3.10"),
        ("registry.access.redhat.com/ubi9/python-311:latest", "3.11"),
        ("registry.access.redhat.com/ubi8/python-39", "3.9"),
        ("registry.access.redhat.com/ubi9/python-312-minimal:9.5", "3.12"),
    ],
)
def test_python_images(name: str, python: str) -> None:
    resolved = Images().resolve(name)
    assert (resolved.environment, resolved.kind) == (EnvironmentSpec(python=python), "python")


@pytest.mark.parametrize(
    "name",
    [
        "alpine",
        "alpine:3.20",
        "library/bash:4.4.23",
        "docker.io/busybox",
        "ghcr.io/containerd/busybox",
        "ubuntu:24.04",
        "debian",
    ],
)
def test_images_of_plain_systems(name: str) -> None:
    resolved = Images().resolve(name)
    assert (resolved.environment, resolved.kind) == (EnvironmentSpec(), "system")
    assert resolved.note.startswith(f"image {name} stands for this machine's own shell and ")


@pytest.mark.parametrize(
    ("name", "has_one"),
    [
        ("alpine", True),
        ("library/bash:4.4.23", True),
        ("docker.io/busybox@sha256:" + "0" * 64, True),
        ("debian", False),
        ("ubuntu:24.04", False),
        ("python:3.11-alpine", False),
    ],
)
def test_a_shell_that_knows_more_than_that_of_debian(
    monkeypatch: pytest.MonkeyPatch, name: str, *, has_one: bool
) -> None:
    images._bash.cache_clear()  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr("shutil.which", lambda _: "/bin/bash")
    assert Images().resolve(name).shell == (("bash", "--posix") if has_one else ())
    images._bash.cache_clear()  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert Images().resolve(name).shell == ()
    images._bash.cache_clear()  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize("name", ["myalpine", "mypython:3.9", "python-x", "evil/python:3.9", ""])
def test_an_unknown_image_is_named_with_the_known_ones(name: str) -> None:
    with pytest.raises(Unsupported) as refused:
        Images([mine]).resolve(name)
    for part in (repr(name), "python:3.X", "my own image", "packages_to_install"):
        assert part in str(refused.value)


def test_python_2_is_not_passed_off_as_3() -> None:
    with pytest.raises(Unsupported, match="Python 2"):
        Images().resolve("python:2.7-slim")


def mine(name: str) -> ResolvedImage | None:
    """my own image"""
    spec = EnvironmentSpec(requirements=("six",))
    return ResolvedImage(environment=spec, kind="mine") if name == "mine" else None


def test_domains_bring_their_own() -> None:
    assert Images([mine]).resolve("mine").kind == "mine"


def contained(name: str) -> ResolvedImage | None:
    """my own container"""
    return ResolvedImage(environment=EnvironmentSpec(), engine="podman", kind="registered")


def test_tasks_of_pipelines_do_not_run_in_real_containers() -> None:
    with pytest.raises(Unsupported, match=r"'mine' is a real container.*tasks of pipelines do not"):
        Images([contained]).resolve("mine")
