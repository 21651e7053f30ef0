"""What a task costs does not depend on how many there are: counted in calls, not in seconds."""

import cProfile
import json
from pathlib import Path
from typing import Any

import pytest

from flowmaker.pipelines.records.run import RuntimeState
from tests.fakes.engine import OneEnvironment, engine
from tests.fakes.executor import FakeExecutor

#: Calls per task in a large run, over those in a small one, at most.
GROWTH = 1.2
SMALL, LARGE = 20, 240


def loop(count: int, limit: int = 0) -> dict[str, Any]:
    """A loop over numbers, whose body is one container."""
    return {
        "componentRef": {"name": "body"},
        "parameterIterator": {
            "itemInput": "item",
            "items": {"raw": json.dumps(list(range(count)))},
        },
        "iteratorPolicy": {"parallelismLimit": limit},
    }


def spec_of(tasks: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    item = {"parameters": {"item": {"parameterType": "NUMBER_INTEGER"}}}
    container = {"container": {"image": "python:3.11", "command": ["true"]}}
    return {
        "pipelineInfo": {"name": "p"},
        "root": {"dag": {"tasks": tasks}},
        "components": {
            "leaf": {"executorLabel": "e"},
            "body": {"inputDefinitions": item, "dag": {"tasks": body}},
        },
        "deploymentSpec": {"executors": {"e": container}},
    }


LEAF = {"componentRef": {"name": "leaf"}}
SKIPPED = {**LEAF, "triggerPolicy": {"condition": "false"}}


def fan_out(count: int) -> dict[str, Any]:
    return spec_of({"loop": loop(count)}, {"leaf": LEAF})


def bounded_fan_out(count: int) -> dict[str, Any]:
    return spec_of({"loop": loop(count, limit=5)}, {"leaf": LEAF})


def skipped_fan_out(count: int) -> dict[str, Any]:
    return spec_of({"loop": loop(count)}, {"leaf": SKIPPED})


def chain(count: int) -> dict[str, Any]:
    tasks = {
        f"t{number}": {**LEAF, "dependentTasks": [f"t{number - 1}"] if number else []}
        for number in range(count)
    }
    return spec_of(tasks, {"leaf": LEAF})


@pytest.mark.parametrize("shape", [fan_out, bounded_fan_out, skipped_fan_out, chain])
async def test_a_task_costs_the_same_in_a_run_of_any_size(tmp_path: Path, shape: Any):
    small = await _calls(tmp_path / "small", shape(SMALL)) / SMALL
    large = await _calls(tmp_path / "large", shape(LARGE)) / LARGE
    assert large < GROWTH * small


async def _calls(folder: Path, spec: dict[str, Any]) -> int:
    """Calls of functions that decide and control, from the run to its end."""
    executor = FakeExecutor(folder / "jobs", program=lambda _: 0)
    profile = cProfile.Profile()
    async with engine(folder, executor, OneEnvironment(Path("/"))) as made:
        profile.enable()
        await made.submit((spec, {}))
        ended = await made.finished("run-1", seconds=100)
        profile.disable()
    assert ended.state is RuntimeState.SUCCEEDED
    return sum(entry.callcount for entry in profile.getstats() if _is_ours(entry.code))


def _is_ours(code: Any) -> bool:
    """Not what this test does while it waits."""
    name = getattr(code, "co_filename", "")
    return any(f"/pipelines/{part}/" in name for part in ("lifecycle", "driver", "controllers"))
