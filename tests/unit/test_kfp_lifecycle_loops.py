"""Loops and retries, as the SDK compiles them."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl

from flowmaker.errors import InvalidInput
from flowmaker.pipelines.ir.graph import Retry
from flowmaker.pipelines.ir.validate import validate
from flowmaker.pipelines.lifecycle.progress import Progress
from flowmaker.pipelines.lifecycle.retry import may_retry, not_before
from flowmaker.pipelines.lifecycle.task import moved
from flowmaker.pipelines.records.run import RuntimeState, Task, TaskKind
from tests.fakes.compiled import compiled
from tests.fakes.decided import NOW, containers, echo, executed, executed_package, failing


@dsl.component(base_image="python:3.11")
def say(text: str) -> str:
    return text


@dsl.component(base_image="python:3.11")
def join(text: list) -> str:
    return " ".join(text)


@dsl.pipeline(name="loops")
def loops(names: list = ["a", "b", "c"]):  # noqa: B006
    with dsl.ParallelFor(names, parallelism=2) as name:
        said = say(text=name)
        with dsl.ParallelFor([{"k": "x"}, {"k": "y"}]) as each:
            say(text=each.k)
    join(text=dsl.Collected(said.output))


def texts(run: Any, name: str) -> list[Any]:
    found = [task for task in run.tasks.values() if task.name == name]
    return sorted((task.inputs["parameters"]["text"] for task in found), key=str)


def test_every_item_has_its_iteration_and_outputs_are_collected_in_order(tmp_path: Path):
    run = executed(loops, tmp_path)
    assert run.run.error == ""
    assert texts(run, "say") == ["a", "b", "c"]
    assert texts(run, "say-2") == ["x", "x", "x", "y", "y", "y"]
    assert texts(run, "join") == [["a", "b", "c"]]


def test_many_items_stay_in_order(tmp_path: Path):
    names = [f"n{number}" for number in range(12)]
    run = executed(loops, tmp_path, names=names)
    assert texts(run, "join") == [names]


def test_no_items_no_iterations(tmp_path: Path):
    run = executed(loops, tmp_path, names=[])
    assert run.run.state is RuntimeState.SUCCEEDED
    assert containers(run) == {"join": "SUCCEEDED"}
    assert texts(run, "join") == [[]]


def test_no_more_iterations_at_a_time_than_allowed(tmp_path: Path):
    at_a_time: set[int] = set()

    def watch(run: Progress) -> None:
        loop = next(task for task in run.tasks.values() if task.name == "for-loop-1")
        at_a_time.add(run.open_children[loop.task_id])

    package = compiled(loops, tmp_path)
    run = executed_package(package, echo, watch, names=["a", "b", "c", "d", "e"])
    assert run.run.state is RuntimeState.SUCCEEDED
    assert at_a_time == {2, 1, 0}


def test_a_failed_iteration_starts_no_other_and_fails_the_loop(tmp_path: Path):
    run = executed(loops, tmp_path, failing("say"), names=["a", "b", "c", "d"])
    assert run.run.state is RuntimeState.FAILED
    assert texts(run, "say") == ["a", "b"]
    assert run.run.error == "Task 'say' failed: say broke"
    assert "join" not in containers(run)


def test_a_loop_over_something_else_fails_in_words(tmp_path: Path):
    spec, platform = compiled(loops, tmp_path)
    spec["root"]["inputDefinitions"]["parameters"]["names"]["parameterType"] = "STRING"
    spec["root"]["inputDefinitions"]["parameters"]["names"]["defaultValue"] = "no list"
    run = executed_package((spec, platform), echo)
    assert "The loop goes over 'no list', not a list" in run.run.error


def test_a_loop_over_an_input_that_is_not_there_is_refused(tmp_path: Path):
    spec, platform = compiled(loops, tmp_path)
    iterator = spec["root"]["dag"]["tasks"]["for-loop-1"]["parameterIterator"]
    iterator["items"]["inputParameter"] = "zzz"
    with pytest.raises(InvalidInput, match="goes over its input 'zzz'"):
        validate(spec, platform, lambda _: None)


def test_a_task_is_tried_again_until_it_succeeds(tmp_path: Path):
    @dsl.pipeline(name="p")
    def pipeline():
        say(text="a").set_retry(3, backoff_duration="0s")

    attempts: list[str] = []

    def act(task: Task) -> dict[str, Any]:
        attempts.append(task.process_id.rpartition("-")[2])
        if len(attempts) < 3:
            raise RuntimeError("not yet")
        return echo(task)

    run = executed(pipeline, tmp_path, act)
    assert run.run.state is RuntimeState.SUCCEEDED
    assert attempts == ["1", "2", "3"]
    (task,) = [task for task in run.tasks.values() if task.name == "say"]
    assert task.error == ""
    assert [change.error for change in task.state_history if change.state == "PENDING"] == [
        "",
        "not yet",
        "not yet",
    ]


def test_and_no_more_often_than_it_says(tmp_path: Path):
    @dsl.pipeline(name="p")
    def pipeline():
        say(text="a").set_retry(2)

    run = executed(pipeline, tmp_path, failing("say"))
    assert run.run.error == "Task 'say' failed: say broke"
    assert max(task.attempt for task in run.tasks.values()) == 3


def test_retries_of_a_whole_pipeline_are_those_of_its_tasks(tmp_path: Path):
    @dsl.pipeline(name="inner")
    def inner():
        say(text="a")
        say(text="b").set_retry(0)
        with dsl.ParallelFor(["c"]) as text:
            say(text=text)

    @dsl.pipeline(name="p")
    def pipeline():
        inner().set_retry(2, backoff_duration="0s")

    attempts: dict[str, int] = {}

    def act(task: Task) -> dict[str, Any]:
        attempts[task.inputs["parameters"]["text"]] = task.attempt
        raise RuntimeError("no")

    run = executed(pipeline, tmp_path, act)
    assert run.run.state is RuntimeState.FAILED
    assert attempts == {"a": 3, "b": 1, "c": 3}


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 10), (2, 20), (3, 40), (4, 60), (5, 60)])
def test_the_wait_grows_to_its_limit(attempt: int, seconds: int):
    retry = Retry(count=4, backoff=10, factor=2, longest=60)
    task = Task(
        task_id="t",
        run_id="r",
        parent_task_id="",
        name="t",
        kind=TaskKind.CONTAINER,
        component="c",
        created_at=NOW,
        state=RuntimeState.RUNNING,
        attempt=attempt,
    )
    waiting = moved(task, RuntimeState.PENDING, NOW)
    assert not_before(retry, waiting) == NOW + timedelta(seconds=seconds)
    assert may_retry(retry, task) is (attempt <= 4)
    assert not_before(None, waiting) is None
