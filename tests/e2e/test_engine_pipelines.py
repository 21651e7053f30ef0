"""Real pipelines, compiled by the SDK, in real processes."""

# A component is a program of its own, which imports what it needs and opens files as users do.
# ruff: noqa: PTH103, PTH118, SIM115, E741, PLR0917

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from kfp import dsl, kubernetes
from kfp.dsl import Dataset, Input, Model, Output

from flowmaker.clock import SystemClock
from flowmaker.executors.local import LocalExecutor
from flowmaker.executors.room import Amount, Room
from flowmaker.pipelines.records.run import RuntimeState
from tests.fakes.compiled import compiled
from tests.fakes.engine import Engine, OneEnvironment, engine

#: The environment of the tests has kfp, which is all that these components need.
ENVIRONMENT = Path(sys.prefix)
SECRETS = {"aws-secret": {"id": b"AKIA", "key": b"s3cr3t"}}


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Engine]:
    executor = LocalExecutor(tmp_path / "jobs", tmp_path / "run", SystemClock())
    await executor.start()
    room = Room(Amount(millicores=4000, memory=16 << 30))
    environment = OneEnvironment(ENVIRONMENT)
    async with engine(tmp_path, executor, environment, secrets=SECRETS, room=room) as made:
        yield made
    await executor.close()


async def log(running: Engine, run_id: str, name: str) -> str:
    task = (await running.tasks(run_id))[name]
    return running.executor.log(task.process_id).read_text()


@dsl.component(base_image="python:3.11")
def types(
    n: int, f: float, s: str, b: bool, l: list, d: dict, given: str = "by default"
) -> NamedTuple(  # type: ignore[valid-type]
    "Outputs", [("n", int), ("f", float), ("s", str), ("b", bool), ("l", list), ("d", dict)]
):
    assert [type(each) for each in (n, f, s, b, l, d)] == [int, float, str, bool, list, dict]
    assert given == "by default"
    return n, f, s, b, l, d  # type: ignore[return-value]


@dsl.component(base_image="python:3.11")
def make(text: str, data: Output[Dataset], folder: Output[Model], apart: Output[Dataset]) -> str:
    import os

    with open(data.path, "w") as file:
        file.write(text)
    data.metadata["rows"] = 7
    os.makedirs(os.path.join(folder.path, "deep"))
    for name in ("a", "deep/b"):
        with open(os.path.join(folder.path, name), "w") as file:
            file.write(name)
    apart.set_path("/tmp/apart")
    with open("/tmp/apart", "w") as file:
        file.write("apart")
    return data.uri


@dsl.component(base_image="python:3.11")
def read(data: Input[Dataset], folder: Input[Model], apart: Input[Dataset]) -> str:
    import os

    parts = [open(data.path).read(), open(os.path.join(folder.path, "deep", "b")).read()]
    return " ".join([*parts, open(apart.path).read(), str(data.metadata["rows"])])


@dsl.container_component
def shell(
    text: str,
    data: Input[Dataset],
    model: Output[Model],
    said: dsl.OutputPath(str),  # type: ignore[valid-type]
    absent: str = None,  # type: ignore[assignment] # noqa: RUF013
):
    return dsl.ContainerSpec(
        image="python:3.11",
        command=["sh", "-c", 'cat "$0" > "$1"; mkdir "$2"; cp "$0" "$2/f"; shift 2; echo "$@"'],
        args=[
            data.path,
            said,
            model.path,
            dsl.ConcatPlaceholder(["text=", text]),
            dsl.IfPresentPlaceholder("absent", then=["--absent", absent], else_=["none"]),
        ],
    )


@dsl.component(base_image="python:3.11")
def environment() -> dict:
    import os

    return dict(os.environ)


@dsl.component(base_image="python:3.11")
def fail(message: str):
    raise ValueError(message)


@dsl.component(base_image="python:3.11")
def sleep_for_ever():
    import time

    print("asleep", flush=True)
    time.sleep(1000)


@dsl.pipeline(name="inner")
def inner(text: str) -> str:
    made = make(text=text)
    return read(
        data=made.outputs["data"], folder=made.outputs["folder"], apart=made.outputs["apart"]
    ).output


async def test_values_of_every_type_go_in_and_out(running: Engine, tmp_path: Path):
    @dsl.pipeline(name="values")
    def pipeline(n: int = 3, f: float = 2.0, d: dict = {"k": [1, 2.5]}):  # noqa: B006
        first = types(n=n, f=f, s="s", b=True, l=[1, "x"], d=d)
        second = types(**{name: first.outputs[name] for name in "nfsbld"})
        second.set_display_name("The second")

    run_id = await running.submit(compiled(pipeline, tmp_path), parameters={"f": 4.0})
    run = await running.finished(run_id)
    assert run.error == ""
    tasks = await running.tasks(run_id)
    assert tasks["types-2"].display_name == "The second"
    assert tasks["types-2"].outputs["parameters"] == {
        "n": 3,
        "f": 4.0,
        "s": "s",
        "b": True,
        "l": [1, "x"],
        "d": {"k": [1, 2.5]},
    }
    assert [change.state for change in run.state_history] == ["RUNNING", "SUCCEEDED"]


