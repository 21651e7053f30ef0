"""A deletion that was acknowledged holds, though the server is killed right after it."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import kfp
import pytest
from kfp import compiler, dsl
from kfp_server_api import ApiException

from tests.durability.test_jobs import kill
from tests.durability.test_terminate import of_three_generations
from tests.house import start, stop
from tests.wire.test_kfp_ir_pipeline_config import CONFIG, claims
from tests.wire.test_sagemaker import until


@dsl.pipeline(name="three-generations", pipeline_config=CONFIG)
def three_generations():
    of_three_generations().set_caching_options(enable_caching=False)


def test_killed_right_after_the_acknowledgement(data: Path, tmp_path: Path) -> None:
    package = tmp_path / "three.yaml"
    compiler.Compiler().compile(three_generations, str(package))
    house = start(data)
    try:
        client = kfp.Client(host=house.url)
        run_id = client.create_run_from_pipeline_package(str(package)).run_id
        _until(lambda: len(list(data.glob("jobs/*/work/*.ready"))) == 3)
        client.delete_run(run_id)
        kill(house)

        house = start(data)
        client = kfp.Client(host=house.url)

        with pytest.raises(ApiException) as missing:
            client.get_run(run_id)
        assert missing.value.status == 404
        assert not client.list_runs().runs
        _until(lambda: len(list(data.glob("jobs/*/work/*.told"))) == 3)
        assert _rows(data) > 0, "its processes have not ended"
        assert run_id in claims(house), "they may still use its workspace"
        (home,) = data.glob("jobs/*/work")
        (home / "go").touch()
        _until(lambda: _rows(data) == 0)
        _until(lambda: run_id not in claims(house))
        assert [len(path.read_text().splitlines()) for path in home.glob("*.told")] == [1, 1, 1]
    finally:
        stop(data)


def _rows(data: Path) -> int:
    with closing(sqlite3.connect(data / "flowmaker.db")) as found:
        tables = ("kfp_runs", "kfp_tasks", "kfp_run_removals")
        return sum(found.execute(f"SELECT count(*) FROM {one}").fetchone()[0] for one in tables)


def _until(condition: Callable[[], Any]) -> None:
    until(condition, bool)
