"""Every placeholder of the IR gets its value."""

import json

import pytest

from flowmaker.errors import FailedPrecondition, Unsupported
from flowmaker.pipelines.driver.placeholders import Placeholders

PLACEHOLDERS = Placeholders(
    parameters={"s": "a {{$.pipeline_job_name}}", "n": 3, "f": 2.0, "l": [1, "x"], "b": True},
    input_artifacts={
        "d": [{"name": "d", "uri": "s3://bucket/k/d", "metadata": {"k": "v", "n": 2.0}}]
    },
    output_artifacts={"m": [{"name": "m", "uri": "s3://bucket/k/m", "metadata": {}}]},
    output_files={"o": "/work/outputs/o"},
    job={"pipeline_job_name": "my run"},
    executor_input={"outputs": {"outputFile": "/work/output.json"}},
    work="/work",
)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain {text} $5 {{}}", "plain {text} $5 {{}}"),
        ("x{{$.inputs.parameters['n']}}y", "x3y"),
        ('{{$.inputs.parameters["n"]}}', "3"),
        ("{{$.inputs.parameters['f']}}", "2"),
        ("{{$.inputs.parameters['l']}}", '[1,"x"]'),
        ("{{$.inputs.parameters['b']}}", "true"),
        ("{{$.inputs.parameters['s']}}", "a {{$.pipeline_job_name}}"),
        ("{{$.inputs.artifacts['d'].uri}}", "s3://bucket/k/d"),
        ("{{$.inputs.artifacts['d'].path}}", "/work/s3/bucket/k/d"),
        ("{{$.inputs.artifacts['d'].name}}", "d"),
        ("{{$.inputs.artifacts['d'].metadata['k']}}", "v"),
        ("{{$.inputs.artifacts['d'].metadata['n']}}", "2"),
        ("{{$.outputs.artifacts['m'].uri}}/sub", "s3://bucket/k/m/sub"),
        ("{{$.outputs.artifacts['m'].path}}", "/work/s3/bucket/k/m"),
        ("{{$.outputs.artifacts['m'].metadata}}", "{}"),
        ("{{$.outputs.parameters['o'].output_file}}", "/work/outputs/o"),
        ("{{$.outputs.output_file}}", "/work/output.json"),
        ("{{$.pipeline_job_name}}", "my run"),
    ],
)
def test_text(template: str, text: str):
    assert PLACEHOLDERS.text(template) == text


def test_the_whole_executor_input():
    assert json.loads(PLACEHOLDERS.text("{{$}}")) == PLACEHOLDERS.executor_input


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ('{"Concat": ["a=", "{{$.inputs.parameters[\'n\']}}"]}', ["a=3"]),
        ('{"IfPresent": {"InputName": "n", "Then": ["--n", "x"]}}', ["--n", "x"]),
        ('{"IfPresent": {"InputName": "z", "Then": ["--n", "x"]}}', []),
        ('{"IfPresent": {"InputName": "z", "Then": "x", "Else": "y"}}', ["y"]),
        ('{"IfPresent": {"InputName": "d", "Then": "x"}}', ["x"]),
        (
            '{"Concat": ["a", {"IfPresent": {"InputName": "n", "Then": ["b", "c"]}}, "d"]}',
            ["abcd"],
        ),
        ('{"some": "json"}', ['{"some": "json"}']),
        ("{ not json", ["{ not json"]),
    ],
)
def test_structures_become_any_number_of_words(argument: str, words: list[str]):
    assert PLACEHOLDERS.words(argument) == words


@pytest.mark.parametrize(
    "template",
    [
        "{{$.inputs.parameters['z']}}",
        "{{$.inputs.artifacts['z'].uri}}",
        "{{$.inputs.artifacts['d'].metadata['z']}}",
        "{{$.outputs.parameters['z'].output_file}}",
    ],
)
def test_one_without_a_value_is_an_error_that_names_it(template: str):
    with pytest.raises(FailedPrecondition) as caught:
        PLACEHOLDERS.text(template)
    assert template in str(caught.value)


def test_one_of_an_unknown_kind_is_refused():
    with pytest.raises(Unsupported, match="sudden"):
        PLACEHOLDERS.text("{{$.sudden_idea}}")
