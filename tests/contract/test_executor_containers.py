"""Real containers: what an engine is told to do, whatever happens to those who told it."""

import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from flowmaker.clock import SystemClock
from flowmaker.errors import InvalidInput, Unsupported
from flowmaker.executors import claims, containers
from flowmaker.executors.containers import engine_of
from flowmaker.executors.executor import Container, Mount, ProcessSpec, ProcessState
from flowmaker.executors.local import LocalExecutor
from tests.contract.executing import Runner
from tests.fakes import engine_client

IMAGE = Container(engine="podman", image="trees:1")
LISTENS = "trap 'echo told; exit 0' TERM; echo ready; while :; do sleep 0.05; done"
DEAF = "trap '' TERM; echo ready; while :; do sleep 0.05; done"


class Engine:
    """What the engine was told."""

    def __init__(self, said: Path) -> None:
        self.said = said

    def told(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.said.read_text().splitlines()]

    def verbs(self) -> list[str]:
        return [one["argv"][0] for one in self.told()]

    def container(self) -> Path:
        """There while the container is."""
        return self.said.with_name("flowmaker-p")


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return Engine(engine_client.play(folder))


@pytest.fixture
async def runner(tmp_path: Path, engine: Engine) -> AsyncIterator[Runner]:
    executor = LocalExecutor(tmp_path / "jobs", tmp_path / "run", SystemClock(), sweep=0.1)
    await executor.start()
    yield Runner(executor)
    await executor.close()


def contained(script: str, **fields: Any) -> ProcessSpec:
    return ProcessSpec(id="p", argv=("sh", "-c", script), container=IMAGE, **fields)


async def test_the_engine_is_told_all_that_the_process_needs(
    runner: Runner, engine: Engine, tmp_path: Path
) -> None:
    spec = contained(
        "echo $WORD; exit 7",
        env={"WORD": "two\nlines", "PATH": "/opt/program:/bin", "LD_PRELOAD": ""},
        mounts=(
            Mount(source=tmp_path, target="/opt/ml"),
            Mount(source=tmp_path / "data", target="/opt/ml/input/data", read_only=True),
        ),
        hosts={"algo-1": "127.0.0.2"},
    )
    outcome = await runner.run(spec)

    assert (outcome.exit_code, runner.log("p")) == (7, "two lines\n")
    run, remove = engine.told()
    assert run["argv"] == [
        "run",
        "--pull=never",
        "--name=flowmaker-p",
        "--log-driver=none",
        "--stop-timeout=0",
        "--security-opt=label=disable",
        "--network=host",
        "--add-host=algo-1:127.0.0.2",
        f"--volume={tmp_path}:/opt/ml",
        f"--volume={tmp_path}/data:/opt/ml/input/data:ro",
        "--env=WORD",
        "--env=PATH=/opt/program:/bin",
        "--env=LD_PRELOAD=",
        "trees:1",
        *("sh", "-c", "echo $WORD; exit 7"),
    ]
    assert run["env"]["HOME"] == os.environ["HOME"], "the engine finds its own user's images"
    assert run["env"]["PATH"] == os.environ["PATH"]
    assert remove["argv"] == ["rm", "--force", "flowmaker-p"]
    assert not engine.container().exists()


async def test_an_entrypoint_stands_in_for_the_images(runner: Runner, engine: Engine) -> None:
    container = Container(engine="podman", image="trees:1", entrypoint=("sh", "-c"))
    await runner.run(ProcessSpec(id="p", argv=("echo hi",), container=container, network=False))
    assert runner.log("p") == "hi\n"
    given = engine.told()[0]["argv"]
    assert given[-4:] == ["--entrypoint=sh", "trees:1", "-c", "echo hi"]
    assert "--network=none" in given


async def test_a_server_is_reached_by_a_port_that_is_published(
    runner: Runner, engine: Engine
) -> None:
    await runner.run(contained("exit 0", inlet=12345, inlet_to=8080))
    given = engine.told()[0]["argv"]
    assert "--publish=127.0.0.1:12345:8080" in given
    assert not [one for one in given if one.startswith("--network")]


