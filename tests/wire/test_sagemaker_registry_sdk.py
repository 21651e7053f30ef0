"""The model registry and experiments through SageMaker's SDK v2, unchanged."""

from pathlib import Path
from typing import Any

import pytest

from tests.house import House

SCRIPT = Path(__file__).with_name("sagemaker_registry_script.py")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def seen(server: House, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return server.run_script(SCRIPT, tmp_path_factory.mktemp("sdk"))[1]


def test_a_run_keeps_what_is_logged(seen: dict[str, Any]) -> None:
    run = seen["run"]
    assert run["runs"] == ["first"]
    assert run["parameters"]["rate"] == {"NumberValue": 0.1}
    assert run["parameters"]["kind"] == {"StringValue": "a"}
    assert run["metrics"] == {"loss": 0.3}


def test_analytics_have_a_row_for_each_component(seen: dict[str, Any]) -> None:
    run = seen["run"]
    assert (run["rows"], run["rate"], run["loss"]) == (2, 0.1, 0.3)


def test_a_job_that_is_trained_within_a_run_is_a_component_of_its_trial(
    seen: dict[str, Any], server: House
) -> None:
    sagemaker = server.client("sagemaker")
    (trial,) = sagemaker.list_trials(ExperimentName="digits")["TrialSummaries"]
    found = sagemaker.list_trial_components(TrialName=trial["TrialName"])
    named = [one["TrialComponentName"] for one in found["TrialComponentSummaries"]]
    assert "digits-first" in named
    assert any(name.endswith("-aws-training-job") for name in named)


def test_a_registered_model_is_approved_and_hosted(seen: dict[str, Any]) -> None:
    registered = seen["registered"]
    assert ":model-package/registered-digits/" in registered["arn"]
    assert registered["status"] == "Approved"
    high, low = (one["score"] for one in registered["predictions"])
    assert high > 0.5 > low
