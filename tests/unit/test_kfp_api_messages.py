"""Request messages."""

from typing import Any

import pytest

from flowmaker.errors import InvalidInput, Unsupported
from flowmaker.pipelines.api import messages

SPEC = {"pipelineInfo": {"name": "p"}}


def test_both_ways_to_write_a_field_are_taken() -> None:
    camel = messages.run_request(
        {
            "displayName": "run",
            "pipelineVersionReference": {"pipelineId": "p", "pipelineVersionId": "v"},
            "runtimeConfig": {"parameters": {"someName": 1}, "pipelineRoot": "s3://b"},
            "serviceAccount": "worker",
        }
    )
    snake = messages.run_request(
        {
            "display_name": "run",
            "pipeline_version_reference": {"pipeline_id": "p", "pipeline_version_id": "v"},
            "runtime_config": {"parameters": {"someName": 1}, "pipeline_root": "s3://b"},
            "service_account": "worker",
        }
    )
    assert camel == snake
    assert camel.parameters == {"someName": 1}


def test_the_deprecated_version_id_still_names_a_version() -> None:
    wanted = messages.run_request({"display_name": "run", "pipeline_version_id": "v"})
    assert (wanted.pipeline_id, wanted.pipeline_version_id) == ("", "v")


def test_outputs_that_are_sent_back_are_dropped_and_null_is_not_given() -> None:
    wanted = messages.run_request(
        {
            "display_name": "run",
            "pipeline_spec": SPEC,
            "description": None,
            "run_id": "mine",
            "state": "SUCCEEDED",
            "plugins_input": {},
        }
    )
    assert wanted.pipeline_spec == SPEC
    assert wanted.description == ""


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "must be a JSON object"),
        (None, "must be a JSON object"),
        ({}, "display_name is missing"),
        ({"display_name": "x"}, "exactly one of"),
        ({"display_name": "x", "pipeline_spec": SPEC, "pipeline_version_id": "v"}, "exactly one"),
        ({"display_name": 1, "pipeline_spec": SPEC}, "display_name must be a string"),
        ({"display_name": "x", "pipeline_spec": "y"}, "pipeline_spec must be an object"),
        ({"display_name": "x", "displayName": "y"}, "display_name is given twice"),
        ({"display_name": "x", "pipeline_spec": SPEC, "colour": 1}, "unknown field 'colour'"),
        (
            {"display_name": "x", "pipeline_spec": SPEC, "runtime_config": {"params": {}}},
            "runtime_config: unknown field 'params'",
        ),
        (
            {"display_name": "x", "pipeline_spec": SPEC, "runtime_config": {"parameters": []}},
            "parameters must be an object",
        ),
    ],
)
def test_what_is_wrong_is_named(document: Any, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        messages.run_request(document)


def test_what_is_not_supported_is_named() -> None:
    with pytest.raises(Unsupported, match="plugins_input"):
        messages.run_request(
            {"display_name": "x", "pipeline_spec": SPEC, "plugins_input": {"mlflow": {}}}
        )


@pytest.mark.parametrize(
    ("tags", "says"),
    [
        ([], "must be an object"),
        ({"team": 1}, "'team' must be a string"),
        ({"": "a"}, "1 to 63 characters"),
        ({"team": "a" * 64}, "at most 63"),
    ],
)
def test_tags_are_short_texts(tags: Any, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        messages.tags("pipeline", tags)
