"""dsl.ParallelFor and dsl.Collected through the real kfp.Client: how often what ran, on what."""

# Components import what they need and open files, as users' do.

from typing import Any

import pytest
from kfp import dsl
from kfp.dsl import Dataset, Input, Output

from tests.fakes.kfp_batch import Batch, Submitted
from tests.house import House

BATCH = Batch()


@dsl.component(base_image="python:3.11")
def say(value: str) -> str:
    import json

    print("RESULT " + json.dumps(value))
    return value


@dsl.component(base_image="python:3.11")
def twice(value: int) -> int:
    import json

    assert type(value) is int
    print("RESULT " + json.dumps(value))
    return 2 * value


@dsl.component(base_image="python:3.11")
def add(a: int, b: int, c: int = 0) -> int:
    import json

    print("RESULT " + json.dumps(a + b + c))
    return a + b + c


@dsl.component(base_image="python:3.11")
def show(values: list):
    import json

    print("RESULT " + json.dumps(values))


@dsl.component(base_image="python:3.11")
def numbers(count: int) -> list:
    return list(range(count))


@dsl.component(base_image="python:3.11")
def records() -> list:
    return [{"title": "a", "size": "small"}, {"title": "b", "size": "tall"}]


@dsl.component(base_image="python:3.11")
def show_record(title: str, size: str):
    import json

    print("RESULT " + json.dumps([title, size]))


@dsl.component(base_image="python:3.11")
def write(text: str, data: Output[Dataset], more: str = ""):
    text += more
    with open(data.path, "w") as file:
        file.write(text)
    data.metadata["text"] = text


@dsl.component(base_image="python:3.11")
def read_all(datasets: Input[list[Dataset]]):
    import json

    texts = []
    for each in datasets:
        with open(each.path) as file:
            texts.append([file.read(), each.metadata["text"], type(each).__name__])
    print("RESULT " + json.dumps(texts))


@dsl.component(base_image="python:3.11")
def read(data: Input[Dataset]):
    import json

    with open(data.path) as file:
        print("RESULT " + json.dumps(file.read()))


@dsl.component(base_image="python:3.11")
def take_time(value: int):
    import json
    import time

    begin = time.monotonic()
    time.sleep(0.1)
    print("RESULT " + json.dumps([begin, time.monotonic()]))


@dsl.component(base_image="python:3.11")
def fail_at(value: int, bad: int):
    import json

    print("RESULT " + json.dumps(value))
    if value == bad:
        raise ValueError(f"not {value}")


def _of_text(spec: dict[str, Any]) -> None:
    """One loop goes over JSON in a string, which the SDK does not let one write."""
    for component in (spec["root"], *spec["components"].values()):
        parameters = component.get("inputDefinitions", {}).get("parameters", {})
        for name in parameters.keys() & {"text", "pipelinechannel--text"}:
            parameters[name]["parameterType"] = "STRING"


@BATCH.add(_of_text, given=["x", "y"], text='["p", "q"]')
@dsl.pipeline(name="sources-of-items")
def sources(given: list, text: list):
    with dsl.ParallelFor(["a", "b"]) as item:
        say(value=item).set_display_name("raw")
    with dsl.ParallelFor(given) as item:
        say(value=item).set_display_name("of a parameter")
    with dsl.ParallelFor(numbers(count=3).output) as item:
        twice(value=item).set_display_name("of a task")
    with dsl.ParallelFor(text, name="text") as item:
        say(value=item).set_display_name("of JSON text")
    with dsl.ParallelFor(numbers(count=0).output) as item:
        twice(value=item).set_display_name("of nothing")


@BATCH.add()
@dsl.pipeline(name="subvariables")
def subvariables():
    items = [{"title": "a", "size": "small"}, {"title": "b", "size": "tall"}]
    with dsl.ParallelFor(items) as item:
        show_record(title=item.title, size=item.size).set_display_name("raw")
    with dsl.ParallelFor(records().output) as item:
        show_record(title=item.title, size=item.size).set_display_name("of a task")


