"""Hosting by SageMaker's SDK v2, unchanged, under `flowmaker exec`: one script, looked at here."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.house import FLOWMAKER, House, client_environment

SCRIPT = Path(__file__).with_name("sagemaker_hosting_script.py")
ONE, TWO = ["1.0"], ["2.0"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def seen(server: House, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the script saw."""
    command = [*FLOWMAKER, "exec", "--data", str(server.data), "--"]
    ran = subprocess.run(
        [*command, sys.executable, "-W", "ignore", str(SCRIPT)],
        cwd=tmp_path_factory.mktemp("sdk"),
        env=client_environment(server.data),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


def test_an_endpoint_is_updated_to_another_model(seen: dict[str, Any]) -> None:
    assert seen["updated"]["answers"] == [[ONE, ONE], [TWO]]
    assert seen["updated"]["instances"] == 2


def test_an_answer_is_streamed(seen: dict[str, Any]) -> None:
    assert "\n".join(seen["updated"]["streamed"]).split() == ["1.0", "1.0"]


def test_data_is_captured_until_that_is_disabled(seen: dict[str, Any]) -> None:
    captured = [record["captureData"] for record in seen["updated"]["captured"]]
    assert captured[0]["endpointInput"]["data"] == "1.0\n2.0"
    assert captured[0]["endpointInput"]["encoding"] == "CSV"
    assert captured[0]["endpointOutput"]["data"] == "1.0\n1.0\n"
    assert not [one for one in captured if one["endpointInput"]["data"] == "3.0"]


def test_a_serverless_endpoint_answers(seen: dict[str, Any]) -> None:
    assert seen["serverless"] == [ONE]


def test_an_asynchronous_endpoint_answers_in_s3(seen: dict[str, Any]) -> None:
    assert seen["asynchronous"]["answer"] == [ONE]
    assert "Feature size of csv inference data 2" in seen["asynchronous"]["failure"]


def test_a_multi_model_endpoint_answers_for_each_of_its_models(seen: dict[str, Any]) -> None:
    assert seen["multi_model"]["names"] == ["one.tar.gz", "two.tar.gz"]
    assert seen["multi_model"]["answers"] == [[ONE], [TWO]]


def test_a_pipeline_of_models_answers_with_its_last_one(seen: dict[str, Any]) -> None:
    assert seen["pipeline"] == [ONE, ONE]
