"""How runs go on and end, decided without running anything."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowmaker.pipelines.driver.job import Job
from flowmaker.pipelines.ir.graph import Graph, graph_of
from flowmaker.pipelines.lifecycle.progress import Progress
from flowmaker.pipelines.lifecycle.run import End, decide, start
from flowmaker.pipelines.lifecycle.task import FOLLOWING
from flowmaker.pipelines.records.run import Run, RuntimeState, Task, TaskKind

NOW = datetime(2026, 1, 1, tzinfo=UTC)
S = RuntimeState
#: A DAG as a mapping from each task to what it waits for, and to the DAG that it is, if it is one.
Shape = dict[str, tuple[list[str], Any]]


def graph(shape: Shape) -> Graph:
    components: dict[str, Any] = {}

    def dag(shape: Shape) -> dict[str, Any]:
        tasks = {}
        for name, (upstream, inner) in shape.items():
            key = f"comp-{len(components)}"
            components[key] = {"executorLabel": "e"}
            tasks[name] = {"componentRef": {"name": key}, "dependentTasks": upstream}
            if inner:
                components[key] = {"dag": dag(inner)}
        return {"tasks": tasks}

    return graph_of(
        {
            "pipelineInfo": {"name": "p"},
            "root": {"dag": dag(shape)},
            "components": components,
            "deploymentSpec": {
                "executors": {"e": {"container": {"image": "python:3.11", "command": ["true"]}}}
            },
        },
        {},
    )


def progress(shape: Shape) -> Progress:
    run = Run(run_id="r", display_name="r", experiment_id="e", created_at=NOW, pipeline_spec={})
    made = Progress(graph(shape), job(), run, [])
    advance(made)
    return made


def job() -> Job:
    return Job(run_id="r", name="r", pipeline="p", root="s3://b/k", created_at="", scheduled_at="")


def advance(on: Progress, *ends: End) -> None:
    """One step, with every ready task started, and the books checked."""
    decide(on, ends, NOW)
    for task_id in list(on.pending):
        start(on, task_id, NOW)
    on.changes()
    on.written()


def task(on: Progress, name: str) -> Task:
    return next(each for each in on.tasks.values() if each.name == name)


def end(on: Progress, name: str, error: str = "") -> None:
    advance(on, End(task_id=task(on, name).task_id, error=error))


def states(on: Progress) -> dict[str, RuntimeState]:
    return {each.name: each.state for each in on.tasks.values()}


def terminate(on: Progress) -> None:
    on.run = replace(on.run, terminate_requested=True)
    advance(on)


def test_a_task_starts_when_all_that_it_waits_for_succeeded():
    run = progress({"a": ([], None), "b": ([], None), "c": (["a", "b"], None)})
    assert states(run) == {"root": S.RUNNING, "a": S.RUNNING, "b": S.RUNNING}
    end(run, "a")
    assert "c" not in states(run)
    end(run, "b")
    assert states(run)["c"] is S.RUNNING
    end(run, "c")
    assert states(run)["root"] is run.run.state is S.SUCCEEDED


def test_a_failure_starts_nothing_new_and_lets_the_rest_end():
    run = progress({"a": ([], None), "b": ([], None), "c": (["b"], None), "d": (["a"], None)})
    end(run, "a", error="it broke")
    assert run.run.state is S.RUNNING
    end(run, "b")
    assert states(run).keys() == {"root", "a", "b"}
    assert run.run.state is S.FAILED
    assert run.run.error == "Task 'a' failed: it broke"


def test_a_failure_inside_fails_what_is_around_it_but_not_its_neighbour():
    inner: Shape = {"x": ([], None), "y": (["x"], None)}
    run = progress({"d": ([], inner), "e": ([], {"u": ([], None), "v": (["u"], None)})})
    end(run, "x", error="it broke")
    assert states(run)["d"] is S.FAILED
    end(run, "u")
    assert states(run)["v"] is S.RUNNING
    end(run, "v")
    assert states(run)["e"] is S.SUCCEEDED
    assert run.run.state is S.FAILED
    assert run.run.error == "Task 'x' failed: it broke"


def test_termination_waits_for_what_runs_and_starts_nothing():
    run = progress({"a": ([], None), "d": ([], {"x": ([], None)}), "c": (["a"], None)})
    terminate(run)
    assert set(states(run).values()) == {S.CANCELING} == {run.run.state}
    end(run, "a")  # it was about to end by itself
    end(run, "x", error="stopped")
    assert states(run) == {"root": S.CANCELED, "a": S.SUCCEEDED, "d": S.CANCELED, "x": S.CANCELED}
    assert run.run.state is S.CANCELED


def test_termination_before_anything_began():
    run = Run(
        run_id="r",
        display_name="r",
        experiment_id="e",
        created_at=NOW,
        pipeline_spec={},
        terminate_requested=True,
    )
    made = Progress(graph({"a": ([], None)}), job(), run, [])
    advance(made)
    assert made.run.state is S.CANCELED
    assert not made.tasks


def test_what_is_left_of_a_run_that_was_read_again_is_the_same():
    run = progress({"a": ([], None), "b": (["a"], None)})
    end(run, "a")
    again = Progress(run.graph, run.job, run.run, run.tasks.values())
    decide(again, (), NOW)
    assert again.changes() is None
    assert again.tasks == run.tasks
    assert list(again.running) == list(run.running)


def test_expanding_twice_makes_the_same_tasks():
    shape: Shape = {"a": ([], {"x": ([], None)}), "b": ([], {"x": ([], None)})}
    first, second = progress(shape), progress(shape)
    assert first.tasks.keys() == second.tasks.keys()
    assert len(first.tasks) == 5


@st.composite
def shapes(draw: st.DrawFn, depth: int = 2) -> Shape:
    size = draw(st.integers(1, 4))
    names = [f"t{number}" for number in range(size)]
    return {
        name: (
            draw(st.lists(st.sampled_from(names[:index]), unique=True)) if index else [],
            draw(shapes(depth - 1)) if depth and draw(st.booleans()) else None,
        )
        for index, name in enumerate(names)
    }


@settings(deadline=None, max_examples=50)
@given(shapes(), st.data())
def test_every_run_ends_and_no_final_state_is_left(shape: Shape, data: st.DataObject):
    """Whatever fails and whenever it is terminated, or read again by a new server."""
    run = progress(shape)
    seen: dict[str, RuntimeState] = {}
    for _ in range(200):
        if run.run.state.is_final:
            break
        match data.draw(st.sampled_from(["end", "end", "end", "fail", "terminate", "restart"])):
            case "terminate":
                terminate(run)
            case "restart":
                run = Progress(run.graph, run.job, run.run, run.tasks.values())
                advance(run)
            case how:
                running = data.draw(st.sampled_from(sorted(run.running)))
                advance(run, End(task_id=running, error="broke" if how == "fail" else ""))
        check(run, seen)
    assert run.run.state.is_final
    assert all(each.state.is_final for each in run.tasks.values())
    assert run.run.state is next(each for each in run.tasks.values() if each.name == "root").state
    if run.run.state is S.SUCCEEDED:
        assert {each.state for each in run.tasks.values()} == {S.SUCCEEDED}
        assert len([each for each in run.tasks.values() if each.kind is TaskKind.CONTAINER]) == (
            containers(shape)
        )


def check(run: Progress, seen: dict[str, RuntimeState]) -> None:
    for task_id, each in run.tasks.items():
        before = seen.get(task_id, each.state)
        assert not before.is_final or before is each.state
        seen[task_id] = each.state
        history = [change.state for change in each.state_history]
        assert history[0] is S.PENDING
        assert history[-1] is each.state
        for earlier, later in pairwise(history):
            assert later in FOLLOWING[earlier]
        assert (each.ended_at is None) is not each.state.is_final
    open_ = {t.parent_task_id for t in run.tasks.values() if not t.state.is_final}
    for dag in run.tasks.values():
        if dag.kind is TaskKind.DAG:
            assert (dag.task_id in open_) is not dag.state.is_final
    assert set(run.running) == {
        each.task_id
        for each in run.tasks.values()
        if each.kind is TaskKind.CONTAINER and each.state in (S.RUNNING, S.CANCELING)
    }


def containers(shape: Shape) -> int:
    return sum(containers(inner) if inner else 1 for _, inner in shape.values())


@pytest.mark.parametrize("final", [S.SUCCEEDED, S.FAILED, S.CANCELED, S.SKIPPED])
def test_nothing_follows_a_final_state(final: RuntimeState):
    assert final not in FOLLOWING
