"""Components of every kind through the real kfp.Client: what each of them ran."""

# Components import what they need and open files, as users' do.
# ruff: noqa: PTH118

import json
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl
from kfp_server_api import ApiException

from tests.fakes.kfp_batch import Batch, Submitted
from tests.house import House

BATCH = Batch()
#: How SDKs of these versions begin the command of a lightweight component.
PIP = """
if ! [ -x "$(command -v pip)" ]; then
    python3 -m ensurepip || python3 -m ensurepip --user || apt-get install python3-pip
fi

PIP_DISABLE_PIP_VERSION_CHECK=1 python3 -m pip install --quiet --no-warn-script-location """
INSTALLS = {
    "2.7.0": "'kfp==2.7.0' '--no-deps' 'typing-extensions>=3.7.4,<5; python_version<\"3.9\"'",
    "2.14.3": "'kfp==2.14.3' '--no-deps' 'typing-extensions>=3.7.4,<5; python_version<\"3.9\"'",
}


@dsl.component(base_image="python:3.11")
def which_kfp() -> str:
    import json
    from importlib.metadata import version

    print("RESULT " + json.dumps(version("kfp")))
    return version("kfp")


def _older(spec: dict[str, Any]) -> None:
    tasks = spec["root"]["dag"]["tasks"]
    executor = spec["deploymentSpec"]["executors"]["exec-which-kfp"]["container"]
    for label, install in INSTALLS.items():
        command = [*executor["command"]]
        command[2] = f'{PIP}{install} && "$0" "$@"\n'
        spec["deploymentSpec"]["executors"][label] = {"container": {**executor, "command": command}}
        component = {**spec["components"]["comp-which-kfp"], "executorLabel": label}
        spec["components"][f"comp-{label}"] = component
        tasks[f"which-{label}"] = {
            "componentRef": {"name": f"comp-{label}"},
            "taskInfo": {"name": label},
        }


@BATCH.add(_older)
@dsl.pipeline(name="sdk-versions")
def versions():
    which_kfp()


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def without_kfp():
    print("unreachable: nobody installed kfp")


@BATCH.add()
@dsl.pipeline(name="without-kfp")
def no_kfp():
    without_kfp()


def halve(number: int) -> float:
    """A function of the user's module."""
    return number / 2


@dsl.component(base_image="python:3.11", additional_funcs=[halve])
def with_functions(number: int):
    import json

    print("RESULT " + json.dumps(halve(number)))


@dsl.component(base_image="python:3.11", packages_to_install=["iniconfig==2.1.0"], use_venv=True)
def with_a_venv():
    import json
    from importlib.metadata import version

    print("RESULT " + json.dumps(version("iniconfig")))


@BATCH.add()
@dsl.pipeline(name="lightweight")
def lightweight():
    with_functions(number=3)
    with_a_venv()


@dsl.container_component
def multi_line():
    return dsl.ContainerSpec(
        image="python:3.11",
        command=["sh", "-ec", 'for each in "$@"; do echo "RESULT \\"$0 $each\\""; done'],
        args=["it is", "one", "a b", ""],
    )


@BATCH.add()
@dsl.pipeline(name="containers")
def containers():
    multi_line()


@dsl.container_component
def nothing_said():
    return dsl.ContainerSpec(image="python:3.11")


@BATCH.add()
@dsl.pipeline(name="entrypoint-unknown")
def entrypoint():
    nothing_said()


@dsl.container_component
def of_nobody():
    return dsl.ContainerSpec(image="nobody/knows:1", command=["true"])


@BATCH.add()
@dsl.pipeline(name="image-unknown")
def unknown_image():
    of_nobody()


@dsl.container_component
def greets(name: str, greeting: dsl.OutputPath(str)):  # type: ignore[valid-type]
    script = 'mkdir -p $(dirname "$1"); echo "RESULT \\"Hello, $0\\""; printf "Hello, $0" > "$1"'
    return dsl.ContainerSpec(
        image="alpine:3.20", command=["sh", "-c", script], args=[name, greeting]
    )


@dsl.container_component
def asks_ash(name: str):
    script = 'set -e\nif [ "$0" == "Ann" ] && [[ "$0" == A* ]]\nthen\n  echo "RESULT 1"\nfi\n'
    return dsl.ContainerSpec(image="alpine", command=["sh", "-c", script], args=[name])


@BATCH.add()
@dsl.pipeline(name="image-of-a-system")
def system_image():
    asks_ash(name="Ann")
    greets(name=greets(name="Ann").outputs["greeting"]).set_display_name("again")


@dsl.container_component
def fails_loudly():
    return dsl.ContainerSpec(
        image="python:3.11", command=["sh", "-c", "echo the oven is cold >&2; exit 3"]
    )


