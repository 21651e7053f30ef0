"""Parameters of every type through the real kfp.Client: what a component gets, and gives."""

# Components import what they need, and use the types that users do.
# ruff: noqa: E741, UP045

from typing import Any, NamedTuple, Optional

import pytest
from kfp import dsl
from kfp_server_api import ApiException

from tests.fakes.kfp_batch import Batch, Submitted
from tests.house import House

BATCH = Batch()

VALUES: dict[str, Any] = {
    "n": 3,
    "x": 2.0,
    "s": "ünï \"quoted\" 'text' $HOME {{}}\n",
    "b": True,
    "l": [1, 2.5, "x", [True, "y"]],
    "d": {"k": {"deep": [1, 2]}, "n": 3, "f": 0.5},
}


@dsl.component(base_image="python:3.11")
def types(n: int, x: float, s: str, b: bool, l: list, d: dict) -> NamedTuple(  # type: ignore[valid-type]
    "Outputs", [("n", int), ("x", float), ("s", str), ("b", bool), ("l", list), ("d", dict)]
):
    import json

    names = [type(each).__name__ for each in (n, x, s, b, l, d)]
    print("RESULT " + json.dumps([names, [n, x, s, b, l, d], str(l)]))
    return n, x, s, b, l, d  # type: ignore[return-value]


@BATCH.add(**VALUES)
@dsl.pipeline(name="values")
def values(n: int, x: float, s: str, b: bool, l: list, d: dict):
    first = types(n=n, x=x, s=s, b=b, l=l, d=d).set_display_name("first")
    types(**{name: first.outputs[name] for name in "nxsbld"}).set_display_name("second")


@BATCH.add()
@dsl.pipeline(name="values-by-default")
def by_default(
    n: int = 3,
    x: float = 2.0,
    s: str = "by default",
    b: bool = True,
    l: list = VALUES["l"],
    d: dict = VALUES["d"],
):
    types(n=n, x=x, s=s, b=b, l=l, d=d).set_display_name("of the root")
    types(n=7, x=0.5, s="s", b=False, l=[], d={}).set_display_name("constants")


@dsl.component(base_image="python:3.11")
def optional(
    given: Optional[str] = None,
    number: Optional[int] = None,
    default: int = 5,
    empty: str = "",
    off: bool = False,
    nothing: list = [],  # noqa: B006
):
    import json

    print("RESULT " + json.dumps([given, number, default, empty, off, nothing]))


@BATCH.add(text="for the root")
@dsl.pipeline(name="optional-values")
def optional_values(
    text: Optional[str] = None, absent: Optional[str] = None, number: Optional[int] = None
):
    optional().set_display_name("nothing given")
    optional(given=text, number=number).set_display_name("some given")
    optional(given=absent, default=6).set_display_name("absent")


def _literals(spec: dict[str, Any]) -> None:
    """What typing.Literal compiles to in SDKs that know it."""
    for component in (spec["root"], *spec["components"].values()):
        parameters = component.get("inputDefinitions", {}).get("parameters", {})
        for name, allowed in {"colour": ["red", "green"], "size": [1, 2]}.items():
            if name in parameters:
                parameters[name]["literals"] = allowed


@dsl.component(base_image="python:3.11")
def choose(colour: str, size: int = 2, ratio: float = 1.0):
    import json

    print("RESULT " + json.dumps([colour, size, ratio]))


@BATCH.add(_literals, colour="green", size=1)
@dsl.pipeline(name="literals")
def literals(colour: str, size: int = 2):
    choose(colour=colour, size=size).set_display_name("given")
    choose(colour="red").set_display_name("by default")


@BATCH.add(_literals, colour="blue")
@dsl.pipeline(name="no-such-literal")
def no_literal(colour: str):
    choose(colour=colour)


@dsl.component(base_image="python:3.11")
def name_colour() -> str:
    return "blue"


@BATCH.add(_literals)
@dsl.pipeline(name="literal-at-run-time")
def late_literal():
    choose(colour=name_colour().output)


@BATCH.add(n="three")
@dsl.pipeline(name="wrong-type")
def wrong_type(n: int):
    types(n=n, **{name: VALUES[name] for name in "xsbld"})