@BATCH.add(numbered=[{"no": 1}, {"no": 2}])
@dsl.pipeline(name="parts-in-texts")
def parts_in_texts(numbered: list[dict[str, int]]):
    items = [{"title": "a", "sizes": [1, 2]}, {"title": "b", "sizes": []}]
    with dsl.ParallelFor(items) as item:
        say(value=f"<{item.title} {item.sizes}>").set_display_name("raw")
        with dsl.ParallelFor(item.sizes) as size:
            say(value=f"{item.title}{size}").set_display_name("in a loop")
    with dsl.ParallelFor(records().output) as item, dsl.If(item.title == "b"):
        say(value=f"{item.title}, {item.size}").set_display_name("of a task")
    with dsl.ParallelFor(numbered) as item:
        say(value=f"no {item.no}").set_display_name("of a parameter")


@BATCH.add()
@dsl.pipeline(name="nested-loops")
def nested():
    with dsl.ParallelFor([1, 2]) as outer:
        made = twice(value=outer)
        with dsl.ParallelFor([10, 20]) as inner:
            add(a=outer, b=inner, c=made.output).set_display_name("sum")


@BATCH.add()
@dsl.pipeline(name="limited")
def limited():
    with dsl.ParallelFor([1, 2, 3, 4, 5], parallelism=2) as item:
        take_time(value=item).set_display_name("two at a time")
    with dsl.ParallelFor([1, 2, 3], parallelism=1) as item:
        take_time(value=item).set_display_name("one at a time")


@dsl.pipeline(name="doubled")
def doubled(values: list) -> list:
    with dsl.ParallelFor(values) as item:
        made = twice(value=item)
    return dsl.Collected(made.output)  # pyright: ignore[reportReturnType]


@BATCH.add(values=[3, 1, 2])
@dsl.pipeline(name="collected-parameters")
def collected(values: list):
    with dsl.ParallelFor(values) as item:
        made = twice(value=item)
        again = twice(value=made.output)
    show(values=dsl.Collected(again.output)).set_display_name("in the order of the items")
    show(values=doubled(values=values).output).set_display_name("of a pipeline")
    with dsl.ParallelFor([1, 2]) as outer, dsl.ParallelFor([10, 20]) as inner:
        total = add(a=outer, b=inner)
    show(values=dsl.Collected(total.output)).set_display_name("of loops in loops")
    with dsl.ParallelFor(numbers(count=0).output) as item:
        none = twice(value=item)
    show(values=dsl.Collected(none.output)).set_display_name("of nothing")
    show(values=doubled(values=dsl.Collected(again.output)).output).set_display_name("of that")


@BATCH.add()
@dsl.pipeline(name="collected-artifacts")
def collected_artifacts():
    with dsl.ParallelFor(["one", "two", "three"]) as item:
        made = write(text=item)
    read_all(datasets=dsl.Collected(made.outputs["data"])).set_display_name("all")
    with dsl.ParallelFor(["a", "b"]) as outer, dsl.ParallelFor(["1", "2"]) as inner:
        deep = write(text=outer, more=inner)
    read_all(datasets=dsl.Collected(deep.outputs["data"])).set_display_name("all deep ones")


@dsl.pipeline(name="read-each")
def read_each(datasets: Input[list[Dataset]]):
    with dsl.ParallelFor(datasets) as data:
        read(data=data).set_display_name("each")


@BATCH.add()
@dsl.pipeline(name="loop-over-artifacts")
def over_artifacts():
    with dsl.ParallelFor(["one", "two"]) as item:
        made = write(text=item)
    read_each(datasets=dsl.Collected(made.outputs["data"]))


@BATCH.add()
@dsl.pipeline(name="failing-loop")
def failing():
    with dsl.ParallelFor([1, 2, 3, 4], parallelism=1) as item:
        fail_at(value=item, bad=2).set_display_name("iteration")


def _text(spec: dict[str, Any]) -> None:
    spec["root"]["inputDefinitions"]["parameters"]["value"]["parameterType"] = "STRING"
    for component in spec["components"].values():
        for each in component.get("inputDefinitions", {}).get("parameters", {}).values():
            each["parameterType"] = "STRING"


