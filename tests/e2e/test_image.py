"""`flowmaker image`: a pipeline's images are what the user says they are."""

from pathlib import Path
from typing import Any

import kfp
import pytest
from kfp import compiler, dsl
from kfp_server_api import ApiException

from tests.house import House, flowmaker

IMAGE = "example.com/team/steps:1"

#: What `kfp component build` finds and makes: the component's file, and what is in it.
STEPS = f'''
from kfp import dsl

import greeting


@dsl.component(base_image="python:3.11", target_image="{IMAGE}")
def greet(name: str) -> str:
    return greeting.words(name)
'''
CONFIG = """
[Components]
greet = steps.py
"""


@dsl.container_component
def shell(said: dsl.OutputPath(str)):
    script = 'mkdir -p "$(dirname "$0")" && python -c "import six; print(six.__name__)" > "$0"'
    return dsl.ContainerSpec(image=IMAGE, command=["sh", "-c", script, said])


@dsl.pipeline(name="shell")
def shells() -> str:
    return shell().outputs["said"]


def containerised() -> Any:
    """The component as its file has it, where the file's imports need not be there."""

    @dsl.component(base_image="python:3.11", target_image=IMAGE)
    def greet(name: str) -> str:
        raise AssertionError("it is the source in the image that runs")

    @dsl.pipeline(name="greeting")
    def greeting() -> str:
        return greet(name="world").output

    return greeting


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "steps.py").write_text(STEPS)
    (folder / "greeting.py").write_text("def words(name):\n    return f'hello {name}'\n")
    (folder / "kfp_config.ini").write_text(CONFIG)
    (folder / "requirements.txt").write_text("six==1.17.0  # for the shell\n")
    return folder


def result(client: kfp.Client, pipeline: Any, folder: Path) -> str:
    package = folder / "pipeline.yaml"
    compiler.Compiler().compile(pipeline, str(package))
    run = client.create_run_from_pipeline_package(str(package), enable_caching=False)
    ended = client.wait_for_run_completion(run.run_id, timeout=120, sleep_duration=1)
    assert ended.state == "SUCCEEDED", ended.error
    path = f"/apis/v2beta1/runs/{run.run_id}"
    answer: Any = client.runs.api_client.call_api(path, "GET", response_type=object)  # type: ignore[union-attr]
    (root,) = [each for each in answer[0]["run_details"]["task_details"] if each["name"] == "root"]
    return root["output_parameters"]["Output"].strip()


def test_an_image_is_what_was_registered(
    server: House, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that runs already takes it: packages, source, and a new version of the source."""
    monkeypatch.setenv("HOME", str(tmp_path))
    client = kfp.Client(host=server.url)
    data = ("--data", str(server.data))
    with pytest.raises(ApiException) as refused:
        result(client, shells, tmp_path)
    assert f"flowmaker image add {IMAGE} --requirements FILE" in refused.value.body

    requirements = ("--requirements", str(source / "requirements.txt"))
    flowmaker("image", "add", IMAGE, *requirements, "--source", str(source), *data)
    assert f"{IMAGE}: the server's Python, six==1.17.0" in flowmaker("image", "list", *data).stdout
    assert result(client, shells, tmp_path) == "six"
    assert result(client, containerised(), tmp_path) == "hello world"

    (source / "greeting.py").write_text("def words(name):\n    return f'goodbye {name}'\n")
    assert result(client, containerised(), tmp_path) == "hello world", "it was copied"
    flowmaker("image", "add", IMAGE, *requirements, "--source", str(source), *data)
    assert result(client, containerised(), tmp_path) == "goodbye world"

    flowmaker("image", "remove", IMAGE, *data)
    with pytest.raises(ApiException):
        result(client, shells, tmp_path)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("add", "x", "--source", "/nowhere"), "/nowhere is no folder"),
        (("add", "x", "--requirements", "/nowhere"), "/nowhere cannot be read"),
        (("add", "x", "--python", "4"), "3.11"),
        (("remove", "x"), "No image 'x' is registered"),
    ],
)
def test_what_cannot_be_is_told(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    done = flowmaker("image", *arguments, "--data", str(tmp_path), check=False)
    assert done.returncode != 0
    assert says in done.stderr
    assert "Traceback" not in done.stderr