@BATCH.add(n=2.5)
@dsl.pipeline(name="no-integer")
def no_integer(n: int):
    types(n=n, **{name: VALUES[name] for name in "xsbld"})


@BATCH.add()
@dsl.pipeline(name="missing-value")
def missing(n: int):
    types(n=n, **{name: VALUES[name] for name in "xsbld"})


@dsl.container_component
def shell_shows(n: int, x: float, s: str, b: bool, l: list, d: dict):
    return dsl.ContainerSpec(
        image="python:3.11",
        command=["python3", "-c", "import json, sys; print('RESULT ' + json.dumps(sys.argv[1:]))"],
        args=[n, x, s, b, l, d],
    )


@BATCH.add()
@dsl.pipeline(name="values-as-text")
def as_text():
    shell_shows(**VALUES).set_display_name("words")
    shell_shows(
        n=10**15, x=1e-7, s="", b=False, l=["é", {"b": 1, "a": 2.0}], d={}
    ).set_display_name("odd ones")
    made = types(**VALUES)
    parts = " ".join(f"{made.outputs[name]}" for name in "nxbld")
    optional(given=f"<{parts}>").set_display_name("in a string")


@dsl.container_component
def shell_gives(
    n: dsl.OutputPath(int),  # type: ignore[valid-type]
    x: dsl.OutputPath(float),  # type: ignore[valid-type]
    s: dsl.OutputPath(str),  # type: ignore[valid-type]
    b: dsl.OutputPath(bool),  # type: ignore[valid-type]
    l: dsl.OutputPath(list),  # type: ignore[valid-type]
    d: dsl.OutputPath(dict),  # type: ignore[valid-type]
):
    return dsl.ContainerSpec(
        image="python:3.11",
        command=["sh", "-ec"],
        args=[
            (
                'echo 007 >"$0"; echo 1e-3 >"$1"; printf "two\\nlines\\n" >"$2"; echo True >"$3";'
                """ echo '[1, "x"]' >"$4"; echo '{"k": [1.0]}' >"$5" """
            ),
            n,
            x,
            s,
            b,
            l,
            d,
        ],
    )


@BATCH.add()
@dsl.pipeline(name="values-of-files")
def of_files():
    made = shell_gives()
    types(**{name: made.outputs[name] for name in "nxsbld"})


@dsl.container_component
def gives_nonsense(n: dsl.OutputPath(int)):  # type: ignore[valid-type]
    return dsl.ContainerSpec(image="python:3.11", command=["sh", "-c", 'echo 3.5 >"$0"', n])


@BATCH.add()
@dsl.pipeline(name="nonsense")
def nonsense():
    gives_nonsense()


def _selector(spec: dict[str, Any]) -> None:
    source = spec["root"]["dag"]["tasks"]["optional"]["inputs"]["parameters"]["given"]
    source["parameterExpressionSelector"] = 'parseJson(string_value)["a"]["b"]'


@BATCH.add(_selector, text='{"a": {"b": "deep"}}')
@dsl.pipeline(name="selectors")
def selectors(text: str):
    optional(given=text)


@dsl.component(base_image="python:3.11")
def not_a_number() -> float:
    return float("nan")


@dsl.component(base_image="python:3.11")
def half_a_character() -> list:
    return ["\ud800"]


@dsl.container_component
def bottomless(l: dsl.OutputPath(list)):  # type: ignore[valid-type]
    program = "import sys; open(sys.argv[1], 'w').write('[' * 10**5 + ']' * 10**5)"
    return dsl.ContainerSpec(image="python:3.11", command=["python", "-c", program, l])


@BATCH.add()
@dsl.pipeline(name="not-a-number")
def no_number():
    not_a_number()


@BATCH.add()
@dsl.pipeline(name="half-a-character")
def no_text():
    half_a_character()


@BATCH.add()
@dsl.pipeline(name="bottomless")
def no_bottom():
    bottomless()


@pytest.fixture(scope="module")
def ran(server: House, tmp_path_factory: pytest.TempPathFactory) -> Submitted:
    return BATCH.submitted(server, tmp_path_factory.mktemp("packages"))


NAMES = ["int", "float", "str", "bool", "list", "dict"]
AS_GIVEN = [NAMES, list(VALUES.values()), str(VALUES["l"])]


