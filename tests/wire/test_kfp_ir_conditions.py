"""dsl.If, Elif, Else and OneOf through the real kfp.Client: who ran, and who did not."""

# Components import what they need and open files, as users' do.
# ruff: noqa: SIM117

from typing import Any

import pytest
from kfp import dsl
from kfp.dsl import Dataset, Input, Output

from tests.fakes.kfp_batch import Batch, Submitted
from tests.house import House

BATCH = Batch()


@dsl.component(base_image="python:3.11")
def say(text: str) -> str:
    import json

    print("RESULT " + json.dumps(text))
    return text


@dsl.component(base_image="python:3.11")
def number(value: int) -> int:
    return value


@dsl.component(base_image="python:3.11")
def flag(value: bool) -> bool:
    return value


@dsl.component(base_image="python:3.11")
def write(text: str, data: Output[Dataset]):
    with open(data.path, "w") as file:
        file.write(text)


@dsl.component(base_image="python:3.11")
def read(data: Input[Dataset]):
    import json

    with open(data.path) as file:
        print("RESULT " + json.dumps(file.read()))


@BATCH.add(n=2, x=2.0, s="a word", b=True)
@dsl.pipeline(name="comparisons")
def comparisons(n: int, x: float, s: str, b: bool):
    holds = {
        "eq": n == 2,
        "ne": n != 3,
        "lt": n < 10,  # as text, 10 comes first
        "le": n <= 2,
        "gt": n > -1,
        "ge": x >= 1.5,
        "double": x == 2.0,
        "text": s == "a word",
        "true": b == True,  # noqa: E712 - it is compiled
    }
    for name, condition in holds.items():
        with dsl.If(condition, name=f"{name}-holds"):
            say(text=name).set_display_name(f"does {name}")
    fails = {"not-eq": n != 2, "not-lt": n < 2, "not-text": s == "its", "not-bool": b == False}  # noqa: E712
    for name, condition in fails.items():
        with dsl.If(condition, name=name):
            say(text=name).set_display_name(f"does {name}")


@BATCH.add(n=2)
@dsl.pipeline(name="elif")
def chain(n: int):
    made = number(value=n)
    with dsl.If(made.output == 1):
        say(text="if").set_display_name("if")
    with dsl.Elif(made.output == 2):
        say(text="elif").set_display_name("elif")
    with dsl.Elif(made.output <= 2):
        say(text="second elif").set_display_name("second elif")
    with dsl.Else():
        say(text="else").set_display_name("else")


@BATCH.add()
@dsl.pipeline(name="nested-conditions")
def nested():
    made = flag(value=False)
    with dsl.If(made.output == False):  # noqa: E712
        with dsl.If(number(value=5).output > 4):
            say(text="inside").set_display_name("inside")
    with dsl.If(made.output == True):  # noqa: E712
        outer = say(text="never").set_display_name("never")
        say(text=outer.output).set_display_name("never either")


@dsl.pipeline(name="flip")
def flip(side: str) -> str:
    made = say(text=side)
    with dsl.If(made.output == "heads"):
        one = say(text="it was heads")
    with dsl.Elif(made.output == "tails"):
        two = say(text="it was tails")
    with dsl.Else():
        three = say(text="it stood")
    return dsl.OneOf(one.output, two.output, three.output)


@BATCH.add(side="tails")
@dsl.pipeline(name="oneof-of-parameters")
def one_of(side: str):
    flipped = flip(side=side)
    say(text=f"and: {flipped.output}").set_display_name("the result")


@dsl.pipeline(name="choose")
def choose(which: int) -> Dataset:
    with dsl.If(which == 1):
        one = write(text="one")
    with dsl.Else():
        other = write(text="other")
    return dsl.OneOf(one.outputs["data"], other.outputs["data"])


@BATCH.add()
@dsl.pipeline(name="oneof-of-artifacts")
def one_of_artifacts():
    read(data=choose(which=1).output).set_display_name("the result")
    read(data=choose(which=0).output).set_display_name("the other")


