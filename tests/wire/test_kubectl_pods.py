"""The real kubectl looks at the tasks of a run."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import kfp
import pytest
from kfp import dsl

from tests.house import House

pytestmark = pytest.mark.skipif(
    not shutil.which("kubectl"), reason="kubectl is not on this machine"
)

POD = """
apiVersion: v1
kind: Pod
metadata:
  name: mine
spec:
  containers: [{name: main, image: python}]
"""

Kubectl = Callable[..., subprocess.CompletedProcess[str]]


@dsl.component(base_image="python:3.11")
def greets():
    for number in range(5):
        print(f"GREETING {number}", flush=True)


@dsl.component(base_image="python:3.11")
def fails():
    raise SystemExit(3)


@dsl.component(base_image="python:3.11")
def waits():
    import time
    from pathlib import Path

    print("WAITING", flush=True)
    while not Path("go-on").exists():
        time.sleep(0.05)
    print("DONE", flush=True)


@dsl.pipeline(name="watched")
def waiting():
    waits().set_caching_options(False)


@dsl.pipeline(name="looked-at")
def pipeline():
    greets().set_caching_options(False)
    fails().set_caching_options(False)


@dataclass(frozen=True)
class Ran:
    """A run that has ended."""

    run_id: str
    #: The pods of its tasks as KFP names them, by the tasks' names.
    pods: dict[str, str]


@pytest.fixture(scope="module")
def kubectl(server: House) -> Kubectl:
    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["kubectl", "-n", "kubeflow", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={"PATH": os.environ["PATH"], "HOME": str(server.data)} | dict(server.environment),
        )

    return run


@pytest.fixture(scope="module")
def ran(server: House) -> Ran:
    client = kfp.Client(host=server.url)
    run_id = client.create_run_from_pipeline_func(pipeline, arguments={}).run_id
    client.wait_for_run_completion(run_id, timeout=120)
    details = client.get_run(run_id).run_details.task_details
    return Ran(run_id, {each.display_name: each.pod_name for each in details if each.pod_name})


@contextmanager
def following(server: House, *arguments: str) -> Iterator[Iterator[str]]:
    """What a kubectl prints that goes on while the block runs."""
    with subprocess.Popen(
        ["kubectl", "-n", "kubeflow", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], "HOME": str(server.data)} | dict(server.environment),
    ) as process:
        assert process.stdout
        over = threading.Timer(90, process.kill)  # a test that waits in vain fails
        over.start()
        try:
            yield iter(process.stdout)
        finally:
            over.cancel()
            process.kill()


def of(ran: Ran) -> str:
    return f"pipeline/runid={ran.run_id}"


def test_the_tasks_are_pods_in_a_table(kubectl: Kubectl, ran: Ran) -> None:
    shown = kubectl("get", "pods", "-l", of(ran))
    lines = [line.split() for line in shown.stdout.splitlines()]
    assert lines[0] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"], shown.stderr
    assert sorted(line[:4] for line in lines[1:]) == sorted(
        [
            [ran.pods["greets"], "0/1", "Completed", "0"],
            [ran.pods["fails"], "0/1", "Error", "0"],
        ]
    )
    wide = kubectl("get", "po", ran.pods["greets"], "-o", "wide").stdout
    assert wide.split("\n")[0].split()[5:7] == ["IP", "NODE"]
    assert "No resources found" in kubectl("get", "pods", "-n", "default").stderr


def test_who_names_no_namespace_is_where_tasks_are(server: House) -> None:
    config = server.run("kubectl", "config", "view", "--minify", "-o", "jsonpath={..namespace}")
    assert config == "kubeflow"
    server.run("kubectl", "create", "configmap", "unnamed", "--from-literal=K=V")
    shown = server.run("kubectl", "get", "configmap", "unnamed", "-n", "kubeflow", "-o", "name")
    assert shown == "configmap/unnamed\n"
    server.run("kubectl", "delete", "configmap", "unnamed")


def test_a_pod_tells_how_its_task_ended(kubectl: Kubectl, ran: Ran) -> None:
    pod: dict[str, Any] = json.loads(kubectl("get", "pod", ran.pods["fails"], "-o", "json").stdout)
    assert pod["metadata"]["labels"]["pipeline/runid"] == ran.run_id
    assert pod["metadata"]["namespace"] == "kubeflow"
    assert pod["status"]["phase"] == "Failed"
    (container,) = pod["status"]["containerStatuses"]
    ended = container["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (3, "Error")
    described = kubectl("describe", "pod", ran.pods["fails"])
    assert described.returncode == 0, described.stderr
    assert "Exit Code:    3" in described.stdout


def test_a_log_is_read_whole_and_from_its_end(kubectl: Kubectl, ran: Ran) -> None:
    whole = kubectl("logs", ran.pods["greets"])
    greetings = [line for line in whole.stdout.splitlines() if line.startswith("GREETING")]
    assert greetings == [f"GREETING {number}" for number in range(5)], whole.stderr
    assert kubectl("logs", ran.pods["greets"], "-c", "main", "-f").stdout == whole.stdout
    tail = kubectl("logs", ran.pods["greets"], "--tail=2").stdout
    assert tail.splitlines() == whole.stdout.splitlines()[-2:]
    limited = kubectl("logs", ran.pods["greets"], "--limit-bytes=7").stdout
    assert limited == whole.stdout[:7]


def test_pods_are_selected(kubectl: Kubectl, ran: Ran) -> None:
    def names(*arguments: str) -> set[str]:
        shown = kubectl("get", "pods", "-o", "name", *arguments)
        assert shown.returncode == 0, shown.stderr
        return {line.removeprefix("pod/") for line in shown.stdout.split()}

    failed, greeted = ran.pods["fails"], ran.pods["greets"]
    assert names("-l", of(ran)) == {failed, greeted}
    assert names("-l", of(ran), "--chunk-size=1") == {failed, greeted}
    assert names("-l", of(ran), "--field-selector", "status.phase=Failed") == {failed}
    assert names("-l", f"pipeline/runid in ({ran.run_id})", "-A") == {failed, greeted}
    assert names("-l", "pipeline/runid=no-such-run") == set()
    assert {failed, greeted} <= names()


def test_pods_and_their_logs_are_watched(kubectl: Kubectl, server: House) -> None:
    client = kfp.Client(host=server.url)
    run_id = client.create_run_from_pipeline_func(waiting, arguments={}).run_id
    chosen = ("-l", f"pipeline/runid={run_id}")
    with following(server, "get", "pods", *chosen, "-w", "--output-watch-events") as watched:
        lines = (line.split() for line in watched)
        added = next(line for line in lines if line[0] == "ADDED")
        pod = added[1]
        if added[3] != "Running":
            assert next(lines)[:4] == ["MODIFIED", pod, "1/1", "Running"]
        with following(server, "logs", "-f", pod) as log:
            assert any(line == "WAITING\n" for line in log)
            (server.data / "jobs" / pod / "work" / "go-on").touch()
            assert next(lines)[:4] == ["MODIFIED", pod, "0/1", "Completed"]
            assert "DONE\n" in [*log]
        client.wait_for_run_completion(run_id, timeout=60)
        client.delete_run(run_id)
        assert next(lines)[:2] == ["DELETED", pod]


def test_a_watch_ends_when_its_time_is_over(kubectl: Kubectl, ran: Ran) -> None:
    path = f"/api/v1/namespaces/kubeflow/pods?watch=true&timeoutSeconds=1&labelSelector={of(ran)}"
    events = [json.loads(line) for line in kubectl("get", "--raw", path).stdout.splitlines()]
    assert {(each["type"], each["object"]["metadata"]["name"]) for each in events} == {
        ("ADDED", name) for name in ran.pods.values()
    }
    old = kubectl("get", "--raw", f"{path}&resourceVersion=7")
    assert "too old resource version" in old.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["get", "pod", "absent"], 'pods "absent" not found'),
        (["get", "pods", "--field-selector", "spec.nodeName=x"], "field label not supported"),
        (["run", "mine", "--image=python"], "MethodNotAllowed"),
        (["delete", "pod", "POD"], "client.terminate_run(RUN_ID)"),
        (["logs", "POD", "-c", "other"], "container other is not valid for pod"),
        (["logs", "POD", "--since=1m"], "sinceSeconds is not supported"),
        (["logs", "POD", "--previous"], "previous is not supported"),
        (["label", "pod", "POD", "a=b"], "MethodNotAllowed"),
        (["create", "-f", "-"], "MethodNotAllowed"),
        (["apply", "-f", "-"], "MethodNotAllowed"),
    ],
)
def test_what_cannot_be_done_is_refused(
    kubectl: Kubectl, ran: Ran, arguments: list[str], words: str
) -> None:
    given = [ran.pods["greets"] if each == "POD" else each for each in arguments]
    answer = kubectl(*given, stdin=POD)
    assert answer.returncode == 1
    assert words in answer.stderr
