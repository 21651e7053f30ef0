"""Results that are taken over, and all that must keep them from it."""

import copy
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from flowmaker.executors.executor import ProcessSpec
from flowmaker.pipelines.api import wire
from flowmaker.pipelines.records.run import Task
from tests.fakes.engine import Engine, OneEnvironment, engine
from tests.fakes.executor import FakeExecutor

DATASET = {"artifactType": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"}}
CACHED = {"cachingOptions": {"enableCache": True}}


def constant(value: Any) -> dict[str, Any]:
    return {"runtimeValue": {"constant": value}}


def package(**inputs: Any) -> Any:
    """A component that writes its output parameter `name` and its artifact `data`."""
    task = {"componentRef": {"name": "c"}, **CACHED}
    task["inputs"] = {"parameters": {name: constant(value) for name, value in inputs.items()}}
    parameters = {name: {"parameterType": "STRING"} for name in inputs}
    command = [
        "write",
        "{{$.outputs.parameters['name'].output_file}}",
        "{{$.outputs.artifacts['data'].path}}",
    ]
    return {
        "pipelineInfo": {"name": "p"},
        "root": {"dag": {"tasks": {"one": task}}},
        "components": {
            "c": {
                "executorLabel": "e",
                "inputDefinitions": {"parameters": parameters},
                "outputDefinitions": {
                    "parameters": {"name": {"parameterType": "STRING"}},
                    "artifacts": {"data": DATASET},
                },
            }
        },
        "deploymentSpec": {
            "executors": {"e": {"container": {"image": "python:3.11", "command": command}}}
        },
    }, {}


class World:
    """What ran; what its processes write; what there is outside."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runs = 0
        self.name = "a name"
        self.data: str | None = "some data"
        self.exit_code = 0
        self.outside: dict[str, str] = {}
        self.asks = False
        self.secrets: dict[str, dict[str, bytes]] = {}
        self.executor = FakeExecutor(folder / "jobs", program=self._write)

    def _write(self, spec: ProcessSpec) -> int | None:
        self.runs += 1
        Path(spec.argv[1]).write_text(self.name)
        if self.data is not None:
            Path(spec.argv[2]).write_text(self.data)
        return self.exit_code

    async def effects(self, outputs: Mapping[str, Any]) -> Mapping[str, str]:
        return {name: self.outside[name] for name in outputs if name in self.outside}

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[Engine]:
        async with engine(
            self.folder,
            self.executor,
            OneEnvironment(Path("/")),
            secrets=self.secrets,
            effects=self.effects,
            asked_for_identity=lambda _: self.asks,
        ) as made:
            yield made


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def one(made: Engine, run_id: str, spec: Any) -> Task:
    await made.submit(spec, run_id)
    await made.finished(run_id)
    return (await made.tasks(run_id))["one"]


def edited(spec: Any, **changes: Any) -> Any:
    made = copy.deepcopy(spec)
    made[0]["root"]["dag"]["tasks"]["one"].update(changes)
    return made


def container(spec: Any, **changes: Any) -> Any:
    made = copy.deepcopy(spec)
    made[0]["deploymentSpec"]["executors"]["e"]["container"].update(changes)
    return made


async def test_the_same_again_is_taken_over_without_a_process(world: World):
    async with world.engine() as made:
        first = await one(made, "run-1", package(n="1"))
        second = await one(made, "run-2", package(n="1"))
    assert world.runs == 1
    assert second.state == "SUCCEEDED"
    assert second.process_id == ""
    assert [change.state for change in second.state_history] == ["PENDING", "RUNNING", "SUCCEEDED"]
    assert second.outputs["parameters"] == {"name": "a name"}
    assert second.outputs["artifacts"] == first.outputs["artifacts"]
    assert "run-1" in second.outputs["artifacts"]["data"][0]["uri"]
    detail = wire.task_details([second])[0]
    assert detail["cached_from"] == {"run_id": "run-1", "task_id": first.task_id}


async def test_what_was_kept_outlives_the_server(world: World):
    async with world.engine() as made:
        await one(made, "run-1", package(n="1"))
    async with world.engine() as made:
        await one(made, "run-2", package(n="1"))
    assert world.runs == 1


SPEC = package(n="1")
OTHERS = {
    "another value": package(n="2"),
    "another input": package(m="1"),
    "no caching": edited(SPEC, cachingOptions={"enableCache": False}),
    "no caching, as protobuf writes it": edited(SPEC, cachingOptions={}),
    "another command": container(
        SPEC, command=[*SPEC[0]["deploymentSpec"]["executors"]["e"]["container"]["command"], "-v"]
    ),
    "another image": container(SPEC, image="python:3.12"),
    "another variable": container(SPEC, env=[{"name": "A", "value": "1"}]),
}


@pytest.mark.parametrize("name", OTHERS)
async def test_what_differs_runs(name: str, world: World):
    async with world.engine() as made:
        await one(made, "run-1", SPEC)
        task = await one(made, "run-2", OTHERS[name])
    assert world.runs == 2
    assert task.process_id


async def test_what_does_not_change_a_result_does_not_matter(world: World):
    renamed = edited(SPEC, taskInfo={"name": "another name"})
    async with world.engine() as made:
        await one(made, "run-1", SPEC)
        await one(made, "run-2", container(SPEC, resources={"memoryLimit": 1}))
        await one(made, "run-3", renamed)
    assert world.runs == 1


@pytest.mark.parametrize("state", ["gone", "changed", "more"])
async def test_a_result_whose_artifact_is_not_what_it_was_does_not_count(state: str, world: World):
    async with world.engine() as made:
        first = await one(made, "run-1", SPEC)
        uri = first.outputs["artifacts"]["data"][0]["uri"]
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        if state == "gone":
            await made.objects.delete(bucket, key)
        else:
            await _put(made, bucket, key if state == "changed" else f"{key}/more", "other")
        second = await one(made, "run-2", SPEC)
        third = await one(made, "run-3", SPEC)
    assert world.runs == 2
    assert "run-2" in second.outputs["artifacts"]["data"][0]["uri"]
    assert third.outputs["cached_from"]["run_id"] == "run-2"


async def test_a_failure_is_not_kept(world: World):
    async with world.engine() as made:
        world.exit_code = 1
        assert (await one(made, "run-1", SPEC)).state == "FAILED"
        world.exit_code = 0
        assert (await one(made, "run-2", SPEC)).state == "SUCCEEDED"
    assert world.runs == 2


@pytest.mark.parametrize("now", ["", "another"])
async def test_a_deployment_whose_endpoint_is_not_what_it_was_does_not_count(
    now: str, world: World
):
    world.asks = True
    world.outside = {"name": "in service"}
    async with world.engine() as made:
        await one(made, "run-1", SPEC)
        await one(made, "run-2", SPEC)
        assert world.runs == 1
        world.outside = {"name": now}
        await one(made, "run-3", SPEC)
    assert world.runs == 2


async def test_what_changed_something_that_no_output_names_is_not_kept(world: World):
    world.asks = True
    async with world.engine() as made:
        await one(made, "run-1", SPEC)
        await one(made, "run-2", SPEC)
    assert world.runs == 2


async def test_a_key_of_ones_own_is_all_that_counts(world: World):
    own = {"cachingOptions": {"enableCache": True, "cacheKey": "mine"}}
    other = {"cachingOptions": {"enableCache": True, "cacheKey": "other"}}
    async with world.engine() as made:
        await one(made, "run-1", edited(SPEC, **own))
        await one(made, "run-2", edited(package(n="2"), **own))
        assert world.runs == 1
        await one(made, "run-3", edited(SPEC, **other))
        assert world.runs == 2
        await one(made, "run-4", SPEC)
    assert world.runs == 3


async def test_what_is_at_an_s3_uri_among_the_inputs_counts(world: World):
    reads = package(training_data="s3://mlpipeline/in/")
    async with world.engine() as made:
        await made.objects.ensure_bucket("mlpipeline", owner="0", region="r")
        await _put(made, "mlpipeline", "in/a.csv", "1,2")
        await one(made, "run-1", reads)
        await one(made, "run-2", reads)
        assert world.runs == 1
        await _put(made, "mlpipeline", "in/a.csv", "1,3")
        await one(made, "run-3", reads)
    assert world.runs == 2


async def test_what_is_where_a_task_writes_does_not_count(world: World):
    writes = package(output_path="s3://mlpipeline/out/")
    async with world.engine() as made:
        await one(made, "run-1", writes)
        await _put(made, "mlpipeline", "out/model", "model")
        await one(made, "run-2", writes)
    assert world.runs == 1


async def test_an_s3_uri_among_the_outputs_counts_as_an_artifact(world: World):
    world.name = "s3://mlpipeline/model.tar.gz"
    world.asks = True
    async with world.engine() as made:
        await made.objects.ensure_bucket("mlpipeline", owner="0", region="r")
        await _put(made, "mlpipeline", "model.tar.gz", "model")
        await one(made, "run-1", SPEC)
        await one(made, "run-2", SPEC)
        assert world.runs == 1
        await made.objects.delete("mlpipeline", "model.tar.gz")
        await one(made, "run-3", SPEC)
    assert world.runs == 2


async def test_another_value_of_a_secret_counts(world: World):
    kubernetes = {"secretAsEnv": [{"secretName": "s", "keyToEnv": []}]}
    platform = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {"e": kubernetes}}}}}
    spec = package(n="1")[0], platform
    world.secrets = {"s": {"key": b"1"}}
    world.name = "s3://mlpipeline/model.tar.gz"
    async with world.engine() as made:
        await made.objects.ensure_bucket("mlpipeline", owner="0", region="r")
        await _put(made, "mlpipeline", "model.tar.gz", "model")
        await one(made, "run-1", spec)
        await one(made, "run-2", spec)
        assert world.runs == 1
        world.secrets["s"] = {"key": b"2"}
        await one(made, "run-3", spec)
    assert world.runs == 2


async def test_inputs_count_by_their_contents_not_by_their_names(world: World):
    spec = package(n="1")
    tasks = spec[0]["root"]["dag"]["tasks"]
    tasks["one"]["cachingOptions"] = {}
    tasks["two"] = {
        "componentRef": {"name": "reader"},
        "dependentTasks": ["one"],
        "inputs": {
            "artifacts": {
                "data": {"taskOutputArtifact": {"producerTask": "one", "outputArtifactKey": "data"}}
            }
        },
        **CACHED,
    }
    spec[0]["components"]["reader"] = {
        "executorLabel": "e",
        "inputDefinitions": {"artifacts": {"data": DATASET}},
        "outputDefinitions": spec[0]["components"]["c"]["outputDefinitions"],
    }
    async with world.engine() as made:
        ran: list[bool] = []
        for number, data in enumerate(["same", "same", "another", "same"]):
            world.data = data
            await one(made, f"run-{number}", spec)
            ran.append(bool((await made.tasks(f"run-{number}"))["two"].process_id))
    assert ran == [True, False, True, False]


async def _put(made: Engine, bucket: str, key: str, text: str) -> None:
    file = made.executor.folder("x").parent / "put"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    await made.objects.put_file(bucket, key, file)