def _wait_for_the_branch(spec: dict[str, Any]) -> None:
    tasks = spec["root"]["dag"]["tasks"]  # the SDK itself writes no such thing
    tasks["say-2"].setdefault("dependentTasks", []).append("condition-1")


@BATCH.add(_wait_for_the_branch)
@dsl.pipeline(name="after-a-skipped-task")
def after_skipped():
    made = number(value=0)
    with dsl.If(made.output == 1):
        say(text="never")
    then = say(text="afterwards").set_display_name("afterwards")
    say(text=then.output).set_display_name("after that")
    say(text="apart").set_display_name("apart")


@BATCH.add()
@dsl.pipeline(name="condition-in-a-loop")
def in_loop():
    with dsl.ParallelFor([1, 2, 3]) as item:
        with dsl.If(item == 2):
            say(text="two").set_display_name("two")
        with dsl.Else():
            say(text=f"not two, but {item}").set_display_name("not two")


def _brackets(spec: dict[str, Any]) -> None:
    tasks = spec["root"]["dag"]["tasks"]
    tasks["condition-1"]["triggerPolicy"]["condition"] = (
        "(inputs.parameter_values['pipelinechannel--n'] == 7 ||"
        " int(inputs.parameter_values['pipelinechannel--n']) >= 2) &&"
        " !(inputs.parameter_values['pipelinechannel--s'] != \"a\")"
    )


@BATCH.add(_brackets, n=2, s="a")
@dsl.pipeline(name="brackets")
def brackets(n: int, s: str):
    with dsl.If(n == 1):
        say(text=f"{n} {s}").set_display_name("said")


@pytest.fixture(scope="module")
def ran(server: House, tmp_path_factory: pytest.TempPathFactory) -> Submitted:
    return BATCH.submitted(server, tmp_path_factory.mktemp("packages"))


def test_every_comparison(ran: Submitted) -> None:
    run = ran(comparisons)
    assert run.error == ""
    for name in ("eq", "ne", "lt", "le", "gt", "ge", "double", "text", "true"):
        assert run.results(f"does {name}") == [name]
    for name in ("not-eq", "not-lt", "not-text", "not-bool"):
        assert run.results(f"does {name}") == []


def test_the_first_branch_that_holds_runs_and_no_other(ran: Submitted) -> None:
    run = ran(chain)
    assert run.error == ""
    said = {name: run.results(name) for name in ("if", "elif", "second elif", "else")}
    assert said == {"if": [], "elif": ["elif"], "second elif": [], "else": []}


def test_conditions_in_conditions(ran: Submitted) -> None:
    run = ran(nested)
    assert run.error == ""
    assert run.results("inside") == ["inside"]
    assert run.results("never") == run.results("never either") == []


def test_one_of_several_parameters_is_the_output_of_a_pipeline(ran: Submitted) -> None:
    run = ran(one_of)
    assert run.error == ""
    assert run.results("the result") == ["and: it was tails"]


def test_one_of_several_artifacts_of_nested_branches(ran: Submitted) -> None:
    run = ran(one_of_artifacts)
    assert run.error == ""
    assert run.results("the result") == ["one"]
    assert run.results("the other") == ["other"]


def test_what_waits_for_a_skipped_task_is_skipped(ran: Submitted) -> None:
    run = ran(after_skipped)
    assert run.run.state == "SUCCEEDED"
    assert run.results("afterwards") == run.results("after that") == []
    assert run.results("apart") == ["apart"]
    assert run.states()["afterwards"] == run.states()["after that"] == "SKIPPED"


def test_a_condition_for_each_iteration(ran: Submitted) -> None:
    run = ran(in_loop)
    assert run.error == ""
    assert run.results("two") == ["two"]
    assert sorted(run.results("not two")) == ["not two, but 1", "not two, but 3"]


def test_and_or_not_and_brackets(ran: Submitted) -> None:
    run = ran(brackets)
    assert run.error == ""
    assert run.results("said") == ["2 a"]
