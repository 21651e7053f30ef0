"""Pods: how they are told, selected, and how their logs are cut."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flowmaker.errors import InvalidInput
from flowmaker.kubernetes.api import pod_logs
from flowmaker.kubernetes.api.pod_logs import start_of_tail
from flowmaker.kubernetes.api.pods import FIELDS
from flowmaker.kubernetes.pods import GONE, Mark, Pod
from flowmaker.kubernetes.selectors import selection

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def pod(phase: str, exit_code: int | None = None) -> Pod:
    mark = Mark(namespace="kubeflow", run_id="r", phase=phase)
    return Pod(
        name="t-1",
        mark=mark,
        task_id="t",
        task="train",
        created_at=NOW,
        started_at=NOW,
        ended_at=NOW,
        exit_code=exit_code,
        message="it broke",
    )


@pytest.mark.parametrize(
    ("told", "state"),
    [
        (pod("Pending"), {"waiting": {"reason": "ContainerCreating"}}),
        (pod("Running"), {"running": {"startedAt": "2026-01-01T00:00:00Z"}}),
        (
            pod("Failed", 7),
            {
                "terminated": {
                    "exitCode": 7,
                    "reason": "Error",
                    "startedAt": "2026-01-01T00:00:00Z",
                    "finishedAt": "2026-01-01T00:00:00Z",
                }
            },
        ),
    ],
)
def test_the_state_of_the_container(told: Pod, state: object) -> None:
    status = told.to_json("here")["status"]
    assert status["containerStatuses"][0]["state"] == state
    assert ("message" in status) is (told.mark.phase == "Failed")


def test_who_had_too_much_memory_is_told_as_on_a_cluster() -> None:
    killed = replace(pod("Failed", 137), out_of_memory=True)
    state = killed.to_json("here")["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (state["exitCode"], state["reason"]) == (137, "OOMKilled")


def test_an_exit_code_that_nobody_knows_is_not_made_up() -> None:
    state = pod("Failed").to_json("here")["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (state["exitCode"], state["reason"]) == (GONE, "ContainerStatusUnknown")


@pytest.mark.parametrize(
    ("labels", "fields", "chosen"),
    [
        ("", "", True),
        ("a=1", "", True),
        ("a==2", "", False),
        ("a!=2,b", "", True),
        ("!b", "", False),
        ("!c,a in (1, 2),b notin (3,4)", "", True),
        ("a notin (1)", "", False),
        ("c!=1", "", True),
        ("a=1", "status.phase=Running,metadata.name!=x", True),
        ("", "status.phase!=Running", False),
    ],
)
def test_selectors(labels: str, fields: str, chosen: bool) -> None:
    entries = {"status.phase": "Running", "metadata.name": "y"}
    assert selection(labels, fields, "pods", FIELDS).has({"a": "1", "b": ""}, entries) is chosen


@pytest.mark.parametrize(
    ("labels", "fields"), [("a=1,", ""), ("a>1", ""), ("", "spec.x=1"), ("", "status.phase")]
)
def test_selectors_that_cannot_be_read(labels: str, fields: str) -> None:
    with pytest.raises(InvalidInput):
        selection(labels, fields, "pods", FIELDS)


@pytest.mark.parametrize("piece", [1, 2, 3, 1000])
@pytest.mark.parametrize("text", [b"", b"\n", b"one", b"one\ntwo\n", b"one\n\ntwo\nthree"])
def test_the_last_lines_of_a_log(
    text: bytes, piece: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pod_logs, "PIECE", piece)
    path = tmp_path / "log"
    path.write_bytes(text)
    lines = text.splitlines(keepends=True)
    for wanted in range(5):
        expected = b"".join(lines[-wanted:] if wanted else [])
        assert text[start_of_tail(path, wanted) :] == expected
