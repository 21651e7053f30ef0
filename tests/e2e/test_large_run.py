"""A run of thousands of tasks: each is executed once, and the server's memory stays level.

FLOWMAKER_TEST_TASKS=10000 makes it as large as is promised.
"""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import kfp
import pytest
from kfp import dsl

from tests.fakes.kfp_runs import Ran
from tests.house import House, house

TASKS = int(os.environ.get("FLOWMAKER_TEST_TASKS", "2000"))
#: Tasks after which what a run needs is there.
WARM = 500
#: Bytes of the server's memory that a task may leave behind, at most: its row, as it is kept.
PER_TASK = 4096
#: What the allocator and the caches may vary by.
SLACK = 24 << 20


@dsl.component(base_image="python:3.11")
def number(item: int) -> str:
    import uuid

    return f"{item} {uuid.uuid4()}"


@dsl.component(base_image="python:3.11")
def count(said: list):
    import json

    items = [int(one.split()[0]) for one in said]
    counted = {
        "tasks": len(said),
        "executions": len({one.split()[1] for one in said}),
        "in_order": items == list(range(len(items))),
    }
    print("RESULT", json.dumps(counted))


@dsl.pipeline(name="large")
def large(items: list):
    with dsl.ParallelFor(items) as item:
        one = number(item=item).set_caching_options(False)
    count(said=dsl.Collected(one.output)).set_caching_options(False)


@pytest.fixture
def server(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("HOME", str(tmp_path))
    with house(data) as made:
        yield made


def memory(server: House) -> int:
    """Bytes of the server's own process."""
    status = Path(f"/proc/{server.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) * 1024


def state_of(client: kfp.Client, run_id: str) -> str:
    """By a list: a run by itself comes with all of its tasks, which takes memory of its own."""
    (run,) = client.list_runs(
        filter=json.dumps(
            {"predicates": [{"operation": "EQUALS", "key": "id", "stringValue": run_id}]}
        )
    ).runs
    return run.state


def executed(server: House) -> int:
    """How many processes of tasks have begun."""
    return sum(1 for _ in (server.data / "jobs").iterdir())


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_large_run_takes_level_memory(server: House) -> None:
    client = kfp.Client(host=server.url)
    run = client.create_run_from_pipeline_func(large, arguments={"items": list(range(TASKS))})
    while executed(server) < WARM:
        assert state_of(client, run.run_id) in ("PENDING", "RUNNING")
        time.sleep(0.5)
    warm = peak = memory(server)
    while (state := state_of(client, run.run_id)) in ("PENDING", "RUNNING"):
        peak = max(peak, memory(server))
        time.sleep(0.5)
    assert state == "SUCCEEDED"
    print(f"{TASKS} tasks: {warm >> 20} MB after {WARM}, at most {peak >> 20} MB later")
    assert peak - warm < SLACK + TASKS * PER_TASK, (warm, peak)
    counted = Ran(client.get_run(run.run_id), server.data).result("count")
    assert counted == {"tasks": TASKS, "executions": TASKS, "in_order": True}
