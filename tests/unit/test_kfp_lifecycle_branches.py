"""Conditions, exit handlers and tasks that run whatever happened, as the SDK compiles them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from kfp import dsl

from flowmaker.pipelines.driver.job import Job
from flowmaker.pipelines.ir.graph import graph_of
from flowmaker.pipelines.lifecycle.progress import Progress
from flowmaker.pipelines.lifecycle.run import End, decide, start
from flowmaker.pipelines.records.run import Run, RuntimeState, Task
from tests.fakes.compiled import compiled
from tests.fakes.decided import NOW, Act, containers, echo, executed, executed_package, failing


@dsl.component(base_image="python:3.11")
def flip() -> str:
    return "heads"


@dsl.component(base_image="python:3.11")
def say(text: str) -> str:
    return text


@dsl.component(base_image="python:3.11")
def notify(status: dsl.PipelineTaskFinalStatus):
    print(status)


@dsl.pipeline(name="branches")
def branches(limit: float = 0.5):
    coin = flip()
    with dsl.If(coin.output == "heads"):
        say(text="it is heads").set_display_name("heads")
    with dsl.Elif(coin.output == "tails"):
        say(text="it is tails")
    with dsl.Else():
        say(text="it stands")
    with dsl.If(limit < 1.0):
        low = say(text="low")
    with dsl.Else():
        high = say(text="high")
    say(text=dsl.OneOf(low.output, high.output))


def test_only_the_branch_that_holds_is_taken(tmp_path: Path):
    run = executed(branches, tmp_path)
    assert run.run.state is RuntimeState.SUCCEEDED
    assert containers(run) == dict.fromkeys(["flip", "say", "say-4", "say-6"], "SUCCEEDED")
    skipped = {t.name for t in run.tasks.values() if t.state is RuntimeState.SKIPPED}
    assert skipped == {"condition-3", "condition-4", "condition-7"}
    (last,) = [task for task in run.tasks.values() if task.name == "say-6"]
    assert last.outputs["parameters"] == {"Output": "low"}


def test_the_other_branch(tmp_path: Path):
    run = executed(branches, tmp_path, lambda t: echo(t) | {"Output": "edge"}, limit=2.0)
    assert containers(run).keys() == {"flip", "say-3", "say-5", "say-6"}


def test_what_waits_for_a_skipped_task_is_skipped(tmp_path: Path):
    @dsl.pipeline(name="p")
    def pipeline(go: bool = False):
        with dsl.If(go == True):  # noqa: E712
            say(text="in")
        say(text="after")

    spec, platform = compiled(pipeline, tmp_path)
    spec["root"]["dag"]["tasks"]["say-2"]["dependentTasks"] = ["condition-1"]
    run = executed_package((spec, platform), echo)
    assert run.run.state is RuntimeState.SUCCEEDED
    assert containers(run) == {"say-2": "SKIPPED"}


def test_an_exit_handler_hears_how_it_ended(tmp_path: Path):
    @dsl.pipeline(name="p")
    def pipeline():
        with dsl.ExitHandler(notify()):
            first = say(text="first")
            say(text="second").after(first)

    heard: list[dict[str, Any]] = []

    def listening(act: Act) -> Act:
        def listen(task: Task) -> dict[str, Any]:
            if task.name == "notify":
                heard.append(task.inputs["parameters"]["status"])
            return act(task)

        return listen

    assert executed(pipeline, tmp_path, listening(echo)).run.state is RuntimeState.SUCCEEDED
    run = executed(pipeline, tmp_path, listening(failing("say")))
    assert run.run.state is RuntimeState.FAILED
    assert containers(run) == {"say": "FAILED", "notify": "SUCCEEDED"}
    assert [status["state"] for status in heard] == ["COMPLETE", "FAILED"]
    assert heard[1]["error"]["message"] == "Task 'say' failed: say broke"
    run = executed(pipeline, tmp_path, failing("notify"))
    assert run.run.error == "Task 'notify' failed: notify broke"


def test_a_task_that_ignores_failure_runs_and_so_does_what_follows_it(tmp_path: Path):
    @dsl.component(base_image="python:3.11")
    def tidy(text: str = "nothing came") -> str:
        return text

    @dsl.pipeline(name="p")
    def pipeline():
        first = say(text="a")
        tidied = tidy(text=first.output).ignore_upstream_failure()
        say(text=tidied.output)
        say(text=first.output)

    run = executed(pipeline, tmp_path, failing("say"))
    assert containers(run) == {"say": "FAILED", "tidy": "SUCCEEDED", "say-2": "SUCCEEDED"}
    (last,) = [task for task in run.tasks.values() if task.name == "say-2"]
    assert last.outputs["parameters"] == {"Output": "nothing came"}
    assert run.run.error == "Task 'say' failed: say broke"


def test_a_condition_that_cannot_be_decided_fails_its_task(tmp_path: Path):
    @dsl.pipeline(name="p")
    def pipeline(number: int = 1):
        with dsl.If(flip().output > "a"):
            say(text="in")

    run = executed(pipeline, tmp_path, lambda t: {"Output": 3})
    assert run.run.state is RuntimeState.FAILED
    assert "cannot compare 3 > 'a'" in run.run.error


def test_termination_runs_no_exit_handler(tmp_path: Path):
    @dsl.pipeline(name="p")
    def pipeline():
        with dsl.ExitHandler(notify()):
            say(text="first")

    spec, platform = compiled(pipeline, tmp_path)
    run = Run(run_id="r", display_name="r", experiment_id="e", created_at=NOW, pipeline_spec=spec)
    job = Job(run_id="r", name="r", pipeline="p", root="s3://b", created_at="", scheduled_at="")
    progress = Progress(graph_of(spec, platform), job, run, [])
    decide(progress, (), NOW)
    (task_id,) = progress.pending
    start(progress, task_id, NOW)
    progress.run = replace(progress.run, terminate_requested=True)
    decide(progress, [End(task_id=task_id, error="stopped")], NOW)
    assert progress.run.state is RuntimeState.CANCELED
    assert containers(progress) == {"say": "CANCELED"}