async def test_artifacts_go_through_nested_pipelines_and_containers(
    running: Engine, tmp_path: Path
):
    @dsl.pipeline(name="outer")
    def pipeline():
        nested = inner(text="hello")
        made = make(text=f"got {nested.output}")
        shell(text="x", data=made.outputs["data"])

    run_id = await running.submit(compiled(pipeline, tmp_path))
    run = await running.finished(run_id)
    assert run.error == ""
    tasks = await running.tasks(run_id)
    assert tasks["inner"].outputs["parameters"] == {"Output": "hello deep/b apart 7"}
    assert tasks["shell"].outputs["parameters"] == {"said": "got hello deep/b apart 7"}
    assert "text=x none\n" in await log(running, run_id, "shell")
    (model,) = tasks["shell"].outputs["artifacts"]["model"]
    assert model["type"]["schemaTitle"] == "system.Model"
    bucket, _, key = model["uri"].removeprefix("s3://").partition("/")
    assert key.startswith("v2/artifacts/outer/run-1/shell/")
    stored = await running.objects.get(bucket, f"{key}/f")
    assert stored is not None
    assert running.objects.path(stored).read_text() == "got hello deep/b apart 7"


async def test_the_environment_of_a_task(running: Engine, tmp_path: Path):
    @dsl.pipeline(name="environments")
    def pipeline(secret: str = "aws-secret"):
        one = environment().set_env_variable("A", "1").set_memory_limit("2G").set_cpu_request("1")
        kubernetes.use_secret_as_env(one, secret, {"id": "AWS_ACCESS_KEY_ID"})
        kubernetes.use_secret_as_env(one, "not-there", {"id": "NOTHING"}, optional=True)

    run_id = await running.submit(compiled(pipeline, tmp_path))
    run = await running.finished(run_id)
    assert run.error == ""
    task = (await running.tasks(run_id))["environment"]
    env = task.outputs["parameters"]["Output"]
    assert env["A"] == "1"
    assert env["AWS_ACCESS_KEY_ID"] == "AKIA"
    assert "NOTHING" not in env
    assert env["KF_PIPELINES_ENDPOINT"] == "http://127.0.0.1:1"
    assert env["AWS_CONTAINER_AUTHORIZATION_TOKEN"] == f"of {task.task_id}"
    assert set(os.environ) - {"PATH", "HOME", "LANG", "TZ"} - set(env)
    first_lines = (await log(running, run_id, "environment")).splitlines()[:2]
    assert first_lines == [
        "[flowmaker] Python of the tests",
        "[flowmaker] asks for 1 core and 1.86 GiB of this machine's 4 cores and 16 GiB",
    ]


async def test_a_failure_is_explained_by_the_end_of_its_log(running: Engine, tmp_path: Path):
    @dsl.pipeline(name="failing")
    def pipeline():
        fail(message="the oven is cold").after(fail(message="never").after(environment()))

    @dsl.pipeline(name="around")
    def around():
        pipeline()

    run_id = await running.submit(compiled(around, tmp_path))
    run = await running.finished(run_id)
    assert run.state is RuntimeState.FAILED
    assert run.error.startswith("Task 'fail-2' failed: ValueError: never\nExit code 1 (component")
    assert "Its log ends:\nTraceback" in run.error
    assert f"flowmaker debug {run_id} " in run.error
    assert "fail" not in await running.tasks(run_id)


@pytest.mark.parametrize(
    ("name", "key", "said"),
    [
        ("not-there", "id", "Secret 'not-there' not found in namespace kubeflow. Create it with"),
        ("aws-secret", "idd", "Secret 'aws-secret' has no key 'idd'; its keys: id, key"),
    ],
)
async def test_a_missing_secret_is_named(
    running: Engine, tmp_path: Path, name: str, key: str, said: str
):
    @dsl.pipeline(name="secretive")
    def pipeline():
        kubernetes.use_secret_as_env(environment(), name, {key: "A"})

    run = await running.finished(await running.submit(compiled(pipeline, tmp_path)))
    assert run.state is RuntimeState.FAILED
    assert said in run.error


