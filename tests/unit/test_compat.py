"""What KFP 1's code becomes: its values, its commands, its component.yaml files, its packages."""

import io
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp.dsl.pipeline_context import Pipeline

from flowmaker.compat import loops, packages, refusal, shell, wire
from flowmaker.compat.component_yaml import OldComponent, load_component_from_text
from flowmaker.compat.refusal import NotInKfp2Error
from flowmaker.compat.shell import FileContent, FilePath, needs_shell, wrapped
from flowmaker.compat.template import Template, as_yaml, outputs_told


class TestWire:
    """flowmaker.compat.wire: every value is a string."""

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ("a", "a"),
            (1, "1"),
            (0.5, "0.5"),
            (True, "True"),
            (None, "None"),
            ([1, "x"], '[1, "x"]'),
            (("a",), '["a"]'),
            ({"k": [None]}, '{"k": [null]}'),
        ],
    )
    def test_values_are_written_as_kfp_1_wrote_them(self, value: object, text: str) -> None:
        assert wire.text(value) == text

    @pytest.mark.parametrize(
        ("declared", "is_text"),
        [
            (None, True),
            ("String", True),
            ("JsonObject", True),
            ("List[str]", True),
            ({"GCSPath": {"data_type": "CSV"}}, True),
            ("CSV", False),
            ("Model", False),
            ({"Dataset": {}}, False),
        ],
    )
    def test_types_that_are_data_go_as_files(self, declared: object, *, is_text: bool) -> None:
        assert wire.is_text(declared) is is_text

    def test_outputs_are_had_by_their_python_names(self) -> None:
        outputs = wire.Outputs({"Model Name": "channel"})
        assert outputs["Model Name"] == outputs["model_name"] == outputs["output"] == "channel"
        with pytest.raises(KeyError):
            wire.Outputs({"a": 1, "b": 2})["output"]


class TestTemplate:
    """flowmaker.compat.template: a command, filled in for one call."""

    def test_what_is_not_passed_is_left_out(self) -> None:
        command = ["run", {"inputValue": "a"}, {"inputValue": "b"}, {"outputPath": "o"}]
        words = Template({"a": "1"}).words(command)
        assert [as_yaml(word) for word in words] == [
            "run",
            {"inputValue": "a"},
            {"outputPath": "o"},
        ]

    @pytest.mark.parametrize(
        ("passed", "words"),
        [({"a": "x"}, ["--a", {"inputValue": "a"}]), ({}, ["--none"])],
    )
    def test_is_present_is_decided_by_the_call(
        self, passed: dict[str, str], words: list[object]
    ) -> None:
        condition = {
            "if": {
                "cond": {"isPresent": "a"},
                "then": ["--a", {"inputValue": "a"}],
                "else": ["--none"],
            }
        }
        assert [as_yaml(word) for word in Template(passed).words([condition])] == words

    @pytest.mark.parametrize(("value", "taken"), [("True", ["yes"]), ("no", []), ("1", ["yes"])])
    def test_a_condition_on_a_value_is_decided_too(self, value: str, taken: list[str]) -> None:
        condition = {"if": {"cond": {"inputValue": "a"}, "then": "yes"}}
        assert [as_yaml(word) for word in Template({"a": value}).words([condition])] == taken

    def test_neighbouring_texts_of_a_concat_are_one(self) -> None:
        (word,) = Template({"a": "1"}).words([{"concat": ["x", "=", {"inputValue": "a"}]}])
        assert as_yaml(word) == {"concat": ["x=", {"inputValue": "a"}]}

    def test_a_text_for_a_path_is_put_into_a_file(self) -> None:
        assert Template({"a": "1"}).words([{"inputPath": "a"}]) == [(FilePath("a"),)]

    def test_an_unknown_placeholder_is_named(self) -> None:
        with pytest.raises(NotInKfp2Error, match="inputUri"):
            Template({}).words([{"inputUri": "a"}])

    def test_outputs_that_a_command_is_told(self) -> None:
        told = outputs_told(
            ["x", {"concat": ["--o=", {"outputPath": "deep"}]}, {"outputPath": "o"}]
        )
        assert told == {"deep", "o"}


