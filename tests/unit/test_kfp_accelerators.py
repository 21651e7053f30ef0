"""Tasks that ask for accelerators: how many run, which devices each has, what they are told."""

from pathlib import Path
from typing import Any

import pytest

from flowmaker.executors.machine import capacity
from flowmaker.executors.room import Amount, Room
from flowmaker.pipelines.records.run import RuntimeState
from tests.fakes.engine import Engine
from tests.fakes.executor import FakeExecutor
from tests.unit.test_kfp_lifecycle_controller import quiet, until
from tests.unit.test_kfp_room import asking, house, started, states

GPU = "nvidia.com/gpu"


def machine(**kinds: int) -> Room:
    named = {name.replace("_", ".com/"): count for name, count in kinds.items()}
    return Room(Amount(millicores=4000, memory=8 << 30, accelerators=named))


def pipeline(kind: str = GPU, **counts: str) -> Any:
    """A task for each name, with so many accelerators."""
    wanted = {name: {"resourceType": kind, "resourceCount": n} for name, n in counts.items()}
    return asking({name: {"accelerator": each} for name, each in wanted.items()})


@pytest.fixture
def executor(tmp_path: Path) -> FakeExecutor:
    return FakeExecutor(tmp_path / "jobs")


def given(executor: FakeExecutor, variable: str = "CUDA_VISIBLE_DEVICES") -> list[str]:
    """What those that were started were told, in that order."""
    return [spec.env.get(variable, "") for spec in executor.started.values()]


async def end_first(executor: FakeExecutor) -> None:
    running = [each for each in executor.started if executor.observations[each].outcome is None]
    executor.finish(running[0])


async def test_each_task_has_devices_of_its_own(tmp_path: Path, executor: FakeExecutor) -> None:
    async with house(tmp_path, executor, machine(nvidia_gpu=3)) as made:
        for number, count in enumerate(("2", "1", "1"), 1):
            await made.submit(pipeline(a=count), run_id=f"run-{number}")
            await quiet(made)
        assert given(executor) == ["0,1", "2"]
        assert (await states(made, "run-3")) == {"a": "PENDING"}
        await end_first(executor)
        await until(lambda: len(executor.started) == 3)
        assert given(executor)[2] == "0"
        for _ in range(2):
            await end_first(executor)
        assert (await made.finished("run-3")).state is RuntimeState.SUCCEEDED


async def test_what_ran_before_a_restart_keeps_its_devices(
    tmp_path: Path, executor: FakeExecutor
) -> None:
    room = machine(nvidia_gpu=2)
    async with house(tmp_path, executor, room) as made:
        await made.submit(pipeline(a="1", b="1"))
        await until(lambda: len(executor.started) == 2)
        await end_first(executor)
        await until(lambda: len(room.held()) == 1)
    async with house(tmp_path, executor, machine(nvidia_gpu=2)) as made:
        await made.submit(pipeline(c="1"), run_id="run-2")
        await until(lambda: len(executor.started) == 3)
        assert given(executor) == ["0", "1", "0"]


async def test_more_than_there_are_fails_the_task_with_the_way_out(
    tmp_path: Path, executor: FakeExecutor
) -> None:
    """As when the server is started anew with less, or when a parameter says how many."""
    async with house(tmp_path, executor, machine(nvidia_gpu=1)) as made:
        await made.submit(pipeline(a="2"))
        assert (await made.finished("run-1")).state is RuntimeState.FAILED
        assert "asks for 2 nvidia.com/gpu, and this machine has 1" in await _error(made)
    assert not executor.started


async def test_a_kind_without_a_variable_is_counted(tmp_path: Path, executor: FakeExecutor) -> None:
    async with house(tmp_path, executor, machine(example_npu=1)) as made:
        await made.submit(pipeline("example.com/npu", a="1", b="1"))
        await until(lambda: executor.started)
        await quiet(made)
        assert await started(made, executor) in (["a"], ["b"])
        assert given(executor) == [""]


async def _error(made: Engine) -> str:
    return str((await made.tasks("run-1"))["a"].error)


def test_nvidias_driver_is_asked_what_there_is(tmp_path: Path) -> None:
    assert capacity(nvidia=tmp_path / "absent").accelerators == {}
    for device in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / device).mkdir()
    assert capacity(nvidia=tmp_path).accelerators == {GPU: 2}
    assert capacity(accelerators={GPU: 1}, nvidia=tmp_path).accelerators == {GPU: 1}


def test_what_is_in_use_is_said() -> None:
    assert str(Amount(millicores=1000, accelerators={GPU: 2})) == "1 core and 2 nvidia.com/gpu"
    assert machine(nvidia_gpu=2).in_use() == "0 of 4 cores and 0 GiB of 8 GiB and 0 of 2 " + GPU
    twice = Amount(accelerators={GPU: 1}) * 2
    assert twice == Amount(accelerators={GPU: 1}) + Amount(accelerators={GPU: 1})
    assert twice.lacks(Amount(accelerators={GPU: 1})) == GPU
    assert not twice.lacks(Amount(accelerators={GPU: 2}))
