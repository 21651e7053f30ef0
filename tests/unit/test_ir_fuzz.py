"""Whatever is done to a pipeline: it is refused in words, or it runs to an end."""

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kfp import dsl, kubernetes

from flowmaker.errors import InvalidInput
from flowmaker.pipelines.ir.parameters import check_parameters
from flowmaker.pipelines.ir.validate import validate
from tests.fakes.compiled import Package, compiled
from tests.fakes.decided import echo, executed_package


@dsl.component(base_image="python:3.11")
def say(text: str) -> str:
    return text


@dsl.component(base_image="python:3.11")
def notify(status: dsl.PipelineTaskFinalStatus):
    print(status)


@dsl.pipeline(name="inner")
def inner(text: str) -> str:
    return say(text=text).output


@dsl.pipeline(name="everything")
def everything(names: list = ["a", "b"], secret: str = "s"):  # noqa: B006
    with dsl.ExitHandler(notify()):
        with dsl.ParallelFor(names) as name:
            said = say(text=name).set_retry(1).set_env_variable("A", "b").set_memory_limit("1G")
        kubernetes.use_secret_as_env(said, secret, {"k": "K"})
        nested = inner(text="x")
        with dsl.If(nested.output == "x"):
            one = say(text=f"{nested.output}")
        with dsl.Else():
            other = say(text="c")
        say(text=dsl.OneOf(one.output, other.output))


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    return compiled(everything, Path(tmp_path_factory.mktemp("compiled")))


JSON = st.sampled_from([None, True, 0, -1.5, "", "a", "{{$}}", [], [1], {}, {"a": 1}, "DELETE"])


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything inside a JSON value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    if not isinstance(value, (dict, list)):
        inside = ()
    found = [path] if path else []
    for key, each in inside:
        if isinstance(each, (dict, list)):
            found += places(each, (*path, key))
        else:
            found.append((*path, key))
    return found


def change(document: dict[str, Any], path: tuple[Any, ...], value: Any) -> None:
    place: Any = document
    for key in path[:-1]:
        place = place[key]
    if value == "DELETE":
        del place[path[-1]]
    else:
        place[path[-1]] = value


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_a_broken_pipeline_is_refused_or_runs(package: Package, data: st.DataObject):
    both = {"spec": copy.deepcopy(package[0]), "platform": copy.deepcopy(package[1])}
    for _ in range(data.draw(st.integers(1, 2))):
        path = data.draw(st.sampled_from(places(both)))
        if len(path) > 1:
            change(both, path, data.draw(JSON))
    spec, platform = both["spec"], both["platform"]
    try:
        validate(spec, platform, lambda _: None)
        check_parameters(spec, {})
    except InvalidInput:
        return
    executed_package((spec, platform), echo)