@BATCH.add()
@dsl.pipeline(name="exit-codes")
def exit_codes():
    fails_loudly()


@pytest.fixture(scope="module")
def ran(server: House, tmp_path_factory: pytest.TempPathFactory) -> Submitted:
    folder = tmp_path_factory.mktemp("packages")
    _add_embedded(folder)
    _add_notebook(folder)
    return BATCH.submitted(server, folder)


def _add_embedded(folder: Path) -> None:
    """A component that carries a folder in it."""
    carried = folder / "carried"
    carried.mkdir()
    (carried / "words.txt").write_text("carried along")
    (carried / "program.py").write_text("ANSWER = 42\n")

    @dsl.component(base_image="python:3.11", embedded_artifact_path=str(carried))
    def with_files(config: dsl.EmbeddedInput[dsl.Dataset]):
        import json
        import os

        from program import ANSWER  # pyright: ignore[reportMissingImports]

        with open(os.path.join(config.path, "words.txt")) as file:
            print("RESULT " + json.dumps([file.read(), ANSWER]))

    @BATCH.add()
    @dsl.pipeline(name="embedded")
    def embedded():
        with_files()

    PIPELINES["embedded"] = embedded


def _add_notebook(folder: Path) -> None:
    cells = [
        (["parameters"], "text = 'unset'\n"),
        ([], "with open('/tmp/said', 'w') as file:\n    file.write(text)\n"),
    ]
    notebook = {
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "metadata": {"tags": tags},
                "execution_count": None,
                "outputs": [],
                "source": source,
            }
            for number, (tags, source) in enumerate(cells)
        ],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path = folder / "notebook.ipynb"
    path.write_text(json.dumps(notebook))

    @dsl.notebook_component(notebook_path=str(path), base_image="python:3.11")
    def with_a_notebook(text: str):
        import json

        dsl.run_notebook(text=text)
        with open("/tmp/said") as file:
            print("RESULT " + json.dumps(file.read()))

    @BATCH.add()
    @dsl.pipeline(name="notebook")
    def notebook_pipeline():
        with_a_notebook(text="by its notebook")

    PIPELINES["notebook"] = notebook_pipeline


#: Those that need files of their own.
PIPELINES: dict[str, Any] = {}


def test_each_component_gets_the_sdk_that_compiled_it(ran: Submitted) -> None:
    run = ran(versions)
    assert run.error == ""
    for label in INSTALLS:
        assert run.result(label) == label


def test_functions_and_venvs_come_along(ran: Submitted) -> None:
    run = ran(lightweight)
    assert run.error == ""
    assert run.result("with-functions") == 1.5
    assert run.result("with-a-venv") == "2.1.0"


def test_a_component_without_kfp_fails_as_in_a_plain_image(ran: Submitted) -> None:
    run = ran(no_kfp)
    assert run.run.state == "FAILED"
    assert "No module named 'kfp'" in run.error


def test_files_that_a_component_carries(ran: Submitted) -> None:
    run = ran(PIPELINES["embedded"])
    assert run.error == ""
    assert run.result("with-files") == ["carried along", 42]


def test_a_notebook_runs_with_its_parameters(ran: Submitted) -> None:
    run = ran(PIPELINES["notebook"])
    assert run.error == ""
    assert run.result("with-a-notebook") == "by its notebook"


def test_a_container_gets_its_words_as_they_are(ran: Submitted) -> None:
    run = ran(containers)
    assert run.results("multi-line") == ["it is one", "it is a b", "it is "]


def test_an_image_of_a_plain_system_is_this_machines_own(ran: Submitted) -> None:
    run = ran(system_image)
    assert run.error == ""
    assert run.result("again") == "Hello, Hello, Ann"
    said = "[flowmaker] image alpine:3.20 stands for this machine's own shell and programs: "
    assert run.log("again").startswith(said)
    assert run.result("asks-ash") == 1  # of BusyBox: dash knows no == and no [[


@pytest.mark.parametrize(
    ("pipeline", "said"),
    [
        (entrypoint, "neither a command nor arguments"),
        (unknown_image, "image 'nobody/knows:1' is not known here"),
    ],
)
def test_what_is_not_known_is_refused_at_once(ran: Submitted, pipeline: Any, said: str) -> None:
    with pytest.raises(ApiException) as caught:
        ran(pipeline)
    assert said in caught.value.body


def test_a_command_that_fails_is_quoted(ran: Submitted) -> None:
    run = ran(exit_codes)
    assert "Task 'fails-loudly' failed: Exit code 3" in run.error
    assert "the oven is cold" in run.error
