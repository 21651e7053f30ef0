"""Loops and conditions in each other through the real kfp.Client: who is given what from outside.

The SDK compiles these so that a DAG is given an item from where there is none, or lacks one.
"""

# ruff: noqa: SIM117 - as people write it

import pytest
from kfp import dsl

from tests.fakes.kfp_batch import Batch, Submitted
from tests.house import House

BATCH = Batch()


@dsl.component(base_image="python:3.11")
def say(value: str):
    import json

    print("RESULT " + json.dumps(value))


@dsl.component(base_image="python:3.11")
def echo(value: str) -> str:
    return value


@dsl.component(base_image="python:3.11")
def letters() -> list[str]:
    return ["x", "y"]


@BATCH.add(word="w")
@dsl.pipeline(name="texts-of-several-items")
def texts(word: str):
    with dsl.ParallelFor(["a", "b"]) as outer:
        made = echo(value=outer)
        with dsl.ParallelFor(["c", "d"], parallelism=1) as inner:
            say(value=f"{outer}{inner}").set_display_name("two")
            say(value=f"{word}{made.output}{inner}").set_display_name("and others")
            with dsl.ParallelFor(["e"]) as last, dsl.If(last == "e"):
                say(value=f"{outer}{inner}{last}").set_display_name("three")


@BATCH.add(listed=["m", "n"])
@dsl.pipeline(name="loops-in-conditions-in-loops")
def conditions(listed: list[str]):
    records = [{"no": 1, "of": [{"title": "p", "tags": ["q", "r"]}]}, {"no": 2, "of": []}]
    with dsl.ParallelFor(records) as record, dsl.If(record.no == 1):
        with dsl.ParallelFor(record.of) as part, dsl.If(part.title == "p"):
            with dsl.ParallelFor(part.tags) as tag:
                say(value=f"{part.title}{tag}").set_display_name("of parts")
    with dsl.ParallelFor(["a", "b"]) as item, dsl.If(item == "a"):
        with dsl.ParallelFor(listed) as each:
            say(value=f"{item}{each}").set_display_name("of a parameter")


@BATCH.add(wanted="yes")
@dsl.pipeline(name="items-of-an-output-in-conditions")
def outputs(wanted: str):
    made = letters()
    with dsl.If(wanted == "yes"):
        with dsl.ParallelFor(made.output) as letter:
            say(value=f"<{letter}>").set_display_name("in a condition")
    with dsl.ParallelFor(["a", "b"]) as item, dsl.If(item == "b"):
        with dsl.ParallelFor(made.output) as letter:
            say(value=f"{item}{letter}{wanted}").set_display_name("in a loop")


@dsl.pipeline(name="pairs")
def pairs(first: str, others: list[str]):
    with dsl.ParallelFor(others) as other:
        with dsl.ParallelFor(["1", "2"]) as number:
            say(value=f"{first}{other}{number}").set_display_name("pair")


@BATCH.add()
@dsl.pipeline(name="a-pipeline-of-loops-twice")
def twice():
    with dsl.ParallelFor(["a"]) as item:
        pairs(first=item, others=["c"])
    pairs(first="b", others=["d"])


@pytest.fixture(scope="module")
def ran(server: House, tmp_path_factory: pytest.TempPathFactory) -> Submitted:
    return BATCH.submitted(server, tmp_path_factory.mktemp("packages"))


def test_texts_of_items_of_several_loops(ran: Submitted) -> None:
    run = ran(texts)
    assert run.error == ""
    assert sorted(run.results("two")) == ["ac", "ad", "bc", "bd"]
    assert sorted(run.results("and others")) == ["wac", "wad", "wbc", "wbd"]
    assert sorted(run.results("three")) == ["ace", "ade", "bce", "bde"]


def test_a_loop_in_a_condition_in_a_loop(ran: Submitted) -> None:
    run = ran(conditions)
    assert run.error == ""
    assert sorted(run.results("of parts")) == ["pq", "pr"]
    assert sorted(run.results("of a parameter")) == ["am", "an"]


def test_a_loop_over_an_output_in_a_condition(ran: Submitted) -> None:
    run = ran(outputs)
    assert run.error == ""
    assert sorted(run.results("in a condition")) == ["<x>", "<y>"]
    assert sorted(run.results("in a loop")) == ["bxyes", "byyes"]


def test_a_pipeline_of_loops_that_is_used_twice(ran: Submitted) -> None:
    run = ran(twice)
    assert run.error == ""
    assert sorted(run.results("pair")) == ["ac1", "ac2", "bd1", "bd2"]
