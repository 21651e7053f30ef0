"""A run that goes on is deleted by real clients: what it runs is ended, then all of it is gone."""

import sqlite3
import time
import warnings
from contextlib import closing
from pathlib import Path
from typing import Any

import kfp
import pytest
from kfp import compiler, dsl
from kfp_server_api import ApiException

from flowmaker.executors import claims
from tests.house import House, flowmaker
from tests.wire.test_kfp_ir_pipeline_config import CONFIG, eventually
from tests.wire.test_kfp_ir_pipeline_config import claims as volume_claims


@dsl.component(base_image="python:3.11")
def stays_until_it_may_go(folder: str):
    """It is told to end, says so, and ends when the test lets it."""
    import signal
    import sys
    import time
    from pathlib import Path

    signal.signal(signal.SIGTERM, lambda *_: Path("told").touch())
    Path("begun").touch()
    while not Path("told").exists() or not Path("go").exists():
        time.sleep(0.01)
    Path(folder, "last-word").write_text("the workspace was still there")
    Path("said").touch()
    sys.exit(1)


@dsl.component(base_image="python:3.11")
def clean_up():
    print("it runs")


@dsl.pipeline(name="deleted-while-it-runs", pipeline_config=CONFIG)
def pipeline():
    with dsl.ExitHandler(clean_up()):
        stays_until_it_may_go(folder=dsl.WORKSPACE_PATH_PLACEHOLDER)


@pytest.fixture
def client(server: House) -> kfp.Client:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return kfp.Client(host=server.url)


def begun(server: House, client: kfp.Client, folder: Path) -> tuple[str, Path]:
    """The run, and the folder of its only process, which runs."""
    package = folder / "pipeline.yaml"
    compiler.Compiler().compile(pipeline, str(package))
    run_id = client.create_run_from_pipeline_package(str(package), enable_caching=False).run_id

    def jobs() -> list[Path]:
        details = client.get_run(run_id).run_details
        ids = [task.task_id for task in details.task_details] if details else []
        found = [each for one in ids for each in server.data.glob(f"jobs/{one}-*")]
        return [each for each in found if (each / "work" / "begun").exists()]

    assert eventually(lambda: bool(jobs()))
    (job,) = jobs()
    return run_id, job


def rows_of(server: House, run_id: str) -> int:
    """How many rows of all tables of runs and tasks are of the run."""
    tables = ("kfp_runs", "kfp_tasks", "kfp_run_removals")
    with closing(sqlite3.connect(server.data / "flowmaker.db")) as found:
        return sum(
            found.execute(f"SELECT count(*) FROM {table} WHERE run_id = ?", (run_id,)).fetchone()[0]
            for table in tables
        )


def test_it_is_gone_at_once_and_its_process_is_ended(
    server: House, client: kfp.Client, tmp_path: Path
) -> None:
    run_id, job = begun(server, client, tmp_path)
    asked = time.monotonic()
    client.delete_run(run_id)
    assert time.monotonic() - asked < 1
    calls: list[Any] = [client.get_run, client.terminate_run, client.archive_run, client.delete_run]
    for call in (*calls, client.runs.run_service_retry_run):
        with pytest.raises(ApiException) as missing:
            call(run_id)
        assert missing.value.status == 404
    assert run_id not in [run.run_id for run in client.list_runs(page_size=100).runs or ()]

    assert eventually((job / "work" / "told").exists)
    assert run_id in volume_claims(server)
    assert job.name in server.run("kubectl", "get", "pods", "-n", "kubeflow", "-o", "name")
    assert rows_of(server, run_id) > 1
    (job / "work" / "go").touch()

    assert eventually(lambda: rows_of(server, run_id) == 0)
    assert (job / "work" / "said").exists()
    assert eventually(lambda: run_id not in volume_claims(server))
    assert eventually(lambda: claims.supervisor_pid(job) is None)
    would = flowmaker("gc", "--dry-run", "--data", str(server.data)).stdout
    assert "of runs that were deleted" in would


def test_the_kfp_command_deletes_it(server: House, client: kfp.Client, tmp_path: Path) -> None:
    run_id, job = begun(server, client, tmp_path)
    (job / "work" / "go").touch()
    command = ("kfp", "--endpoint", server.url, "run", "delete", run_id)
    said = server.run(*command, stdin="y\n")
    assert run_id in said
    assert eventually(lambda: rows_of(server, run_id) == 0)
    assert (job / "work" / "said").exists()
    logs = "".join(each.read_text() for each in server.data.glob("jobs/*/log"))
    assert "it runs" not in logs, "an exit handler does not run"
