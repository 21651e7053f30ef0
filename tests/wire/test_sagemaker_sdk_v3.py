"""SageMaker's SDK v3, unchanged, in an environment of its own: its ModelTrainer, its tuner."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from flowmaker.clock import SystemClock
from flowmaker.executors.environments import UvEnvironments
from flowmaker.executors.executor import EnvironmentFailed, EnvironmentSpec
from tests.house import House

SCRIPT = Path(__file__).with_name("sagemaker_sdk_v3_script.py")
REQUIREMENTS = Path(__file__).with_name("sagemaker_sdk_v3.txt")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with the SDK."""
    folder = tmp_path_factory.mktemp("sdk-v3")
    lines = REQUIREMENTS.read_text().splitlines()
    listed = tuple(line for line in lines if not line.startswith("#"))
    try:
        made = asyncio.run(_made(folder, EnvironmentSpec(no_deps=listed)))
    except EnvironmentFailed as error:
        pytest.skip(f"the SageMaker SDK v3 cannot be installed here: {error.message}")
    return made / "bin" / "python"


async def _made(folder: Path, spec: EnvironmentSpec) -> Path:
    environments = UvEnvironments(folder / "envs", folder / "programs", SystemClock())
    await environments.start()
    done = asyncio.Event()
    while (path := environments.ready(spec, done.set)) is None:
        await asyncio.wait_for(done.wait(), 200)
        done.clear()
    await environments.close()
    return path


@pytest.fixture(scope="module")
def ran(
    server: House, python: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, dict[str, Any]]:
    return server.run_script(SCRIPT, tmp_path_factory.mktemp("sdk"), python=python)


def test_model_trainer_runs_a_script_on_two_instances(
    ran: tuple[str, dict[str, Any]], server: House
) -> None:
    _, seen = ran
    assert seen["status"] == "Completed"
    assert seen["model"].endswith("/output/model.tar.gz")
    logs = server.client("logs")
    streams = {"logGroupName": "/aws/sagemaker/TrainingJobs", "logStreamNamePrefix": seen["job"]}
    printed = {event["message"] for event in logs.filter_log_events(**streams)["events"]}
    assert {f"trained on algo-{number} with depth 3" for number in (1, 2)} <= printed


def test_a_tuner_finds_the_best(ran: tuple[str, dict[str, Any]]) -> None:
    tuned = ran[1]["tuned"]
    assert tuned["status"] == "Completed"
    assert len(tuned["values"]) == 2
    assert tuned["best"].startswith(f"{tuned['job']}-00")
