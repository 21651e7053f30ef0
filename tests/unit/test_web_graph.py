"""What is drawn of a run, one level at a time."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kfp import compiler, dsl

from flowmaker.pipelines.ir.graph import Graph, graph_of
from flowmaker.pipelines.ir.package import read
from flowmaker.pipelines.records.run import RuntimeState, TaskKind
from flowmaker.pipelines.repository.steps import Step
from flowmaker.web import graph as drawing
from flowmaker.web.graph import Steps, level_of_pipeline, level_of_run

#: As the compiler names them.
LOOP, CONDITION = "for-loop-3", "condition-1"
T0 = datetime(2026, 1, 1, tzinfo=UTC)


@dsl.component(base_image="python:3.11")
def number(of: int) -> int:
    return of


@dsl.pipeline(name="drawn")
def drawn() -> None:
    first = number(of=1)
    with dsl.If(first.output > 0, name="positive"):
        number(of=2).set_display_name("second")
    with dsl.ParallelFor([1, 2, 3], name="each") as item:
        number(of=item)


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    path: Path = tmp_path_factory.mktemp("package") / "drawn.yaml"
    compiler.Compiler().compile(drawn, str(path))
    pipeline_spec, platform_spec = read(path.read_bytes())
    return graph_of(pipeline_spec, platform_spec)


def step(task_id: str, parent: str, name: str, component: str, state: RuntimeState) -> Step:
    is_dag = component == "" or not component.startswith("comp-number")
    return Step(
        task_id=task_id,
        parent_task_id=parent,
        name=name,
        kind=TaskKind.DAG if is_dag else TaskKind.CONTAINER,
        component=component,
        state=state,
        started_at=T0,
    )


def of(graph: Graph, name: str) -> str:
    assert graph.root.dag is not None
    return graph.root.dag.nodes[name].component


@pytest.fixture
def steps(graph: Graph) -> list[Step]:
    """The condition is still to come; of three iterations one failed."""

    def made() -> Iterator[Step]:
        running = RuntimeState.RUNNING
        yield step("r", "", "root", "", running)
        yield step("n", "r", "number", of(graph, "number"), RuntimeState.SUCCEEDED)
        loop = of(graph, LOOP)
        yield step("l", "r", LOOP, loop, running)
        states = (RuntimeState.SUCCEEDED, RuntimeState.FAILED, running)
        inner = graph.component(loop).dag
        assert inner is not None
        ((name, node),) = inner.nodes.items()
        for index, state in enumerate(states):
            yield step(f"i{index}", "l", f"{LOOP}-{index}", loop, state)
            yield step(f"t{index}", f"i{index}", name, node.component, state)

    return list(made())


def by_id(level: dict[str, Any]) -> dict[str, Any]:
    return {box["id"]: box for box in level["nodes"]}


def test_the_first_level_folds_what_is_below(graph: Graph, steps: list[Step]) -> None:
    level = level_of_run(graph, Steps.of(steps), "")
    boxes = by_id(level)
    assert {name: box["kind"] for name, box in boxes.items()} == {
        "number": "component",
        CONDITION: "condition",
        LOOP: "loop",
    }
    assert boxes[LOOP]["counts"] == {"succeeded": 1, "failed": 1, "running": 1}
    waiting = boxes[CONDITION]
    assert (waiting["state"], waiting["task_id"]) == ("pending", "")
    assert [(edge["source"], edge["target"]) for edge in level["edges"]] == [("number", CONDITION)]
    assert level["counts"] == {"succeeded": 2, "failed": 1, "running": 1}


def test_what_was_never_made_of_a_run_that_is_over_was_skipped(
    graph: Graph, steps: list[Step]
) -> None:
    over = [replace(steps[0], state=RuntimeState.FAILED), *steps[1:]]
    assert by_id(level_of_run(graph, Steps.of(over), ""))[CONDITION]["state"] == "skipped"


def test_a_loop_lists_its_iterations_the_failed_first(graph: Graph, steps: list[Step]) -> None:
    level = level_of_run(graph, Steps.of(steps), "l")
    assert [(each["label"], each["state"]) for each in level["iterations"]] == [
        ("#1", "failed"),
        ("#2", "running"),
        ("#0", "succeeded"),
    ]
    assert [crumb["label"] for crumb in level["crumbs"]] == ["root", LOOP]


def test_an_iteration_is_a_level_of_its_own(graph: Graph, steps: list[Step]) -> None:
    (box,) = level_of_run(graph, Steps.of(steps), "i1")["nodes"]
    assert (box["task_id"], box["state"]) == ("t1", "failed")


def test_a_large_loop_shows_what_is_urgent(
    graph: Graph, steps: list[Step], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "ITERATIONS", 2)
    level = level_of_run(graph, Steps.of(steps), "l")
    assert [each["state"] for each in level["iterations"]] == ["failed", "running"]
    assert level["iteration_count"] == 3


def test_failures_are_named_wherever_they_are_the_earliest_first(
    graph: Graph, steps: list[Step]
) -> None:
    later = [
        replace(each, state=RuntimeState.FAILED, ended_at=T0 + timedelta(seconds=at))
        if each.kind is TaskKind.CONTAINER
        else each
        for at, each in zip(range(len(steps), 0, -1), steps, strict=True)
    ]
    failures = level_of_run(graph, Steps.of(later), "")["failures"]
    assert [each["task_id"] for each in failures] == ["t2", "t1", "t0", "n"]
    assert failures[0]["label"].startswith(f"{LOOP} / {LOOP}-2 / ")


def test_a_result_from_the_cache_says_so(graph: Graph, steps: list[Step]) -> None:
    cached = [replace(each, is_cached=each.name == "number") for each in steps]
    assert by_id(level_of_run(graph, Steps.of(cached), ""))["number"]["state"] == "cached"


def test_a_pipeline_is_drawn_without_a_run(graph: Graph) -> None:
    assert set(by_id(level_of_pipeline(graph, []))) == {"number", CONDITION, LOOP}
    inner = level_of_pipeline(graph, [CONDITION])
    assert [box["label"] for box in inner["nodes"]] == ["second"]
    assert [crumb["task_id"] for crumb in inner["crumbs"]] == ["", CONDITION]
    with pytest.raises(KeyError):
        level_of_pipeline(graph, ["number"])
