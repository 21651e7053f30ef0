"""Script mode's source folder: where it comes from, and who may read it."""

import io
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from flowmaker.aws.errors import AwsError
from flowmaker.executors.executor import ProcessSpec
from tests.fakes.sagemaker import Bench, bench, channel, opt_ml, training_request

ACCOUNT = "141502667606.dkr.ecr.eu-west-1.amazonaws.com"
SKLEARN = f"{ACCOUNT}/sagemaker-scikit-learn:1.2-1-cpu-py3"


def archive() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        entry = tarfile.TarInfo("train.py")
        entry.size = 4
        tar.addfile(entry, io.BytesIO(b"pass"))
    return made.getvalue()


class Player:
    """What each process found as its source folder."""

    def __init__(self) -> None:
        self.specs: list[ProcessSpec] = []
        self.found: list[list[str]] = []

    def __call__(self, spec: ProcessSpec) -> int:
        self.specs.append(spec)
        code = opt_ml(spec) / "code"
        self.found.append(sorted(one.name for one in code.iterdir()) if code.exists() else [])
        return 0


@pytest.fixture
def player() -> Player:
    return Player()


@pytest.fixture
async def at(tmp_path: Path, player: Player) -> AsyncIterator[Bench]:
    for name in ("lib/python3.11/site-packages", "bin"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "pyvenv.cfg").touch()
    async with bench(tmp_path, player) as made:
        await made.put("train/a.csv", b"1,2\n")
        await made.put("code/sourcedir.tar.gz", archive())
        yield made


def request(directory: str = "s3://data/code/sourcedir.tar.gz", **changes: Any) -> dict[str, Any]:
    specification = {"TrainingInputMode": "File", "TrainingImage": SKLEARN}
    hyperparameters = {
        "sagemaker_submit_directory": f'"{directory}"',
        "sagemaker_program": '"train.py"',
    }
    return (
        training_request(AlgorithmSpecification=specification, HyperParameters=hyperparameters)
        | changes
    )


async def ended(at: Bench) -> Any:
    return await at.until(
        lambda: at.ask("DescribeTrainingJob", TrainingJobName="Job-1"),
        lambda job: job["TrainingJobStatus"] in {"Completed", "Failed"},
    )


async def test_every_instance_has_it(at: Bench, player: Player) -> None:
    two = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1}
    await at.ask("CreateTrainingJob", **request(ResourceConfig=two))
    assert (await ended(at))["TrainingJobStatus"] == "Completed"
    assert player.found == [["train.py"], ["train.py"]]
    assert player.specs[0].argv == (
        *("python", "-m", "flowmaker.sagemaker.frameworks"),
        *("scikit-learn:1.2-1", "train"),
    )


@pytest.mark.parametrize("prefix", ["code", "code/sourcedir.tar.gz"])
async def test_an_isolated_job_has_it_in_a_channel(at: Bench, player: Player, prefix: str) -> None:
    directory = "/opt/ml/input/data/code/sourcedir.tar.gz"
    channels = [channel("train", "train/"), channel("code", prefix)]
    isolated = {"EnableNetworkIsolation": True, "InputDataConfig": channels}
    await at.ask("CreateTrainingJob", **request(directory, **isolated))
    assert (await ended(at))["TrainingJobStatus"] == "Completed"
    assert player.found == [["train.py"]]
    assert not player.specs[0].network


async def test_the_role_must_be_allowed_to_read_it(at: Bench) -> None:
    at.authorizer.forbidden.add("s3:GetObject")
    await at.ask("CreateTrainingJob", **request())
    job = await ended(at)
    assert "Unable to download object s3://data/code/sourcedir.tar.gz" in job["FailureReason"]


@pytest.mark.parametrize(
    ("directory", "reason"),
    [
        ("s3://data/none.tar.gz", "Could not find the object s3://data/none.tar.gz"),
        ("s3://data/train/a.csv", "s3://data/train/a.csv: it could not be unpacked"),
        ("/opt/ml/input/data/none/x.tar.gz", "there is no channel none"),
    ],
)
async def test_what_is_no_source_folder_fails_the_job(
    at: Bench, directory: str, reason: str
) -> None:
    await at.ask("CreateTrainingJob", **request(directory))
    assert reason in (await ended(at))["FailureReason"]


async def test_what_is_no_script_is_refused(at: Bench) -> None:
    without = {"HyperParameters": {"sagemaker_program": '"train.py"'}}
    with pytest.raises(AwsError, match="give the hyperparameters sagemaker_submit_directory"):
        await at.ask("CreateTrainingJob", **request(**without))
    given = request()["HyperParameters"] | {"sagemaker_mpi_enabled": "true"}
    with pytest.raises(AwsError, match="sagemaker_mpi_enabled: MPI is not supported"):
        await at.ask("CreateTrainingJob", **request(HyperParameters=given))