def test_values_keep_their_types_from_task_to_task(ran: Submitted) -> None:
    run = ran(values)
    assert run.error == ""
    assert [run.result("first"), run.result("second")] == [AS_GIVEN, AS_GIVEN]


def test_defaults_and_constants_have_types_too(ran: Submitted) -> None:
    run = ran(by_default)
    assert run.error == ""
    root = {**VALUES, "s": "by default"}
    assert run.result("of the root") == [NAMES, list(root.values()), *AS_GIVEN[2:]]
    assert run.result("constants") == [NAMES, [7, 0.5, "s", False, [], {}], "[]"]


def test_what_is_optional_may_be_absent(ran: Submitted) -> None:
    run = ran(optional_values)
    assert run.error == ""
    assert run.result("nothing given") == [None, None, 5, "", False, []]
    assert run.result("some given") == ["for the root", None, 5, "", False, []]
    assert run.result("absent") == [None, None, 6, "", False, []]


def test_literals(ran: Submitted) -> None:
    run = ran(literals)
    assert run.error == ""
    assert run.result("given") == ["green", 1, 1.0]
    assert run.result("by default") == ["red", 2, 1.0]


@pytest.mark.parametrize(
    ("pipeline", "said"),
    [
        (no_literal, "Parameter 'colour' is 'blue'; it must be one of 'red', 'green'"),
        (wrong_type, "Parameter 'n' is of type NUMBER_INTEGER, but its value is 'three'"),
        (no_integer, "Parameter 'n' is of type NUMBER_INTEGER, but its value is 2.5"),
        (missing, "Parameter 'n' (NUMBER_INTEGER) has no default; give it a value"),
    ],
)
def test_wrong_values_are_refused_at_once(ran: Submitted, pipeline: Any, said: str) -> None:
    with pytest.raises(ApiException) as caught:
        ran(pipeline)
    assert said in caught.value.body


def test_a_value_that_is_no_literal_fails_its_task_before_it_starts(ran: Submitted) -> None:
    run = ran(late_literal)
    assert run.results("choose") == []
    assert "'colour' is 'blue'; it must be one of 'red', 'green'" in run.error


def test_values_in_commands_are_written_as_on_a_cluster(ran: Submitted) -> None:
    run = ran(as_text)
    assert run.error == ""
    assert run.result("words") == [
        "3",
        "2",
        VALUES["s"],
        "true",
        '[1,2.5,"x",[true,"y"]]',
        '{"f":0.5,"k":{"deep":[1,2]},"n":3}',
    ]
    odd = ["1000000000000000", "0.0000001", "", "false", '["é",{"a":2,"b":1}]', "{}"]
    assert run.result("odd ones") == odd
    (text, *_) = run.result("in a string")
    assert text == '<3 2 true [1,2.5,"x",[true,"y"]] {"f":0.5,"k":{"deep":[1,2]},"n":3}>'


def test_files_of_a_container_are_read_as_their_types(ran: Submitted) -> None:
    run = ran(of_files)
    assert run.error == ""
    given = [7, 0.001, "two\nlines\n", True, [1, "x"], {"k": [1]}]
    assert run.result("types") == [NAMES, given, str(given[4])]


def test_a_file_with_something_else_fails_its_task(ran: Submitted) -> None:
    run = ran(nonsense)
    assert "Output parameter 'n' is of type NUMBER_INTEGER, but the task wrote '3.5" in run.error


@pytest.mark.parametrize(
    ("pipeline", "said"),
    [
        (no_number, "Output parameter 'Output': nan has no counterpart in JSON"),
        (no_text, "Output parameter 'Output': '\\ud800' is no Unicode text"),
        (no_bottom, "Output parameter 'l' is of type LIST, but the task wrote '[[["),
    ],
)
def test_an_output_that_is_not_json_fails_its_task(
    ran: Submitted, pipeline: Any, said: str
) -> None:
    run = ran(pipeline)
    assert run.run.state == "FAILED"
    assert said in run.error


def test_a_part_of_a_value(ran: Submitted) -> None:
    run = ran(selectors)
    assert run.error == ""
    assert run.result("optional")[0] == "deep"
