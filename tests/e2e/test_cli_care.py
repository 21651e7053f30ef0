"""`flowmaker gc`, `doctor` and `status` on a data folder that has been worked with."""

import os
from pathlib import Path

import kfp
import pytest
from kfp import dsl

from tests.house import flowmaker, house, stop


@dsl.component(base_image="python:3.11")
def shout() -> None:
    print("AGAIN")


@dsl.pipeline(name="shouting")
def shouting() -> None:
    shout().set_caching_options(enable_caching=False)


def folders(data: Path) -> set[str]:
    return {path.name for path in data.glob("jobs/*/")}


def test_gc_removes_what_nothing_needs_and_nothing_else(data: Path) -> None:
    option = ("--data", str(data))
    with house(data) as server:
        client = kfp.Client(host=server.url)
        runs = [
            client.create_run_from_pipeline_func(shouting, arguments={}).run_id for _ in range(2)
        ]
        for run_id in runs:
            client.wait_for_run_completion(run_id, 60, sleep_duration=0.2)
        before = folders(data)
        assert len(before) == 2
        assert "There is nothing to remove." in flowmaker("gc", *option).stdout

        client.delete_run(runs[0])
        old = data / "jobs" / "debug-old"
        (old / "work").mkdir(parents=True)
        os.utime(old, (0, 0))
        (data / "jobs" / "somebody").mkdir()

        would = flowmaker("gc", "--dry-run", *option).stdout
        assert "Would remove 1 folder of runs that were deleted: " in would
        assert "Would remove 1 folder of debug sessions that are over: " in would
        assert before < folders(data)
        done = flowmaker("gc", *option).stdout
        assert "Removed 1 folder of runs that were deleted: " in done
        assert "A server runs, so its environments were left alone." in done
        left = folders(data)
        assert len(left & before) == 1
        assert left - before == {"somebody"}
        shown = flowmaker("logs", *option, runs[1]).stdout
        assert "AGAIN" in shown


def test_gc_frees_environments_only_while_no_server_runs(tmp_path: Path) -> None:
    option = ("--data", str(tmp_path))
    with house(tmp_path):
        unused = tmp_path / "envs" / ("0" * 32)
        unused.mkdir(parents=True)
        os.utime(unused, (0, 0))
        flowmaker("gc", *option)
        assert unused.exists()
        stop(tmp_path)
        flowmaker("gc", "--dry-run", *option)
        assert unused.exists()
        told = flowmaker("gc", *option).stdout
        assert "Removed 1 folder of environments that nothing used for long" in told
        assert not unused.exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--older-than", "soon"), 2, "'soon' is no age: write 12h, 30d or 8w"),
        ((), 1, "is no data folder"),
    ],
)
def test_gc_refuses_nonsense(
    tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    refused = flowmaker("gc", "--data", str(tmp_path), *arguments, check=False)
    assert refused.returncode == code
    assert words in refused.stderr


def test_doctor_says_what_is_wrong(tmp_path: Path) -> None:
    command = ("doctor", "--offline", "--data", str(tmp_path))
    assert "is yet to be made, by `flowmaker up`" in flowmaker(*command).stdout
    with house(tmp_path) as server:
        fine = flowmaker(*command).stdout
        assert "BROKEN" not in fine
        assert f"the server answers at {server.url}" in fine
        for words in ("processes are ", "environments are made by", "the database is sound"):
            assert words in fine
        status = flowmaker("status", "--data", str(tmp_path)).stdout
        for words in ("0 runs going", "0 SageMaker jobs going, 0 endpoints", "up for ", "GB free"):
            assert words in status

    (tmp_path / "worker.key").chmod(0o644)
    found = flowmaker(*command, check=False)
    assert found.returncode == 1
    assert f"BROKEN   others may read {tmp_path / 'worker.key'}: chmod go=" in found.stdout
    (tmp_path / "worker.key").chmod(0o600)

    for log in tmp_path.glob("flowmaker.db-*"):
        log.unlink()
    with (tmp_path / "flowmaker.db").open("r+b") as file:
        file.seek(0)
        file.write(b"no database at all")
    damaged = flowmaker(*command, check=False)
    assert damaged.returncode == 1
    assert "flowmaker.db is damaged" in damaged.stdout
