"""What a run's tasks printed and left, as KFP's routes give it, while they run and afterwards."""

import base64
import shutil
import time
from pathlib import Path
from typing import Any

import httpx
import kfp
import kfp_server_api
import pytest
from kfp import dsl

from tests.house import House, house, start, stop


@dsl.component(base_image="python:3.11")
def chat(until: str, note: dsl.Output[dsl.Artifact]) -> None:
    import os
    import time

    print("hello", flush=True)
    while not os.path.exists(until):  # noqa: PTH110
        time.sleep(0.02)
    print("goodbye\nlast words without an end", end="")
    with open(note.path, "w") as file:
        file.write("noted \u00fc")


@dsl.pipeline(name="chatting")
def chatting(until: str) -> None:
    chat(until=until)


@pytest.fixture(scope="module")
def done(server: House) -> tuple[House, str]:
    """A run of `chatting` that is over."""
    client = kfp.Client(host=server.url)
    run_id = client.create_run_from_pipeline_func(chatting, arguments={"until": "/"}).run_id
    client.wait_for_run_completion(run_id, timeout=60, sleep_duration=0.2)
    return server, run_id


def task_of(url: str, run_id: str, name: str) -> dict[str, Any]:
    details = httpx.get(f"{url}/apis/v2beta1/runs/{run_id}").json()["run_details"]["task_details"]
    return next(task for task in details if task["display_name"] == name)


def log_url(house: House, run_id: str, node: str) -> str:
    return f"{house.url}/apis/v1alpha1/runs/{run_id}/nodes/{node}/log"


def test_a_log_is_had_by_any_name_of_its_task(done: tuple[House, str]) -> None:
    server, run_id = done
    task = task_of(server.url, run_id, "chat")
    texts = {
        httpx.get(log_url(server, run_id, node)).text
        for node in (task["task_id"], task["pod_name"], "chat")
    }
    (text,) = texts
    assert "\nhello\ngoodbye\nlast words without an end" in text
    assert text.endswith("executor_output.json.\n")  # the last that KFP's executor says
    assert httpx.get(log_url(server, run_id, "chat"), params={"follow": "true"}).text == text


@pytest.mark.parametrize(
    ("node", "status", "words"),
    [
        ("nobody", 404, "has no task 'nobody'"),
        ("root", 400, "is a DAG"),
    ],
)
def test_what_has_no_log_is_named(
    done: tuple[House, str], node: str, status: int, words: str
) -> None:
    answer = httpx.get(log_url(*done, node))
    assert answer.status_code == status
    assert words in answer.json()["message"]


def test_an_unknown_run_is_named(server: House) -> None:
    answer = httpx.get(log_url(server, "no-run", "x"))
    assert (answer.status_code, "no run 'no-run'" in answer.json()["message"]) == (404, True)


def test_an_artifact_is_read_by_the_generated_client(done: tuple[House, str]) -> None:
    server, run_id = done
    configuration = kfp_server_api.Configuration(host=server.url)
    with kfp_server_api.ApiClient(configuration) as client:
        path = f"/apis/v2beta1/runs/{run_id}/nodes/chat/artifacts/{{name}}:read"
        answer, status, _ = client.call_api(path, "GET", {"name": "note"}, response_type="object")
        assert status == 200
        assert base64.b64decode(answer["data"]).decode() == "noted \u00fc"
        with pytest.raises(kfp_server_api.ApiException, match="it has: note"):
            client.call_api(path, "GET", {"name": "other"}, response_type="object")


def test_a_log_is_followed_to_its_end_and_is_there_after_a_restart(data: Path) -> None:
    with house(data) as first:
        # The gate is in the task's own folder, the only one that it sees.
        client = kfp.Client(host=first.url)
        run = client.create_run_from_pipeline_func(chatting, arguments={"until": "gate"})
        with httpx.stream("GET", _when_there(first, run.run_id), params={"follow": "true"}) as live:
            lines = live.iter_lines()
            while next(lines) != "hello":
                pass
            pod = task_of(first.url, run.run_id, "chat")["pod_name"]
            (data / "jobs" / pod / "work" / "gate").touch()
            rest = list(lines)
            assert rest[0] == "goodbye"
            assert rest[-1].endswith("executor_output.json.")
        stop(data)
        again = start(data)
        text = httpx.get(log_url(again, run.run_id, pod)).text
        assert text.splitlines()[-len(rest) :] == rest
        shutil.rmtree(data / "jobs" / pod)
        gone = httpx.get(log_url(again, run.run_id, pod))
        assert (gone.status_code, "no log any more" in gone.json()["message"]) == (404, True)


def _when_there(server: House, run_id: str) -> str:
    """The log's address once the run has the task."""
    deadline = time.monotonic() + 30
    while True:
        assert time.monotonic() < deadline
        details = httpx.get(f"{server.url}/apis/v2beta1/runs/{run_id}").json()
        tasks = details.get("run_details", {}).get("task_details", [])
        if any(task["display_name"] == "chat" for task in tasks):
            return log_url(server, run_id, "chat")
        time.sleep(0.05)