class TestShell:
    """flowmaker.compat.shell: run by the shell that it is for."""

    def run(self, command: list[Any], folder: Path, values: dict[str, str]) -> Any:
        """As a server fills the command in."""
        filled = [
            values[next(iter(one.values()))] if isinstance(one, dict) else one for one in command
        ]
        return subprocess.run(
            filled, env={"PATH": "/usr/bin:/bin", "TMPDIR": str(folder)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def test_values_go_into_files_and_files_become_outputs(self, tmp_path: Path) -> None:
        program = """
import os, sys
with open(os.environ["TMPDIR"] + "/out.txt", "w") as out:
    out.write(open(sys.argv[1]).read() + sys.argv[2])
"""
        words = [(sys.executable,), ("-c",), (program,), (FilePath("data"),), ("it's ", "$HOME")]
        command = wrapped(words, {"result": "/tmp/out.txt"})
        value, output = "a 'b' \"c\" $PATH\n", str(tmp_path / "deep" / "output")
        done = self.run(command, tmp_path, {"data": value, "result": output})
        assert done.returncode == 0, done.stderr
        assert Path(output).read_text() == value + "it's $HOME"

    def test_a_file_goes_into_a_word(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("content")
        command = wrapped([("echo",), ("--x=", FileContent("f"))], {})
        assert self.run(command, tmp_path, {"f": str(tmp_path / "file")}).stdout == "--x=content\n"

    def test_the_programs_own_exit_code_is_that_of_the_task(self, tmp_path: Path) -> None:
        command = wrapped([("sh",), ("-c",), ("exit 7",)], {"o": "/tmp/o"})
        assert self.run(command, tmp_path, {"o": str(tmp_path / "o")}).returncode == 7

    def test_an_output_that_was_not_written_is_named(self, tmp_path: Path) -> None:
        command = wrapped([("true",)], {"job name": "/tmp/not-there-1.txt"})
        done = self.run(command, tmp_path, {"job name": str(tmp_path / "o")})
        assert done.returncode == 1
        assert done.stderr == (
            "The program has not written /tmp/not-there-1.txt, its output job name\n"
        )

    def test_a_plain_command_needs_none(self) -> None:
        assert not needs_shell([("echo",), ({"inputValue": "a"},)], {})
        assert needs_shell([("echo",)], {"o": "/tmp/o"})
        assert shell.needs_shell([(FilePath("a"),)], {})


UNTYPED = """
name: Train
inputs:
- {name: Job Name}
- {name: count, default: 3}
- {name: extra, optional: true}
outputs: [{name: url}, {name: never told}]
implementation:
  container:
    image: python:3.11
    command: [python3, t.py]
    args: [{inputValue: Job Name}, --count, {inputValue: count}, {inputValue: extra}]
    fileOutputs: {url: /tmp/url.txt}
"""


class TestComponentYaml:
    """flowmaker.compat.component_yaml: component.yaml of KFP 1 as a component of today."""

    def test_without_types_everything_is_a_string(self) -> None:
        component = load_component_from_text(UNTYPED)
        assert isinstance(component, OldComponent)
        spec = component.specification({"Job Name": "x", "count": "3"})
        assert {name: one.type for name, one in spec.inputs.items()} == {
            "job_name": "String",
            "count": "String",
        }
        assert list(spec.outputs) == ["url"]
        command = spec.implementation.container.command
        assert command[:2] == ["sh", "-c"]
        assert "take url /tmp/url.txt" in command[2]

    def test_what_a_call_gets_wrong_is_named(self) -> None:
        component = load_component_from_text(UNTYPED)
        with pytest.raises(TypeError, match="Train needs the inputs Job Name"):
            component()
        with pytest.raises(TypeError, match="does not have: jobname"):
            component("x", jobname=1)
        with pytest.raises(TypeError, match="twice the input: job_name"):
            component("x", job_name=1)
        with pytest.raises(TypeError, match="has 3 inputs, and got 4"):
            component(1, 2, 3, 4)

    def test_a_graph_is_refused(self) -> None:
        with pytest.raises(NotInKfp2Error, match="implementation is 'graph'"):
            load_component_from_text("name: g\nimplementation: {graph: {}}")

    def test_an_entrypoint_that_is_not_known_is_refused_where_it_would_have_to_be(self) -> None:
        text = UNTYPED.replace("    command: [python3, t.py]\n", "")
        with pytest.raises(NotInKfp2Error, match="entrypoint"):
            load_component_from_text(text)


def test_refusals_name_the_thing_and_the_way_out() -> None:
    refused = refusal.refusing("dsl.VolumeOp", "use kfp.kubernetes.CreatePVC.")
    assert refused.__name__ == "VolumeOp"
    with pytest.raises(NotInKfp2Error) as error:
        refused(1, two=2)
    assert str(error.value) == (
        "dsl.VolumeOp of KFP 1 cannot be had here: use kfp.kubernetes.CreatePVC."
    )


def test_the_items_of_a_loop_are_strings() -> None:
    with Pipeline("loop"):
        group = loops.parallel_for([1, {"a": 2, "b": [3]}], 4)
    assert group.parallelism_limit == 4
    items = group.loop_argument.items_or_pipeline_channel
    assert items == ["1", {"a": "2", "b": "[3]"}]


@pytest.mark.parametrize("suffix", [".zip", ".tar.gz", ".tgz", ".yaml"])
def test_packages_hold_the_pipeline(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"p{suffix}"

    def compiled(pipeline: object, written: str, **options: object) -> None:
        assert options == {"type_check": False}
        Path(written).write_text(yaml.safe_dump({"of": getattr(pipeline, "__name__", "")}))

    packages.compile_pipeline(compiled, old, str(path), type_check=0)
    content = path.read_bytes()
    if suffix == ".zip":
        content = zipfile.ZipFile(io.BytesIO(content)).read("pipeline.yaml")
    elif suffix != ".yaml":
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            member = archive.extractfile("pipeline.yaml")
            assert member
            content = member.read()
    assert yaml.safe_load(content) == {"of": "old"}


def old() -> None:
    """A pipeline of KFP 1."""
