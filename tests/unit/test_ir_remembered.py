"""What is remembered of documents gives the same results, and stays as it is."""

import copy
from typing import Any

import pytest

from flowmaker.errors import InvalidInput
from flowmaker.pipelines.ir.deprecated import pipeline_spec
from flowmaker.pipelines.ir.graph import graph_of
from flowmaker.pipelines.ir.remembered import LATEST, LONGEST, remembered
from flowmaker.pipelines.ir.validate import validate
from flowmaker.pipelines.records.catalog import Document
from tests.unit.test_ir_validate import PIPELINE, known_image


def counting() -> tuple[list[Document], Any]:
    """A function that is remembered, and what it was really called with."""
    calls: list[Document] = []

    @remembered
    def made(document: Document) -> int:
        calls.append(document)
        return len(calls)

    return calls, made


def test_an_equal_document_gives_what_was_made_of_the_first():
    _, made = counting()
    assert [made({"a": [each]}) for each in (1, 1, 1.0, True, "1", 1)] == [1, 1, 2, 3, 4, 1]


def test_the_latest_are_remembered_and_none_that_is_long():
    calls, made = counting()
    for number in range(LATEST + 1):
        made({"number": number})
    assert made({"number": LATEST}) == LATEST + 1
    assert made({"number": 0}) == LATEST + 2
    long = {"text": "x" * LONGEST}
    assert made(long) + 1 == made(long)
    assert len(calls) == LATEST + 4


def test_what_fails_is_tried_again():
    calls: list[Document] = []

    @remembered
    def fails(document: Document) -> None:
        calls.append(document)
        raise InvalidInput("no")

    for _ in range(2):
        with pytest.raises(InvalidInput):
            fails({})
    assert len(calls) == 2


def test_what_is_no_json_is_given_as_it_is():
    calls, made = counting()
    document = {"a": {1, 2}}
    assert (made(document), made(document)) == (1, 2)
    assert all(each is document for each in calls)


def test_todays_words_stay_as_they_are():
    spec = pipeline_spec(PIPELINE)
    assert pipeline_spec(copy.deepcopy(spec)) == spec


def test_nobody_changes_what_is_remembered():
    spec = pipeline_spec(PIPELINE)
    before = copy.deepcopy(spec)
    validate(PIPELINE, {}, known_image)
    first = graph_of(PIPELINE, {})
    assert graph_of(copy.deepcopy(PIPELINE), {}) == first
    assert pipeline_spec(PIPELINE) == before
