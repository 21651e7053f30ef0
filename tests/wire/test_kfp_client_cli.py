"""The real `kfp` command against the API."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from kfp.cli.__main__ import main  # noqa: F401 - registers every command
from kfp.cli.cli import cli

from flowmaker.pipelines.records.run import RuntimeState
from flowmaker.pipelines.repository import runs
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
        self.typed: set[str] = set()

    @contextmanager
    def every_command_of(self, group: str) -> Iterator[None]:
        """What is typed in the block has each command of a group."""
        yield
        commands = cli.commands[group].commands  # type: ignore[attr-defined]
        assert {f"{group} {name}" for name in commands} <= self.typed

    def __call__(self, *words: str, answer: str = "") -> Any:
        """What `kfp … --output json` printed."""
        self.typed.add(" ".join(words[:2]))
        said = CliRunner().invoke(
            cli, ["--endpoint", self.url, "--output", "json", *words], input=answer, obj={}
        )
        assert said.exception is None, (said.output, said.exception)
        starts = [said.output.find(mark) for mark in ("{\n", "[\n", "[]") if mark in said.output]
        return json.loads(said.output[min(starts) :]) if starts else said.output


@pytest.fixture
def kfp(api: KfpApi) -> Kfp:
    return Kfp(api.url)


def test_runs(api: KfpApi, kfp: Kfp, package: str) -> None:
    with kfp.every_command_of("run"):
        _runs(api, kfp, package)


def _runs(api: KfpApi, kfp: Kfp, package: str) -> None:
    made = kfp("run", "create", "-e", "mine", "-r", "first", "-f", package, "name=Ada", "times=4")
    identity = made["run_id"]
    assert (made["display_name"], made["state"]) == ("first", "PENDING")
    assert made["runtime_config"]["parameters"] == {"name": "Ada", "times": 4}
    assert kfp("run", "get", identity)["run_id"] == identity
    assert [run["run_id"] for run in kfp("run", "list")] == [identity]
    assert kfp("run", "archive", identity)["storage_state"] == "ARCHIVED"
    assert kfp("run", "unarchive", identity)["storage_state"] == "AVAILABLE"
    run = api.database.read_now(runs.get_run, identity)
    assert run
    ended = replace(run, state=RuntimeState.FAILED, revision=run.revision + 1)
    assert api.database.write_now(runs.apply, ended)
    assert identity in kfp("run", "delete", identity, answer="y\n")
    goes_on = kfp("run", "create", "-e", "mine", "-r", "second", "-f", package, "name=Bo")["run_id"]
    assert goes_on in kfp("run", "delete", goes_on, answer="y\n")
    assert kfp("run", "list") == []


def test_pipelines(kfp: Kfp, package: str) -> None:
    with kfp.every_command_of("pipeline"):
        _pipelines(kfp, package)


def _pipelines(kfp: Kfp, package: str) -> None:
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
    with kfp.every_command_of("experiment"):
        _experiments(kfp)


def _experiments(kfp: Kfp) -> None:
    identity = kfp("experiment", "create", "-d", "to try", "trials")["experiment_id"]
    assert kfp("experiment", "get", identity)["display_name"] == "trials"
    assert identity in [each["experiment_id"] for each in kfp("experiment", "list")]
    archived = kfp("experiment", "archive", "--experiment-id", identity)
    assert archived["storage_state"] == "ARCHIVED"
    kfp("experiment", "unarchive", "--experiment-id", identity)
    kfp("experiment", "delete", identity, answer="y\n")
    assert identity not in [each["experiment_id"] for each in kfp("experiment", "list")]


def test_recurring_runs(kfp: Kfp, package: str) -> None:
    with kfp.every_command_of("recurring-run"):
        made = kfp(
            "recurring-run", "create", "--job-name", "nightly", "--experiment-name", "nights",
            "--cron-expression", "0 0 3 * * *", "--pipeline-package-path", package, "name=Ada",
        )  # fmt: skip
        identity = made["recurring_run_id"]
        assert made["trigger"]["cron_schedule"]["cron"] == "0 0 3 * * *"
        assert kfp("recurring-run", "disable", identity)["status"] == "DISABLED"
        assert kfp("recurring-run", "enable", identity)["status"] == "ENABLED"
        assert kfp("recurring-run", "get", identity)["display_name"] == "nightly"
        listed = kfp("recurring-run", "list")
        assert [each["recurring_run_id"] for each in listed] == [identity]
        kfp("recurring-run", "delete", identity, answer="y\n")
        assert kfp("recurring-run", "list") == []


def test_what_the_command_compiles_runs(kfp: Kfp, tmp_path: Path) -> None:
    source = tmp_path / "pipeline.py"
    source.write_text(SOURCE)
    compiled_to = tmp_path / "typed.yaml"
    kfp("dsl", "compile", "--py", str(source), "--output", str(compiled_to))
    made = kfp("run", "create", "-e", "mine", "-f", str(compiled_to))
    assert made["pipeline_spec"]["pipelineInfo"]["name"] == "typed"
    # What is left of the command: `component build` makes images with Docker, and `diagnose-me`
    # looks for gcloud and kubectl.
    told = {"run", "pipeline", "experiment", "recurring-run", "dsl", "diagnose-me", "component"}
    assert set(cli.commands) == told  # type: ignore[attr-defined]


SOURCE = """
from kfp import dsl

@dsl.component(base_image="python:3.11")
def nothing():
    pass

@dsl.pipeline(name="typed")
def typed():
    nothing()
"""


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
