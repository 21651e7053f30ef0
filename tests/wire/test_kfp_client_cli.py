"""The real `kfp` command against the API."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from kfp.cli.__main__ import main  # noqa: F401 - registers every command
from kfp.cli.cli import cli

from tests.fakes.kfp_api import KfpApi, serving
from tests.fakes.kfp_pipelines import compiled, greeting


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KfpApi]:
    with pytest.MonkeyPatch.context() as patch, serving(tmp_path_factory.mktemp("kfp")) as api:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield api


@pytest.fixture
def package(tmp_path: Path) -> str:
    path = tmp_path / "pipeline.yaml"
    compiled(greeting, path)
    return str(path)


class Kfp:
    def __init__(self, url: str) -> None:
        self.url = url

    def __call__(self, *words: str, answer: str = "") -> Any:
        """What `kfp … --output json` printed."""
        said = CliRunner().invoke(
            cli, ["--endpoint", self.url, "--output", "json", *words], input=answer, obj={}
        )
        assert said.exception is None, (said.output, said.exception)
        starts = [said.output.find(mark) for mark in ("{\n", "[\n", "[]") if mark in said.output]
        return json.loads(said.output[min(starts) :]) if starts else said.output


@pytest.fixture
def kfp(api: KfpApi) -> Kfp:
    return Kfp(api.url)


def test_runs(kfp: Kfp, package: str) -> None:
    made = kfp("run", "create", "-e", "mine", "-r", "first", "-f", package, "name=Ada", "times=4")
    identity = made["run_id"]
    assert (made["display_name"], made["state"]) == ("first", "PENDING")
    assert made["runtime_config"]["parameters"] == {"name": "Ada", "times": 4}
    assert kfp("run", "get", identity)["run_id"] == identity
    assert [run["run_id"] for run in kfp("run", "list")] == [identity]
    assert kfp("run", "archive", identity)["storage_state"] == "ARCHIVED"
    assert kfp("run", "unarchive", identity)["storage_state"] == "AVAILABLE"


def test_pipelines(kfp: Kfp, package: str) -> None:
    made = kfp("pipeline", "create", "-p", "greetings", "-d", "says hello", package)
    identity = made["pipeline_id"]
    second = kfp("pipeline", "create-version", "-v", "two", "-p", identity, package)
    versions = kfp("pipeline", "list-versions", identity)
    assert {version["name"] for version in versions} == {"greetings", "two"}
    assert [each["pipeline_id"] for each in kfp("pipeline", "list")] == [identity]
    assert kfp("pipeline", "get", identity)["display_name"] == "greetings"
    version = second["pipeline_version_id"]
    assert kfp("pipeline", "get-version", identity, version)["pipeline_id"] == identity
    run = kfp("run", "create", "-e", "mine", "-p", identity, "-v", version, "name=Bo")
    assert run["pipeline_version_reference"]["pipeline_version_id"] == version
    for each in versions:
        kfp("pipeline", "delete-version", identity, each["pipeline_version_id"], answer="y\n")
    kfp("pipeline", "delete", identity, answer="y\n")
    assert kfp("pipeline", "list") == []


def test_experiments(kfp: Kfp) -> None:
    identity = kfp("experiment", "create", "-d", "to try", "trials")["experiment_id"]
    assert kfp("experiment", "get", identity)["display_name"] == "trials"
    assert identity in [each["experiment_id"] for each in kfp("experiment", "list")]
    archived = kfp("experiment", "archive", "--experiment-id", identity)
    assert archived["storage_state"] == "ARCHIVED"
    kfp("experiment", "unarchive", "--experiment-id", identity)
    kfp("experiment", "delete", identity, answer="y\n")
    assert identity not in [each["experiment_id"] for each in kfp("experiment", "list")]


def test_the_command_as_it_is_typed(api: KfpApi, package: str) -> None:
    def typed(*words: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).parent / "kfp"), *words]
        environment = os.environ | {"KF_PIPELINES_ENDPOINT": api.url}
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=60
        )

    fine = typed("--endpoint", api.url, "run", "create", "-e", "typed", "-f", package, "name=Ada")
    assert fine.returncode == 0, fine.stderr
    assert "PENDING" in fine.stdout
    wrong = typed("--endpoint", api.url, "run", "create", "-e", "typed", "-f", package, "nmae=Ada")
    assert wrong.returncode != 0
    assert "'nmae'" in wrong.stderr + wrong.stdout
