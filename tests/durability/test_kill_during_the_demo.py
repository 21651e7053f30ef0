"""kill -9 of the server while the demo's pipeline runs: it ends as if nothing had happened."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import kfp
import pytest

from flowmaker.cli.demo import tutorial
from tests.house import House, client_environment, start, stop

#: Every run of the tests kills at other moments; the seed is printed with a failure.
SEED = int(os.environ.get("FLOWMAKER_TEST_SEED", time.time_ns() % 100_000))
KILLS = int(os.environ.get("FLOWMAKER_TEST_KILLS", "2"))


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("number", range(KILLS))
def test_the_pipeline_succeeds_all_the_same(data: Path, number: int) -> None:
    moment = random.Random(SEED + number).uniform(0.0, 8.0)
    print(f"seed {SEED + number}: killing {moment:.2f} s after the run was created")
    before = start(data)
    try:
        _run_and_kill(before, moment)
    finally:
        stop(data)


def _run_and_kill(before: House, moment: float) -> None:
    port = int(before.url.rpartition(":")[2])
    script = subprocess.Popen(
        [sys.executable, str(tutorial()), "--keep"],
        env=client_environment(before.data) | before.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    client = kfp.Client(host=before.url)
    run_id = _wait_for_run(client)
    time.sleep(moment)
    os.kill(before.pid, signal.SIGKILL)
    after = start(before.data, port=port)
    script.kill()  # the client may have noticed; the run must not
    output, _ = script.communicate()

    run = _wait_for_end(kfp.Client(host=after.url), run_id)
    errors = [task.error for task in run.run_details.task_details if task.error]
    assert run.state == "SUCCEEDED", f"{errors}\n{output}"
    started = [task.display_name for task in run.run_details.task_details if task.parent_task_id]
    assert sorted(started) == sorted(set(started)), "a task was started twice"


def _wait_for_run(client: kfp.Client) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        runs = client.list_runs().runs
        if runs:
            return runs[0].run_id
        time.sleep(0.02)
    pytest.fail("the demo created no run within a minute")


def _wait_for_end(client: kfp.Client, run_id: str) -> kfp.client.client.kfp_server_api.V2beta1Run:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        run = client.get_run(run_id)
        if run.state in ("SUCCEEDED", "FAILED", "CANCELED"):
            return run
        time.sleep(0.1)
    pytest.fail(f"the run is {run.state} after two minutes")
