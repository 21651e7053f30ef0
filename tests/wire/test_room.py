"""What asks for CPU and memory waits for it, and what takes more than its limit does not get it.

Real clients, real processes, on a small machine.
"""

import json
import socket
import tempfile
import time
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import kfp
import pytest
from kfp import compiler, dsl

from tests.fakes.kfp_runs import ran
from tests.house import House, flowmaker, house, sharing
from tests.training import cluster, training
from tests.wire.test_sagemaker import BUCKET, Clients, until

pytestmark = pytest.mark.slow

SMALL = ("--cores", "2", "--memory", "8Gi", "--accelerators", "nvidia.com/gpu=2")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, environments: Path) -> Iterator[House]:
    """A server on a machine of two cores, 8 GiB and two GPUs, or so it was told."""
    data = sharing(tmp_path_factory.mktemp("small"), environments)
    with house(data, *SMALL) as running:
        yield running


@pytest.fixture
def shared(small: House) -> Path:
    """A folder that tasks see, and may read: /tmp is each one's own."""
    return Path(tempfile.mkdtemp(dir=small.data))


@dsl.component(base_image="python:3.11")
def alone(lock: str):
    """Fails when another one is in here at the same time."""
    import fcntl
    import time

    with open(lock) as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        time.sleep(0.2)


@dsl.component(base_image="python:3.11")
def meet(mine: int, other: int):
    """Fails when the other one is not there while this one is here."""
    import socket
    import time

    with socket.create_server(("127.0.0.1", mine)) as door:
        door.settimeout(20)
        end = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", other)).close()
                break
            except ConnectionRefusedError:
                assert time.monotonic() < end, "nobody came"
                time.sleep(0.02)
        door.accept()[0].close()


@dsl.component(base_image="python:3.11")
def accelerated(folder: str):
    """Fails when another one has one of its devices at the same time."""
    import fcntl
    import os
    import time

    devices = os.environ["CUDA_VISIBLE_DEVICES"]
    files = [os.open(f"{folder}/{device}", os.O_RDONLY) for device in devices.split(",")]
    for file in files:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    time.sleep(0.2)
    print("RESULT " + str(len(files)))


@dsl.component(base_image="python:3.11")
def until_there(file: str):
    import pathlib
    import time

    while not pathlib.Path(file).exists():
        time.sleep(0.02)


@dsl.component(base_image="python:3.11", packages_to_install=["boto3"])
def trains(request: dict):
    """Starts a training job and waits for its end, as a step does that uses SageMaker."""
    import time

    import boto3

    sagemaker = boto3.client("sagemaker")
    name = request["TrainingJobName"]
    sagemaker.create_training_job(**request)
    status = "InProgress"
    while status == "InProgress":
        time.sleep(0.1)
        status = sagemaker.describe_training_job(TrainingJobName=name)["TrainingJobStatus"]
    assert status == "Completed", status


def test_tasks_that_ask_for_all_cores_never_overlap(
    small: House, shared: Path, tmp_path: Path
) -> None:
    @dsl.pipeline(name="one-by-one")
    def pipeline(lock: str):
        with dsl.ParallelFor([1, 2, 3, 4]):
            alone(lock=lock).set_cpu_request("2")
        alone(lock=lock).set_cpu_limit("64")
        alone(lock=lock).set_memory_request("8Gi").set_cpu_request("100m")

    (shared / "lock").touch()
    done = ran(small, pipeline, tmp_path, arguments={"lock": str(shared / "lock")})
    assert done.run.state == "SUCCEEDED", done.error
    ids = [task.task_id for task in done.tasks if task.display_name.startswith("alone")]
    assert len(ids) == 6
    assert all((small.data / "jobs" / f"{each}-1" / "outcome.json").exists() for each in ids)
    assert "asks for 2 cores of this machine's 2 cores and 8 GiB\n" in done.log("alone")
    assert "asks for 64 cores of this machine's 2 cores and 8 GiB: no other" in done.log("alone-2")