async def test_an_output_that_was_not_given_fails_the_task(running: Engine, tmp_path: Path):
    @dsl.container_component
    def silent(said: dsl.OutputPath(int)):  # type: ignore[valid-type]
        return dsl.ContainerSpec(image="python:3.11", command=["true"], args=[said])

    run = await running.finished(await running.submit(compiled(silent, tmp_path)))
    why = "The task ended without giving output parameter 'said' (component comp-silent"
    assert run.error.startswith(f"Task 'silent' failed: {why}")
    assert "It printed nothing" in run.error


async def test_termination_ends_what_runs(running: Engine, tmp_path: Path):
    @dsl.pipeline(name="sleepy")
    def pipeline():
        environment().after(sleep_for_ever())

    run_id = await running.submit(compiled(pipeline, tmp_path))
    while "asleep" not in await maybe_log(running, run_id, "sleep-for-ever"):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await running.terminate(run_id)
    run = await running.finished(run_id)
    states = {name: task.state for name, task in (await running.tasks(run_id)).items()}
    assert states == {"root": "CANCELED", "sleep-for-ever": "CANCELED"}
    assert [change.state for change in run.state_history] == ["RUNNING", "CANCELING", "CANCELED"]


async def maybe_log(running: Engine, run_id: str, name: str) -> str:
    task = (await running.tasks(run_id)).get(name)
    if task is None or not task.process_id:
        return ""
    file = running.executor.log(task.process_id)
    return file.read_text() if file.exists() else ""


async def test_wrong_parameters_fail_the_run_in_words(running: Engine, tmp_path: Path):
    @dsl.pipeline(name="typed")
    def pipeline(n: int):
        fail(message=f"{n}")

    parameters: dict[str, Any] = json.loads('{"n": "three"}')
    run_id = await running.submit(compiled(pipeline, tmp_path), parameters=parameters)
    run = await running.finished(run_id)
    assert (
        run.error == "Parameter 'n' is of type NUMBER_INTEGER, but its value is 'three', a string"
    )


@dsl.component(base_image="python:3.11")
def count_letters(texts: list[Dataset]) -> int:
    return sum(len(open(each.path).read()) for each in texts)


@dsl.component(base_image="python:3.11")
def write(text: str, data: Output[Dataset]):
    with open(data.path, "w") as file:
        file.write(text)


@dsl.component(base_image="python:3.11")
def third_time() -> str:
    import os

    attempt = os.environ["KFP_POD_NAME"].rpartition("-")[2]
    if attempt != "3":
        raise RuntimeError(f"attempt {attempt}")
    return attempt


async def test_loops_branches_and_retries(running: Engine, tmp_path: Path):
    @dsl.pipeline(name="control")
    def pipeline(words: list = ["a", "bc", "def"]):  # noqa: B006
        with dsl.ParallelFor(words) as word:
            written = write(text=word)
        letters = count_letters(texts=dsl.Collected(written.outputs["data"]))
        with dsl.If(letters.output == 6):
            third_time().set_retry(4)
        with dsl.Else():
            fail(message="it miscounted")

    spec, platform = compiled(pipeline, tmp_path)
    retried = spec["components"]["comp-condition-3"]["dag"]["tasks"]["third-time"]
    retried["retryPolicy"]["backoffDuration"] = "0.1s"
    run_id = await running.submit((spec, platform))
    run = await running.finished(run_id)
    assert run.error == ""
    tasks = await running.tasks(run_id)
    assert tasks["count-letters"].outputs["parameters"] == {"Output": 6}
    assert tasks["third-time"].outputs["parameters"] == {"Output": "3"}
    assert tasks["condition-4"].state is RuntimeState.SKIPPED


async def test_a_command_of_another_shape_runs_as_it_stands(running: Engine, tmp_path: Path):
    """It starts `kfp.dsl.executor_main` by itself, as a containerised component does."""

    @dsl.pipeline(name="byhand")
    def pipeline():
        made = write(text="hello")
        count = count_letters_of(data=made.outputs["data"])
        count.set_display_name("count")

    spec, platform = compiled(pipeline, tmp_path)
    for executor in spec["deploymentSpec"]["executors"].values():
        *_, shell, flag, run, source = executor["container"]["command"]
        executor["container"]["command"] = [shell, flag, f"{run}\n# by hand\n", source]
    run_id = await running.submit((spec, platform))
    run = await running.finished(run_id)
    assert run.error == ""
    tasks = await running.tasks(run_id)
    assert tasks["count-letters-of"].outputs["parameters"] == {"Output": 5}
    (data,) = tasks["write"].outputs["artifacts"]["data"]
    assert data["uri"].startswith("s3://mlpipeline/v2/artifacts/byhand/run-1/write/")


@dsl.component(base_image="python:3.11")
def count_letters_of(data: Input[Dataset]) -> int:
    return len(open(data.path).read())
