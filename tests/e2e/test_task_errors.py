"""What kfp.Client and the `kfp` command say of tasks that fail, each in its own way."""

from typing import Any

import kfp
import pytest
from kfp import dsl

from tests.house import House


@dsl.component(base_image="python:3.11")
def raises() -> None:
    print("about to")
    raise ValueError("no way")


@dsl.component(base_image="python:3.11")
def killed() -> None:
    import os

    os.kill(os.getpid(), 9)


@dsl.component(base_image="python:3.11")
def imports() -> None:
    import nowhere_to_be_found

    nowhere_to_be_found.use()


@dsl.component(base_image="python:3.11")
def returns_a_set() -> dict:
    return {"a": {1, 2}}


@dsl.container_component
def silent(said: dsl.OutputPath(int)):  # type: ignore[valid-type]
    return dsl.ContainerSpec(image="python:3.11", command=["true"], args=[said])


@dsl.container_component
def absent():
    return dsl.ContainerSpec(image="python:3.11", command=["no-such-command"])


@pytest.fixture(scope="module")
def errors(server: House) -> dict[str, Any]:
    """The run of each, by name."""
    client = kfp.Client(host=server.url)
    ids = {
        each.name: client.create_run_from_pipeline_func(each, arguments={}).run_id
        for each in (raises, killed, imports, returns_a_set, silent, absent)
    }
    return {
        name: client.wait_for_run_completion(run_id, 60, sleep_duration=0.2)
        for name, run_id in ids.items()
    }


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("raises", ["ValueError: no way", "Exit code 1", "line ", "raise ValueError"]),
        ("killed", ["signal 9 (SIGKILL)", "ran out of memory"]),
        ("imports", ["No module named 'nowhere_to_be_found'", "packages_to_install="]),
        ("returns-a-set", ["Object of type set is not JSON serializable", "returns JSON values"]),
        ("silent", ["without giving output parameter 'said'"]),
        ("absent", ["Exit code 127", "command not found: no-such-command"]),
    ],
)
def test_a_run_says_why_it_failed(errors: dict[str, Any], name: str, words: list[str]) -> None:
    run = errors[name]
    assert run.state == "FAILED"
    for word in [*words, f"component comp-{name}", "flowmaker debug", "flowmaker logs"]:
        assert word in run.error.message
    (task,) = [each for each in run.run_details.task_details if each.pod_name]
    assert run.error.message == f"Task {name!r} failed: {task.error.message}"
    assert len(run.error.message) < 5000


def test_the_kfp_command_says_it_too(server: House, errors: dict[str, Any]) -> None:
    shown = server.run(
        "kfp", "--endpoint", server.url, "--output", "json", "run", "get", errors["raises"].run_id
    )
    assert "ValueError: no way" in shown