def test_each_task_has_accelerators_of_its_own(small: House, shared: Path, tmp_path: Path) -> None:
    @dsl.pipeline(name="accelerated")
    def pipeline(folder: str, count: int):
        with dsl.ParallelFor([1, 2, 3]):
            accelerated(folder=folder).set_accelerator_type("nvidia.com/gpu")
        both = accelerated(folder=folder).set_accelerator_type("nvidia.com/gpu")
        both.set_accelerator_limit(count).set_display_name("both")

    for device in ("0", "1"):
        (shared / device).touch()
    given = {"folder": str(shared), "count": 2}
    done = ran(small, pipeline, tmp_path, arguments=given)
    assert done.run.state == "SUCCEEDED", done.error
    assert (done.results("accelerated"), done.result("both")) == ([1, 1, 1], 2)
    said = "asks for 2 nvidia.com/gpu of this machine's 2 cores and 8 GiB and 2 nvidia.com/gpu"
    assert said in done.log("both")
    done = ran(small, pipeline, tmp_path, arguments=given | {"count": 3})
    assert done.run.state == "FAILED"
    assert "asks for 3 nvidia.com/gpu, and this machine has 2" in done.error


def test_tasks_that_fit_together_run_together(small: House, tmp_path: Path) -> None:
    @dsl.pipeline(name="together")
    def pipeline(a: int, b: int):
        meet(mine=a, other=b).set_cpu_request("1").set_memory_request("4Gi")
        meet(mine=b, other=a).set_cpu_request("1000m").set_memory_limit("4Gi")

    with socket.create_server(("127.0.0.1", 0)) as a, socket.create_server(("127.0.0.1", 0)) as b:
        ports = {"a": a.getsockname()[1], "b": b.getsockname()[1]}
    done = ran(small, pipeline, tmp_path, arguments=ports)
    assert done.run.state == "SUCCEEDED", done.error


@dsl.component(base_image="python:3.11")
def takes(megabytes: int) -> int:
    """Has so much memory, in a child, and tells nobody."""
    import subprocess
    import sys

    program = f"kept = b'x' * ({megabytes} << 20); import time; time.sleep(1)"
    return subprocess.run([sys.executable, "-c", program], check=True).returncode


@dsl.component(base_image="python:3.11")
def burns():
    """Says how many seconds a fifth of a second of CPU took."""
    import time

    begun, cpu = time.monotonic(), time.process_time()
    while time.process_time() - cpu < 0.2:
        pass
    print("RESULT", time.monotonic() - begun)


def test_a_task_over_its_memory_limit_is_killed_and_says_so(small: House, tmp_path: Path) -> None:
    @dsl.container_component
    def shell():
        hog = "kept = b'x' * (500 << 20); import time; time.sleep(60)"
        return dsl.ContainerSpec(
            image="python:3.11", command=["sh", "-c"], args=[f'python -c "{hog}"; echo survived']
        )

    @dsl.pipeline(name="hungry")
    def pipeline(limit: str):
        takes(megabytes=500).set_memory_limit("200Mi").set_retry(1)
        takes(megabytes=200).set_memory_limit("500Mi")
        takes(megabytes=500).set_memory_request("200Mi")
        shell().set_memory_limit(limit)

    done = ran(small, pipeline, tmp_path, arguments={"limit": "0.2G"})
    states = done.states()
    assert states["takes"] == states["shell"] == done.run.state == "FAILED"
    assert states["takes-2"] == "SUCCEEDED"
    assert states["takes-3"] == "SUCCEEDED", "what is requested is no limit"
    said = "OOMKilled: used more than its memory limit of {}; raise it with set_memory_limit"
    errors = {task.display_name: task.error.message for task in done.tasks if task.error}
    assert errors["takes"].startswith(said.format("200Mi")), errors
    assert errors["shell"].startswith(said.format("0.2G")), errors
    assert said.format("200Mi") in done.error or said.format("0.2G") in done.error
    assert done.log("takes").count("[flowmaker] OOMKilled: used ") == 2, "each attempt is held"
    assert "survived" not in done.log("shell")


def test_a_task_gets_no_more_than_its_cpu_limit(small: House, tmp_path: Path) -> None:
    @dsl.pipeline(name="held")
    def pipeline():
        burns().set_cpu_limit("50m")
        burns().set_cpu_request("200m")

    done = ran(small, pipeline, tmp_path)
    assert done.run.state == "SUCCEEDED", done.error
    assert done.result("burns") > 0.8 * 0.2 / 0.05 - 0.2
    assert "its CPU limit of 0.05 cores held it for " in done.log("burns")
    assert "held it" not in done.log("burns-2")


