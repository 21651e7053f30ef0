"""Framework images: which URIs they are, what a script of a job is told."""

import json
from functools import cache
from pathlib import Path

import pytest
import sagemaker

from flowmaker.sagemaker.frameworks import registry
from flowmaker.sagemaker.frameworks.described import Described, meant
from flowmaker.sagemaker.images import JobImages

SKLEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
_RESOLVER = sagemaker.image_uris.utils._botocore_resolver()
CONFIG = Path(sagemaker.__file__).parent / "image_uri_config"


def _configured(file: str, scope: str) -> list[tuple[str, str, str, str]]:
    """Repository, version, region and account of each image that the SDK knows."""
    versions = json.loads((CONFIG / file).read_text())[scope]["versions"]
    return [
        (one["repository"], version, region, account)
        for version, one in versions.items()
        for region, account in one["registries"].items()
    ]


@pytest.mark.parametrize(
    ("file", "scope", "suffix", "framework"),
    [
        ("sklearn.json", "training", "-cpu-py3", "scikit-learn"),
        ("sklearn.json", "inference", "-cpu-py3", "scikit-learn"),
        ("pytorch.json", "training", "-cpu-py310", "pytorch"),
        ("pytorch.json", "inference", "-gpu-py310", "pytorch"),
    ],
)
def test_every_image_that_the_sdk_names_is_known(
    file: str, scope: str, suffix: str, framework: str
) -> None:
    for repository, version, region, account in _configured(file, scope):
        if repository == "sagemaker-pytorch":
            continue  # PyTorch up to 1.1, of Python 2
        host = f"{account}.dkr.ecr.{region}.{_domain(region)}"
        found = registry.find(f"{host}/{repository}:{version}{suffix}")
        assert found is not None, (region, version)
        assert (found.name, found.version) == (framework, version)


@cache
def _domain(region: str) -> str:
    """As image_uris.retrieve has it."""
    return _RESOLVER.construct_endpoint("ecr", region)["dnsSuffix"]


@pytest.mark.parametrize(
    "image",
    [
        "sagemaker-scikit-learn:1.2-1-cpu-py3",
        SKLEARN.replace("683313688378", "111111111111"),
        SKLEARN.replace("us-east-1", "eu-west-1"),
        SKLEARN.replace("1.2-1", "latest"),
        SKLEARN.replace("scikit-learn", "scikit-other"),
    ],
)
def test_other_images_are_not(image: str) -> None:
    assert registry.find(image) is None


def test_versions_have_the_environment_that_is_nearest() -> None:
    old, new = (registry.find(SKLEARN.replace("1.2-1", version)) for version in ("0.23-1", "1.4-2"))
    assert old is not None
    assert new is not None
    assert "scikit-learn==1.2.2 ; python_full_version < '3.12'" in old.lock
    assert "scikit-learn==1.4.2" in new.lock


def test_xgboost_is_the_algorithm_unless_there_is_a_script() -> None:
    images = JobImages()
    plain, script = images.find(XGBOOST), images.find(XGBOOST, script=True)
    assert plain is not None
    assert script is not None
    assert plain.algorithm is not None
    assert plain.framework is None
    assert script.framework is not None
    assert script.train == (
        *("python", "-m", "flowmaker.sagemaker.frameworks"),
        *("xgboost:1.7-1", "train"),
    )


def test_an_image_without_a_folder_listens_on_8080() -> None:
    found = JobImages().find("python:3.11")
    assert found is not None
    assert (found.workdir, found.port) == ("", 8080)
    assert found.environment.requirements == ("pip",)


def test_a_training_image_of_pytorch_does_not_serve() -> None:
    host = "763104351884.dkr.ecr.eu-west-1.amazonaws.com"
    trains = JobImages().find(f"{host}/pytorch-training:2.6-cpu-py312")
    serves = JobImages().find(f"{host}/pytorch-inference:2.6.0-gpu-py312-cu124-ubuntu22.04")
    assert trains is not None
    assert serves is not None
    assert (bool(trains.train), trains.serve) == (True, ())
    assert (serves.train, bool(serves.serve)) == ((), True)


@pytest.mark.parametrize(
    ("written", "value"),
    [('"abc"', "abc"), ("abc", "abc"), ("3", 3), ("0.5", 0.5), ("true", True), ("[1]", [1])],
)
def test_hyperparameters_are_what_the_sdk_meant(written: str, value: object) -> None:
    assert meant(written) == value


def test_a_script_is_told_its_hyperparameters(tmp_path: Path) -> None:
    job = Described(
        base=tmp_path,
        all_hyperparameters={
            "b": True,
            "learning-rate": 0.1,
            "layers": {"b": 2, "a": 1},
            "nothing": None,
            "sagemaker_program": "go.py",
            "sagemaker_mpi_enabled": False,
            "_tuning_objective_metric": "loss",
        },
        channels={"train": {}},
        resources={"hosts": ["algo-1", "algo-2"], "current_host": "algo-2"},
        framework="pytorch",
        job_name="one",
    )
    assert job.arguments() == [
        *("-b", "True"),
        *("--layers", "a=1,b=2"),
        *("--learning-rate", "0.1"),
        *("--nothing", ""),
    ]
    variables = job.variables()
    assert variables["SM_HP_LEARNING-RATE"] == "0.1"
    assert variables["SM_HP_LAYERS"] == '{"a":1,"b":2}'
    assert variables["SM_HP_NOTHING"] == ""
    assert variables["SM_FRAMEWORK_PARAMS"] == '{"sagemaker_mpi_enabled":false}'
    assert variables["SM_CHANNEL_TRAIN"] == str(tmp_path / "input" / "data" / "train")
    assert json.loads(variables["SM_TRAINING_ENV"])["is_master"] is False
