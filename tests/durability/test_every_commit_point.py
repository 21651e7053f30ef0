"""Killed before and after each thing that outlives a server, a run ends as if it had not been.

Some of the points are tried, others each time; `FLOWMAKER_TEST_POINTS=all` tries every one.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl

from flowmaker.clock import SystemClock
from flowmaker.executors import sandbox
from flowmaker.executors.local import LocalExecutor
from tests.fakes.compiled import compiled
from tests.fakes.engine import OneEnvironment, engine

PROGRAM = Path(__file__).with_name("killed_engine.py")
#: Which points are tried: every so many-th, beginning with another one each time.
STRIDE = 1 if os.environ.get("FLOWMAKER_TEST_POINTS") == "all" else 13
FIRST = int(os.environ.get("FLOWMAKER_TEST_SEED", time.time_ns() % 100_000)) % STRIDE + 1
SIDE_BY_SIDE = 2


@dsl.component(base_image="python:3.11")
def known(text: str, data: dsl.Output[dsl.Dataset]) -> str:
    print("this is one execution")
    with open(data.path, "w") as file:
        file.write(text)
    return text.upper()


@dsl.component(base_image="python:3.11")
def fails_at_first(text: str) -> str:
    import os
    import sys

    print("this is one execution")
    if os.environ["KFP_POD_NAME"].endswith("-1"):
        sys.exit("not yet")
    return f"{text}, at last"


@dsl.component(base_image="python:3.11")
def measure(number: int, data: dsl.Input[dsl.Dataset], copy: dsl.Output[dsl.Dataset]) -> int:
    print("this is one execution")
    with open(data.path) as file, open(copy.path, "w") as target:
        target.write(file.read() * number)
    return number * 10


@dsl.component(base_image="python:3.11")
def total(numbers: list[int]) -> int:
    print("this is one execution")
    return sum(numbers)


@dsl.component(base_image="python:3.11")
def last_words(status: dsl.PipelineTaskFinalStatus) -> str:
    print("this is one execution")
    return status.state


@dsl.pipeline(name="before")
def before():
    known(text="a text")


@dsl.pipeline(name="everything")
def everything():
    with dsl.ExitHandler(last_words()):
        cached = known(text="a text")
        retried = fails_at_first(text=cached.outputs["Output"]).set_retry(num_retries=2)
        imported = dsl.importer(
            artifact_uri="s3://mlpipeline/seed/data", artifact_class=dsl.Dataset
        )
        with dsl.If(cached.outputs["Output"] == "A TEXT"):
            with dsl.ParallelFor([1, 2]) as number:
                measured = measure(number=number, data=imported.output)
            total(numbers=dsl.Collected(measured.outputs["Output"]))
        with dsl.If(retried.output == "never"):
            total(numbers=[1])


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a result in the cache and an object to import."""
    folder = tmp_path_factory.mktemp("seed")
    asyncio.run(_prepare(folder))
    package, platform = compiled(everything, folder)
    assert not platform
    (folder / "package.json").write_text(json.dumps(package))
    return folder


async def _prepare(folder: Path) -> None:
    executor = LocalExecutor(
        folder / "jobs", folder / "run", SystemClock(), levels=sandbox.Levels()
    )
    await executor.start()
    async with engine(folder, executor, OneEnvironment(Path(sys.prefix))) as made:
        await made.submit(compiled(before, folder), "run-0")
        assert (await made.finished("run-0")).state == "SUCCEEDED"
        file = folder / "data"
        file.write_text("data")
        await made.objects.put_file("mlpipeline", "seed/data", file)
    await executor.close()


@pytest.fixture(scope="module")
def unkilled(seed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return _tried(seed, tmp_path_factory.mktemp("unkilled"), ["0"])[0]


def test_the_run_has_everything_in_it(unkilled: dict[str, Any]):
    assert unkilled["run"][0] == "SUCCEEDED"
    states = {task[0]: task[2][-1] for task in unkilled["tasks"].values()}
    assert sorted(set(states.values())) == ["SKIPPED", "SUCCEEDED"]
    attempts = {name.rpartition("-")[2] for name in unkilled["executions"]}
    assert attempts == {"1", "2"}
    (cached,) = (task for task in unkilled["tasks"].values() if task[0] == "known")
    assert cached[4]["cached_from"]["run_id"] == "run-0"
    # The one of run-0, two attempts, two iterations, their sum and the exit handler.
    assert list(unkilled["executions"].values()) == [1] * 7


@pytest.mark.timeout(600)
def test_killed_at_a_point_it_ends_as_if_it_had_not_been(
    seed: Path, unkilled: dict[str, Any], tmp_path: Path
):
    points = FIRST
    while True:
        batch = [str(points + number * STRIDE) for number in range(2 * SIDE_BY_SIDE)]
        tried = _tried(seed, tmp_path, batch)
        for each in tried:
            _same(each, unkilled)
        if not all(each["kills"] for each in tried):
            break
        points += len(batch) * STRIDE
    assert points > FIRST, "no point was passed"


def test_killed_after_each_commit_it_ends_as_if_it_had_not_been(
    seed: Path, unkilled: dict[str, Any], tmp_path: Path
):
    (each,) = _tried(seed, tmp_path, ["every"])
    assert each["kills"] > 3
    _same(each, unkilled)


def _same(tried: dict[str, Any], unkilled: dict[str, Any]) -> None:
    where = f"killed {tried['at']}, point {tried['point']}"
    for what in ("run", "tasks", "executions"):
        assert tried[what] == unkilled[what], where


def _tried(seed: Path, folder: Path, points: list[str]) -> list[dict[str, Any]]:
    programs = [
        subprocess.Popen(
            [sys.executable, str(PROGRAM), str(seed), str(folder), *share],
            stdout=subprocess.PIPE,
            text=True,
        )
        for share in _shares(points)
    ]
    shown = [program.communicate()[0] for program in programs]
    assert [program.returncode for program in programs] == [0] * len(programs)
    return [json.loads(line) for text in shown for line in text.splitlines()]


def _shares(points: list[str]) -> Iterable[list[str]]:
    return [share for first in range(SIDE_BY_SIDE) if (share := points[first::SIDE_BY_SIDE])]