def test_a_task_that_waits_is_pending_and_says_what_for(
    small: House, shared: Path, tmp_path: Path
) -> None:
    @dsl.pipeline(name="waiting")
    def pipeline(file: str):
        until_there(file=file).set_cpu_request("2")
        until_there(file=file).set_cpu_request("1")

    package = tmp_path / "pipeline.yaml"
    compiler.Compiler().compile(pipeline, str(package))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = kfp.Client(host=small.url)
    options: Any = {"arguments": {"file": str(shared / "go")}, "run_name": "mine"}
    run_id = client.create_run_from_pipeline_package(str(package), **options).run_id

    def tasks() -> dict[str, Any]:
        details = client.get_run(run_id).run_details
        return {task.display_name: task for task in details.task_details} if details else {}

    states = {"until-there": "RUNNING", "until-there-2": "PENDING"}
    seen = until(
        tasks, lambda seen: states.items() <= {k: v.state for k, v in seen.items()}.items()
    )
    told = seen["until-there-2"].state_history[-1]
    said = "waits for 1 core: 2 of 2 cores are in use by task until-there of run mine"
    assert (told.state, told.error.message) == ("PENDING", said)
    status = flowmaker("status", "--data", str(small.data)).stdout
    assert (
        "pipelines' tasks hold 2 of 2 cores and 0 GiB of 8 GiB and 0 of 2 nvidia.com/gpu, 1 wait"
        in status
    )
    assert f"task until-there-2 of run mine {said}" in status
    (shared / "go").touch()
    assert client.wait_for_run_completion(run_id, timeout=60, sleep_duration=0.05).state == (
        "SUCCEEDED"
    )


def test_a_run_that_waits_is_terminated_at_once(small: House, shared: Path, tmp_path: Path) -> None:
    @dsl.pipeline(name="holder")
    def pipeline(file: str):
        until_there(file=file).set_cpu_request("2")

    package = tmp_path / "pipeline.yaml"
    compiler.Compiler().compile(pipeline, str(package))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = kfp.Client(host=small.url)
    go = {"arguments": {"file": str(shared / "go")}, "enable_caching": False}
    first, second, third = (
        client.create_run_from_pipeline_package(str(package), **go).run_id for _ in range(3)
    )

    def state(run_id: str) -> str:
        details = client.get_run(run_id).run_details
        tasks = details.task_details if details else []
        return next((each.state for each in tasks if each.display_name == "until-there"), "")

    until(lambda: state(first), lambda seen: seen == "RUNNING")
    until(lambda: state(second), lambda seen: seen == "PENDING")
    client.terminate_run(second)
    until(lambda: client.get_run(second).state, lambda state: state == "CANCELED", seconds=10)
    (shared / "go").touch()
    for run_id in (first, third):
        ended = client.wait_for_run_completion(run_id, timeout=60, sleep_duration=0.05)
        assert ended.state == "SUCCEEDED"


@pytest.fixture(scope="module")
def aws(small: House) -> Clients:
    clients = Clients(small.environment)
    small.client("iam").attach_role_policy(
        RoleName="eksctl-flowmaker-nodegroup-NodeInstanceRole",
        PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess",
    )
    clients.s3.create_bucket(Bucket=BUCKET)
    rows = [f"{int(a + b > 9)},{a},{b}" for a in range(60) for b in range(60)]
    clients.s3.put_object(Bucket=BUCKET, Key="train/data.csv", Body="\n".join(rows))
    return clients


def asked(name: str, instance: str, *, count: int = 1, rounds: int = 5) -> dict[str, Any]:
    resources = cluster(instance, count)
    return training(BUCKET, rounds=rounds, TrainingJobName=name, ResourceConfig=resources)


