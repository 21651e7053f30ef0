"""SageMaker's SDK v3, unchanged, in its own environment: trainer, pipeline, example."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
import uv

from flowmaker.executors import installer
from tests.house import House
from tests.wire.test_examples_sagemaker import EXAMPLES, register_image

SCRIPT = Path(__file__).with_name("sagemaker_sdk_v3_script.py")
PIPELINE = Path(__file__).with_name("sagemaker_pipeline_v3_script.py")
REQUIREMENTS = Path(__file__).with_name("sagemaker_sdk_v3.txt")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory, environments: Path) -> Path:
    """A Python with the SDK, of which is compiled what is imported: a third of it."""
    folder = tmp_path_factory.mktemp("sdk-v3") / "env"
    code, said = asyncio.run(_installed(folder, environments / ".cache"))
    if code != 0:
        pytest.skip(f"the SageMaker SDK v3 cannot be installed here: {said}")
    return folder / "bin" / "python"


async def _installed(folder: Path, cache: Path) -> tuple[int, str]:
    env = await installer.settings(cache)
    made = await installer.run(
        [uv.find_uv_bin(), "venv", "--no-project", "--python", sys.executable, folder], env
    )
    if made[0] != 0:
        return made
    install = ["pip", "install", "--no-deps", "--python", folder / "bin" / "python"]
    return await installer.run([uv.find_uv_bin(), *install, "-r", REQUIREMENTS], env)


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


def test_a_pipeline_of_the_sdk_v3(server: House, python: Path, tmp_path: Path) -> None:
    _, seen = server.run_script(PIPELINE, tmp_path, python=python)
    steps = dict.fromkeys(("Train", "Measure", "Check"), "Succeeded")
    assert seen["2"] == {"status": "Failed", "steps": {**steps, "Flat": "Failed"}}
    assert seen["3"] == {"status": "Succeeded", "steps": steps}


def test_the_sdk_v3_example(server: House, python: Path, tmp_path: Path) -> None:
    register_image(server)
    impatient = tmp_path / "impatient.py"
    impatient.write_text(
        "import runpy, time\n"
        "sleep = time.sleep\n"
        "time.sleep = lambda seconds: sleep(min(seconds, 0.2))\n"
        f"runpy.run_path({str(EXAMPLES / 'sdk_v3.py')!r}, run_name='__main__')\n"
        "print()\n"
        "print('null')\n"
    )
    printed, _ = server.run_script(impatient, tmp_path, python=python)
    said = [line for line in printed.splitlines() if " is right " in line]
    shares = [int(line.split("%")[0].split()[-1]) for line in said]
    assert len(shares) == 5, printed
    assert min(shares) >= 90
    assert "flowers of each kind: 0: 50, 1: 50, 2: 50" in printed
    sagemaker = server.client("sagemaker")
    best = printed.split("the best of 4 trainings, ")[1].split(" is ", 1)[1].split("\n")[0]
    tuned = sagemaker.describe_training_job(TrainingJobName=best)["TuningJobArn"]
    name = tuned.partition("/")[2]
    tuning = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    assert tuning["HyperParameterTuningJobStatus"] == "Completed"
    assert tuning["BestTrainingJob"]["TrainingJobName"] == best
    assert sagemaker.list_models(NameContains="flowers-")["Models"] == []
    assert sagemaker.list_endpoints(NameContains="flowers-")["Endpoints"] == []
    assert sagemaker.list_endpoint_configs(NameContains="flowers-")["EndpointConfigs"] == []
