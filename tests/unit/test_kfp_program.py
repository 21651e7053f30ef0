"""Where a task is to leave what."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from kfp import dsl

from flowmaker.pipelines.driver.job import Job
from flowmaker.pipelines.driver.program import program_of
from flowmaker.pipelines.ir.graph import Graph, graph_of
from flowmaker.pipelines.records.run import Task, TaskKind
from tests.fakes.compiled import compiled

JOB = Job(run_id="r", name="r", pipeline="p", root="s3://b", created_at="", scheduled_at="")


@dsl.component(base_image="python:3.11")
def adds(number: int) -> int:
    return number + 1


@dsl.component(base_image="python:3.11")
def says_where() -> str:
    return dsl.get_uri("mine")


@dsl.component(base_image="python:3.11")
def makes(made: dsl.Output[dsl.Dataset]):
    Path(made.path).touch()


@dsl.container_component
def prints():
    return dsl.ContainerSpec(image="python:3.11", command=["echo"])


@dsl.pipeline(name="p")
def pipeline():
    adds(number=1)
    says_where()
    makes()
    prints()


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    return graph_of(*compiled(pipeline, tmp_path_factory.mktemp("package")))


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("adds", "/w/outputs"),
        # `dsl.get_uri` answers by the folder of the file; artifacts lie beside it.
        ("says-where", "/w/s3/b/p/r/says-where/t"),
        ("makes", "/w/s3/b/p/r/makes/t"),
        ("prints", "/w/s3/b/p/r/prints/t"),
    ],
)
def test_the_executors_output_is_in_a_deep_folder_only_where_that_says_something(
    graph: Graph, name: str, folder: str
) -> None:
    task = Task(
        task_id="t",
        run_id="r",
        parent_task_id="",
        name=name,
        kind=TaskKind.CONTAINER,
        component=f"comp-{name}",
        created_at=datetime.now(UTC),
        inputs={"parameters": {}, "artifacts": {}},
    )
    program = program_of(task, graph.component(task.component), JOB, "/w", {})
    assert program.output_file == f"{folder}/executor_output.json"