def times(data: Path, clients: Clients, name: str) -> tuple[datetime, datetime]:
    """From when to when the processes of a job ran, as their supervisors wrote it."""
    description = clients.sagemaker.describe_training_job(TrainingJobName=name)
    found: list[dict[str, Any]] = []
    for folder in data.glob("jobs/training-*"):
        if not (folder / "outcome.json").exists():
            continue
        if description["TrainingJobArn"] in (folder / "spec.json").read_text():
            found.append(json.loads((folder / "outcome.json").read_text()))
    assert found, name
    begun = min(each["started_at"] for each in found)
    ended = max(each["ended_at"] for each in found)
    return datetime.fromtimestamp(begun, UTC), datetime.fromtimestamp(ended, UTC)


def test_big_training_jobs_and_a_gang_run_one_after_the_other(aws: Clients, small: House) -> None:
    aws.sagemaker.create_training_job(**asked("first", "ml.m5.24xlarge", rounds=150))
    aws.sagemaker.create_training_job(**asked("gang", "ml.c7i.large", count=2))
    aws.sagemaker.create_training_job(**asked("last", "ml.t3.medium"))

    def describe(name: str) -> Any:
        return aws.sagemaker.describe_training_job(TrainingJobName=name)

    gang = until(lambda: describe("gang"), lambda job: job["SecondaryStatus"] == "Pending")
    assert gang["TrainingJobStatus"] == "InProgress"
    assert gang["SecondaryStatusTransitions"][-1]["StatusMessage"] == (
        "waits for the whole machine, since it asks for 4 cores and 8 GiB: 2 of 2 cores and 8 GiB "
        "of 8 GiB are in use by training job first"
    )
    jobs = [
        until(lambda name=name: describe(name), lambda job: job["TrainingJobStatus"] == "Completed")
        for name in ("first", "gang", "last")
    ]
    spans = [times(small.data, aws, job["TrainingJobName"]) for job in jobs]
    assert spans[0][1] <= spans[1][0], "the gang began after the first had ended"
    assert spans[1][1] <= spans[2][0], "the last began after the gang had ended"
    for job, span in zip(jobs, spans, strict=True):
        assert job["TrainingStartTime"] <= span[0], "the time in which it waited is no training"
    events = aws.logs.get_log_events(
        logGroupName="/aws/sagemaker/TrainingJobs",
        logStreamName=aws.logs.describe_log_streams(
            logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix="first/"
        )["logStreams"][0]["logStreamName"],
        startFromHead=True,
    )["events"]
    assert events[0]["message"] == (
        "[flowmaker] 1 x ml.m5.24xlarge are 96 cores and 384 GiB; this machine has 2 cores and "
        "8 GiB: no other job runs beside this one"
    )


def test_a_job_that_waits_is_stopped_at_once(aws: Clients) -> None:
    aws.sagemaker.create_training_job(**asked("long", "ml.m5.large", rounds=100000))
    aws.sagemaker.create_training_job(**asked("waits", "ml.m5.large"))

    def describe(name: str) -> Any:
        return aws.sagemaker.describe_training_job(TrainingJobName=name)

    until(lambda: describe("waits"), lambda job: job["SecondaryStatus"] == "Pending")
    began = time.monotonic()
    aws.sagemaker.stop_training_job(TrainingJobName="waits")
    stopped = until(lambda: describe("waits"), lambda job: job["TrainingJobStatus"] == "Stopped")
    assert time.monotonic() - began < 5
    assert "TrainingStartTime" not in stopped
    assert describe("long")["TrainingJobStatus"] == "InProgress"
    aws.sagemaker.stop_training_job(TrainingJobName="long")
    until(lambda: describe("long"), lambda job: job["TrainingJobStatus"] == "Stopped")


def test_a_task_that_waits_for_a_job_does_not_keep_it_from_its_room(
    aws: Clients, small: House, tmp_path: Path
) -> None:
    @dsl.pipeline(name="whole-machine-twice")
    def pipeline(request: dict):
        trains(request=request).set_cpu_request("2").set_memory_request("8Gi")

    arguments = {"request": asked("from-a-task", "ml.m5.xlarge")}
    done = ran(small, pipeline, tmp_path, seconds=120, arguments=arguments)
    assert done.run.state == "SUCCEEDED", done.error
    assert aws.sagemaker.describe_training_job(TrainingJobName="from-a-task")
