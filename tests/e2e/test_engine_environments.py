"""Lightweight components in environments that are made for them."""

from pathlib import Path

import kfp
import pytest
from kfp import dsl

from flowmaker.clock import SystemClock
from flowmaker.executors.environments import UvEnvironments
from flowmaker.executors.local import LocalExecutor
from flowmaker.pipelines.records.run import RuntimeState
from tests.fakes.compiled import compiled
from tests.fakes.engine import engine

pytestmark = pytest.mark.slow


@dsl.component(base_image="python:3.11", packages_to_install=["iniconfig==2.0.0"])
def versions() -> dict:
    from importlib.metadata import distributions

    return {each.name: each.version for each in distributions()}


@dsl.component(base_image="python:3.11", packages_to_install=["iniconfig==0.0.0.404"])
def impossible():
    pass


async def test_a_component_gets_the_packages_that_it_names_and_no_others(
    tmp_path: Path, environments: Path
):
    @dsl.pipeline(name="packages")
    def pipeline():
        versions()
        impossible()

    executor = LocalExecutor(tmp_path / "jobs", tmp_path / "run", SystemClock())
    packages = UvEnvironments(environments, environments / "programs", SystemClock())
    await executor.start()
    await packages.start()
    async with engine(tmp_path, executor, packages) as made:
        run_id = await made.submit(compiled(pipeline, tmp_path))
        run = await made.finished(run_id)
        tasks = await made.tasks(run_id)
    await packages.close()
    await executor.close()
    found = tasks["versions"].outputs["parameters"]["Output"]
    assert found["iniconfig"] == "2.0.0"
    assert found["kfp"] == kfp.__version__
    assert "boto3" not in found
    assert "kubernetes" not in found
    assert run.state is RuntimeState.FAILED
    assert "iniconfig==0.0.0.404" in run.error