async def test_it_is_asked_to_end_by_its_name(runner: Runner, engine: Engine) -> None:
    await runner.executor.ensure_started(contained(LISTENS))
    await runner.until_logged("p", "ready")
    await runner.executor.stop("p")
    outcome = await runner.end("p")
    assert (outcome.exit_code, outcome.reason) == (0, "stopped")
    assert runner.log("p") == "ready\ntold\n"
    assert engine.told()[1]["argv"] == ["kill", "--signal", "TERM", "flowmaker-p"]
    assert engine.verbs() == ["run", "kill", "rm"]


@pytest.mark.parametrize("how", ["stopped", "timeout"])
async def test_who_does_not_listen_is_removed(runner: Runner, engine: Engine, how: str) -> None:
    limit = 2.0 if how == "timeout" else 0.0
    await runner.executor.ensure_started(contained(DEAF, timeout=limit, grace=0.1))
    await runner.until_logged("p", "ready")
    number = int(engine.container().read_text())
    if how == "stopped":
        await runner.executor.stop("p", grace=0.1)
    outcome = await runner.end("p")
    assert outcome.reason == how
    assert engine.verbs() == ["run", "kill", "rm"]
    assert _is_gone(number), "the client's end is not the container's"


async def test_a_container_does_not_outlive_its_supervisor(runner: Runner, engine: Engine) -> None:
    await runner.executor.ensure_started(contained(DEAF))
    await runner.until_logged("p", "ready")
    number = int(engine.container().read_text())
    supervisor = claims.supervisor_pid(runner.executor.folder("p"))
    assert supervisor is not None
    os.kill(supervisor, signal.SIGKILL)
    await runner.until("p", ProcessState.LOST)
    await runner.until_told("p")
    assert engine.verbs() == ["run", "rm"]
    assert not engine.container().exists()
    assert _is_gone(number)


def _is_gone(number: int) -> bool:
    """Ended, whether or not its parent has looked."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True


async def test_what_an_engine_cannot_do_is_refused(runner: Runner) -> None:
    for spec, what in (
        (contained("", network=False, inlet=1), "a model server cannot have network isolation"),
        (contained("", network=False, network_of="q"), "several instances cannot have network"),
    ):
        with pytest.raises(Unsupported, match=what):
            await runner.executor.ensure_started(spec)


async def test_an_engine_that_is_gone_is_told_of(runner: Runner) -> None:
    gone = Container(engine="docker-of-nobody", image="trees:1")
    with pytest.raises(Unsupported, match=r"need docker-of-nobody.*not on the server's PATH"):
        await runner.executor.ensure_started(ProcessSpec(id="p", argv=("x",), container=gone))


@pytest.mark.usefixtures("engine")
def test_the_engine_that_has_an_image_is_found(tmp_path: Path) -> None:
    assert engine_of("trees:1") == "podman"
    with pytest.raises(InvalidInput, match="no image oaks:1 is here") as refused:
        engine_of("oaks:1")
    assert "podman pull oaks:1" in str(refused.value)
    assert "podman: Error: no such image: oaks:1" in str(refused.value)
    (tmp_path / "bin" / "podman").rename(tmp_path / "bin" / "docker")
    assert engine_of("trees:1") == "docker"


def test_a_daemon_that_does_not_answer_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\necho 'Cannot connect to the Docker daemon.' >&2; exit 1\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(InvalidInput, match="docker: Cannot connect to the Docker daemon"):
        engine_of("trees:1")


def test_no_engine_at_all_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InvalidInput, match="neither podman nor docker is here"):
        engine_of("trees:1")


@pytest.mark.parametrize(
    ("engine_name", "expected"), [("docker", ["--user=1000:100"]), ("podman", [])]
)
@pytest.mark.usefixtures("engine")
def test_dockers_root_does_not_make_files_for_another_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine_name: str, expected: list[str]
) -> None:
    engine_client.play(tmp_path / "bin", "docker")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "getegid", lambda: 100)
    spec = ProcessSpec(id="p", argv=("train",))
    told = containers.argv(spec, Container(engine=engine_name, image="trees:1"))
    assert [one for one in told if one.startswith("--user")] == expected
