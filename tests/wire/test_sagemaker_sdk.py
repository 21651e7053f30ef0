"""SageMaker's SDK v2, unchanged, under `flowmaker exec`: one script, looked at from all sides."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.house import FLOWMAKER, House, client_environment

SCRIPT = Path(__file__).with_name("sagemaker_sdk_script.py")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@dataclass(frozen=True)
class Done:
    """What the script printed, and the object in its last line."""

    printed: str
    seen: dict[str, Any]


@pytest.fixture(scope="module")
def done(server: House, tmp_path_factory: pytest.TempPathFactory) -> Done:
    ran = subprocess.run(
        [
            *(*FLOWMAKER, "exec", "--data", str(server.data), "--"),
            *(sys.executable, "-W", "ignore", str(SCRIPT)),
        ],
        cwd=tmp_path_factory.mktemp("sdk"),
        env=client_environment(server.data),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return Done(ran.stdout, json.loads(ran.stdout.splitlines()[-1]))


def test_the_session_finds_bucket_and_role(done: Done) -> None:
    assert done.seen["bucket"] == "sagemaker-us-east-1-000000000000"
    assert done.seen["role"] == "arn:aws:iam::000000000000:role/FlowmakerAdmin"


def test_fit_shows_the_log_and_leaves_a_model(done: Done) -> None:
    trained = done.seen["trained"]
    assert "[9]#011train-error:" in done.printed
    assert "Completed - Training job completed" in done.printed
    assert "Billable seconds:" in done.printed
    place = f"s3://{done.seen['bucket']}/sdk/out/{trained['job']}/output/model.tar.gz"
    assert trained["model_data"] == place
    assert trained["metrics"].keys() == {"train:error", "validation:error"}
    assert max(trained["metrics"].values()) < 0.2


def test_attach_finds_the_job_again(done: Done) -> None:
    trained = done.seen["trained"]
    place, hyperparameters = trained["attached"]
    assert place == trained["model_data"]
    assert hyperparameters["num_round"] == "10"


def test_analytics_have_the_metrics_over_time(done: Done) -> None:
    seen = done.seen["analytics"]
    assert {"train:error", "validation:error"} <= seen.keys()
    for values in seen.values():
        assert values
        assert all(0 <= value <= 1 for value in values)


def test_deploy_predicts_until_it_is_deleted(done: Done, server: House) -> None:
    high, low = (one["score"] for one in done.seen["hosted"]["predictions"])
    assert high > 0.5 > low
    sagemaker = server.client("sagemaker")
    name = done.seen["hosted"]["endpoint"]
    with pytest.raises(ClientError, match="Could not find"):
        sagemaker.describe_endpoint_config(EndpointConfigName=name)
    listed = sagemaker.list_endpoints(NameContains=name)["Endpoints"]
    assert {one["EndpointStatus"] for one in listed} <= {"Deleting"}


def test_transform_answers_every_record(done: Done) -> None:
    scores = done.seen["transformed"]
    assert [score > 0.5 for score in scores] == [a + b > 9 for a in range(10) for b in range(10)]


def test_kmeans_takes_arrays(done: Done) -> None:
    clusters = done.seen["kmeans"]["clusters"]
    assert done.seen["kmeans"]["input"] == "ManifestFile"
    assert len(clusters) == 60
    assert {*clusters[:30]} ^ {*clusters[30:]} == {0.0, 1.0}


def test_a_failure_says_why(done: Done) -> None:
    assert "Failed. Reason: ClientError: Failed to load the train channel" in done.seen["failure"]
    assert "is it a header?" in done.seen["failure"]


def test_a_tuner_finds_the_best_and_hosts_it(done: Done) -> None:
    tuned = done.seen["tuned"]
    assert len(tuned["values"]) == 4
    assert tuned["best"].startswith(f"{tuned['job']}-00")
    assert f"/{tuned['best']}/output/model.tar.gz" in tuned["best_model"]
    assert {"eta", "max_depth", "FinalObjectiveValue", "TrainingJobStatus"} <= {*tuned["columns"]}
    high, low = (one["score"] for one in tuned["predictions"])
    assert high > 0.5 > low
    assert tuned["stopped"] in ("Stopping", "Stopped")


def test_a_tuner_is_attached_and_starts_another_from_its_results(done: Done) -> None:
    tuned = done.seen["tuned"]
    assert tuned["attached"] == tuned["best"]
    assert (tuned["warm"], tuned["overall"]) == (2, True)


@pytest.mark.parametrize(
    ("used", "named"),
    [
        ("Pipeline", "The step Call is of the type Lambda, which is not supported"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(done: Done, used: str, named: str) -> None:
    assert f"Flowmaker {named}" in done.seen["refused"][used] or (
        f"{named} by Flowmaker" in done.seen["refused"][used]
    )