@BATCH.add(_text, value="no list")
@dsl.pipeline(name="loop-over-text")
def over_text(value: list):
    with dsl.ParallelFor(value) as item:
        say(value=item)


def _numbers_in_text(spec: dict[str, Any]) -> None:
    (loop,) = spec["root"]["dag"]["tasks"].values()
    loop["parameterIterator"]["items"]["raw"] = '[1.0, {"k": 2}, "three", null, true]'


@BATCH.add(_numbers_in_text)
@dsl.pipeline(name="items-of-every-kind")
def every_kind():
    with dsl.ParallelFor(["a"]) as item:
        say(value=f"<{item}>").set_display_name("said")


@pytest.fixture(scope="module")
def ran(server: House, tmp_path_factory: pytest.TempPathFactory) -> Submitted:
    return BATCH.submitted(server, tmp_path_factory.mktemp("packages"))


def test_items_may_come_from_anywhere(ran: Submitted) -> None:
    run = ran(sources)
    assert run.error == ""
    assert sorted(run.results("raw")) == ["a", "b"]
    assert sorted(run.results("of a parameter")) == ["x", "y"]
    assert sorted(run.results("of a task")) == [0, 1, 2]
    assert sorted(run.results("of JSON text")) == ["p", "q"]
    assert run.results("of nothing") == []


def test_parts_of_items(ran: Submitted) -> None:
    run = ran(subvariables)
    assert run.error == ""
    for name in ("raw", "of a task"):
        assert sorted(run.results(name)) == [["a", "small"], ["b", "tall"]]


def test_parts_of_items_in_texts(ran: Submitted) -> None:
    run = ran(parts_in_texts)
    assert run.error == ""
    assert sorted(run.results("raw")) == ["<a [1,2]>", "<b []>"]
    assert sorted(run.results("in a loop")) == ["a1", "a2"]
    assert run.results("of a task") == ["b, tall"]
    assert sorted(run.results("of a parameter")) == ["no 1", "no 2"]


def test_loops_in_loops(ran: Submitted) -> None:
    run = ran(nested)
    assert run.error == ""
    assert sorted(run.results("sum")) == [13, 16, 23, 26]


def test_as_many_at_a_time_as_the_loop_says(ran: Submitted) -> None:
    run = ran(limited)
    assert run.error == ""
    for name, count, limit in (("two at a time", 5, 2), ("one at a time", 3, 1)):
        spans = run.results(name)
        assert len(spans) == count
        assert max(sum(a <= begin < b for a, b in spans) for begin, _ in spans) <= limit


def test_parameters_are_collected_in_the_order_of_the_items(ran: Submitted) -> None:
    run = ran(collected)
    assert run.error == ""
    assert run.result("in the order of the items") == [12, 4, 8]
    assert run.result("of a pipeline") == [6, 2, 4]
    assert run.result("of loops in loops") == [[11, 21], [12, 22]]
    assert run.result("of nothing") == []
    assert run.result("of that") == [24, 8, 16]


def test_artifacts_are_collected_with_their_metadata(ran: Submitted) -> None:
    run = ran(collected_artifacts)
    assert run.error == ""
    assert run.result("all") == [[text, text, "Dataset"] for text in ("one", "two", "three")]
    texts = ("a1", "a2", "b1", "b2")
    assert run.result("all deep ones") == [[text, text, "Dataset"] for text in texts]


def test_a_loop_over_artifacts(ran: Submitted) -> None:
    run = ran(over_artifacts)
    assert run.error == ""
    assert sorted(run.results("each")) == ["one", "two"]


def test_an_iteration_that_fails_ends_its_loop(ran: Submitted) -> None:
    run = ran(failing)
    assert run.run.state == "FAILED"
    assert run.results("iteration") == [1, 2]
    assert "ValueError: not 2" in run.error


def test_a_loop_over_what_is_no_list_says_so(ran: Submitted) -> None:
    run = ran(over_text)
    assert "The loop goes over 'no list', not a list" in run.error


def test_items_of_every_kind_in_one_list(ran: Submitted) -> None:
    run = ran(every_kind)
    assert run.error == ""
    assert sorted(run.results("said")) == ["<1>", "<>", "<three>", "<true>", '<{"k":2}>']
