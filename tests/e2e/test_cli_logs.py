"""`flowmaker logs`: runs by any of their names, SageMaker jobs, live and afterwards."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx
import kfp
import pytest
from kfp import dsl

from tests.house import FLOWMAKER, House, flowmaker
from tests.training import training


@dsl.component(base_image="python:3.11")
def say(words: str) -> None:
    print(f"said {words}")


@dsl.component(base_image="python:3.11")
def wait_for(gate: str) -> None:
    import os
    import time

    print("waiting")
    while not os.path.exists(gate):  # noqa: PTH110
        time.sleep(0.02)
    print("waited")


@dsl.component(base_image="python:3.11")
def fail() -> None:
    raise ValueError("no way")


@dsl.pipeline(name="talk")
def talk() -> None:
    with dsl.ParallelFor(["one", "two"]) as word:
        say(words=word)
    fail()


@dsl.pipeline(name="gated")
def gated() -> None:
    wait_for(gate="gate").set_caching_options(enable_caching=False)
    say(words="alongside").set_caching_options(enable_caching=False)


def logs(server: House, *arguments: str) -> subprocess.CompletedProcess[str]:
    return flowmaker("logs", "--data", str(server.data), *arguments, check=False)


@contextmanager
def running(command: Sequence[str]) -> Iterator["subprocess.Popen[str]"]:
    """A process with pipes, which is not waited for when the test fails."""
    process = subprocess.Popen(
        command,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A shell starts what it leaves in the background with Ctrl-C ignored, tests too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            pipe.close()


@pytest.fixture(scope="module")
def client(server: House) -> kfp.Client:
    return kfp.Client(host=server.url)


@pytest.fixture(scope="module")
def talked(server: House, client: kfp.Client) -> str:
    run_id = client.create_run_from_pipeline_func(talk, arguments={}, run_name="talk-show").run_id
    client.wait_for_run_completion(run_id, 60, sleep_duration=0.2)
    return run_id


def test_all_tasks_are_shown_with_their_names(server: House, talked: str) -> None:
    shown = logs(server, talked)
    assert shown.returncode == 0
    lines = {line.split("|", 1)[0].strip(): line for line in shown.stdout.splitlines()}
    assert set(lines) == {"say#1", "say#2", "fail"}
    assert {"said one", "said two"} <= {w.split("| ")[1] for w in shown.stdout.splitlines()}


def test_a_run_is_had_by_its_name_and_by_its_beginning(server: House, talked: str) -> None:
    whole = logs(server, talked, "--task", "fail").stdout
    assert whole.rstrip().endswith("ValueError: no way")
    for name in ("talk-show", talked[:13], f"run/{talked}"):
        assert logs(server, name, "--task", "fail").stdout == whole


def test_following_what_is_over_ends_with_how_it_ended(server: House, talked: str) -> None:
    followed = logs(server, talked, "-f")
    assert followed.returncode == 1
    assert f"run/{talked} is FAILED: " in followed.stderr
    assert followed.stdout.count("said ") == 2


def test_a_task_from_the_cache_says_so(server: House, client: kfp.Client, talked: str) -> None:
    run_id = client.create_run_from_pipeline_func(talk, arguments={}).run_id
    client.wait_for_run_completion(run_id, 60, sleep_duration=0.2)
    assert "its result was taken over from the cache" in logs(server, run_id).stdout


def test_what_is_near_is_named(server: House, talked: str) -> None:
    missed = logs(server, "talk-shw")
    assert missed.returncode == 1
    assert f"run/{talked} (talk-show), FAILED" in missed.stderr
    assert "it has: fail, say#1, say#2" in logs(server, talked, "--task", "x").stderr


def test_several_of_one_name_are_listed(server: House, client: kfp.Client) -> None:
    ids = [
        client.create_run_from_pipeline_func(gated, arguments={}, run_name="twins").run_id
        for _ in range(2)
    ]
    for run_id in ids:
        client.runs.run_service_terminate_run(run_id)
    refused = logs(server, "twins")
    assert refused.returncode == 1
    assert "'twins' may be any of 2; say which:" in refused.stderr
    assert all(f"run/{run_id} (twins)" in refused.stderr for run_id in ids)


def test_a_run_is_followed_while_it_runs(server: House, client: kfp.Client) -> None:
    run_id = client.create_run_from_pipeline_func(gated, arguments={}).run_id
    command = [*FLOWMAKER, "logs", "--data", str(server.data), "-f", run_id]
    with running(command) as following:
        seen = []
        while not {"waiting", "said alongside"} <= set(seen):
            seen.append(following.stdout.readline().rpartition("| ")[2].strip())
            assert seen[-1], seen
        _open_gate(server, run_id)
        rest = following.stdout.read()
        assert following.wait(30) == 0
    assert "| waited\n" in rest


@pytest.mark.parametrize("how", ["interrupted", "nobody reads"])
def test_it_is_left_cleanly(server: House, client: kfp.Client, how: str) -> None:
    run_id = client.create_run_from_pipeline_func(gated, arguments={}).run_id
    command = [*FLOWMAKER, "logs", "--data", str(server.data), "-f", run_id]
    with running(command) as following:
        assert following.stdout.readline()
        if how == "interrupted":
            os.kill(following.pid, signal.SIGINT)
        else:
            following.stdout.close()
            _open_gate(server, run_id)  # there is more to print
        assert following.wait(30) == (130 if how == "interrupted" else 1)
        assert following.stderr.read() == ""
    if how == "interrupted":
        _open_gate(server, run_id)


def _open_gate(server: House, run_id: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        details = httpx.get(f"{server.url}/apis/v2beta1/runs/{run_id}").json()["run_details"]
        for task in details["task_details"]:
            work = server.data / "jobs" / task.get("pod_name", "?") / "work"
            if task["name"] == "wait-for" and work.exists():
                (work / "gate").touch()
                return
        time.sleep(0.05)
    raise AssertionError(f"the task did not begin: {details}")


def test_a_training_job_is_followed_to_its_end(server: House) -> None:
    s3, sagemaker = server.client("s3"), server.client("sagemaker")
    s3.create_bucket(Bucket="cli-logs")
    s3.put_object(Bucket="cli-logs", Key="train/a.csv", Body=b"1,2,3\n0,3,4\n" * 20)
    request = training("cli-logs", rounds=3)
    sagemaker.create_training_job(TrainingJobName="told-job", **request)
    followed = logs(server, "told-job", "-f")
    assert followed.returncode == 0, followed.stderr
    assert "training-job/told-job is Completed" in followed.stderr
    assert "algo-1" in followed.stdout
    assert "train-logloss" in followed.stdout
    afterwards = logs(server, "training-job/told-job")
    assert afterwards.stdout == followed.stdout
    refused = logs(server, "told-job", "--task", "x")
    assert "training-job/told-job has no tasks" in refused.stderr
