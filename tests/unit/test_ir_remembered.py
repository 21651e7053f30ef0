"""What is remembered of documents: the same results, of no more than there is room for."""

import copy
from typing import Any

import pytest

from flowmaker.errors import InvalidInput
from flowmaker.pipelines.ir.deprecated import pipeline_spec
from flowmaker.pipelines.ir.graph import graph_of
from flowmaker.pipelines.ir.remembered import Remembered
from flowmaker.pipelines.ir.validate import validate
from tests.unit.test_ir_validate import PIPELINE, known_image


def test_an_equal_document_gives_what_was_made_of_the_first():
    made: list[int] = []
    remembered = Remembered[int]()

    def make() -> int:
        made.append(len(made))
        return made[-1]

    assert [remembered.of({"a": [each]}, make) for each in (1, 1, 1.0, True, "1", 1)] == [
        *(0, 0, 1, 2, 3, 0)
    ]


def test_the_oldest_make_room_for_the_latest():
    remembered = Remembered[str](most=30)
    for name in "abc":
        remembered.of({"name": name * 3}, lambda name=name: name)  # 15 bytes each
    assert remembered.of({"name": "ccc"}, lambda: "again") == "c"
    assert remembered.of({"name": "aaa"}, lambda: "again") == "again"
    assert remembered.of({"name": "x" * 30}, lambda: "large") == "large"


def test_what_fails_is_tried_again():
    remembered = Remembered[str]()

    def fail() -> str:
        raise InvalidInput("no")

    with pytest.raises(InvalidInput):
        remembered.of({}, fail)
    assert remembered.of({}, lambda: "now") == "now"


def test_what_is_no_json_is_not_remembered():
    remembered = Remembered[int]()
    made = iter(range(2))
    for expected in (0, 1):
        assert remembered.of({"a": {1, 2}}, lambda: next(made)) == expected


def test_todays_words_stay_as_they_are():
    old: dict[str, Any] = copy.deepcopy(PIPELINE)
    spec = pipeline_spec(old)
    assert pipeline_spec(copy.deepcopy(spec)) == spec


def test_nobody_changes_what_is_remembered():
    spec = pipeline_spec(copy.deepcopy(PIPELINE))
    before = copy.deepcopy(spec)
    validate(PIPELINE, {}, known_image)
    first = graph_of(PIPELINE, {})
    assert graph_of(copy.deepcopy(PIPELINE), {}) == first
    assert pipeline_spec(PIPELINE) == before
