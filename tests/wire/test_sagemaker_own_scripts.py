"""Scripts of one's own through SageMaker's SDK v2, unchanged: script mode and processing jobs."""

from pathlib import Path
from typing import Any

import pytest

from tests.house import House

SCRIPT = Path(__file__).with_name("sagemaker_own_script.py")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def ran(server: House, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    return server.run_script(SCRIPT, tmp_path_factory.mktemp("sdk"))


@pytest.fixture(scope="module")
def seen(ran: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return ran[1]


def test_sklearn_fits_deploys_predicts_and_transforms(seen: dict[str, Any]) -> None:
    assert seen["sklearn"]["depth"] == 3
    assert seen["sklearn"]["predicted"] == [1, 0]
    assert seen["sklearn"]["transformed"].split() == ["1", "0"]


def test_xgboost_of_a_script_answers(seen: dict[str, Any]) -> None:
    (high,), (low,) = seen["xgboost"]
    assert float(high) > 0.5 > float(low)


def test_sklearn_processor_runs_a_script(ran: tuple[str, dict[str, Any]]) -> None:
    printed, seen = ran
    assert "processed by scikit-learn 1." in printed
    assert seen["processed"] == {
        "status": "Completed",
        "message": "all rows are fine",
        "made": {"lines": 100, "arguments": ["--x", "1"], "mine": "1"},
    }


def test_framework_processor_installs_what_its_folder_needs(seen: dict[str, Any]) -> None:
    assert seen["framework"] == "packaged with iniconfig"


def test_a_processing_job_that_fails_says_why(seen: dict[str, Any]) -> None:
    assert "AlgorithmError: no rows at all, exit code: 1" in seen["failed"]


def test_a_processing_job_is_stopped(seen: dict[str, Any]) -> None:
    assert seen["stopped"] == "Stopped"
