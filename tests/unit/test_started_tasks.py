"""The tasks that processes were started for, page by page."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from flowmaker.pipelines.records.run import Run, RuntimeState, Task, TaskKind
from flowmaker.pipelines.repository import runs, started
from flowmaker.pipelines.repository.started import Among
from flowmaker.store.database import Database

NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def make(database: Database, run_id: str, age: int, tasks: int, namespace: str = "") -> None:
    """A run with so many tasks, half of which were made at the same time, and three others."""
    at = NOW - timedelta(days=age)
    run = Run(
        run_id=run_id,
        display_name=run_id,
        experiment_id="e",
        created_at=at,
        pipeline_spec={},
        namespace=namespace,
    )
    made = [
        Task(
            task_id=f"{run_id}{number:05}",
            run_id=run_id,
            parent_task_id="",
            name=f"t{number}",
            kind=TaskKind.CONTAINER,
            component="c",
            created_at=at + timedelta(seconds=number % 2),
            state=RuntimeState.RUNNING,
            process_id=f"{run_id}{number:05}-1",
        )
        for number in range(tasks)
    ]
    other = replace(made[0], task_id=f"{run_id}-waits", name="waits", process_id="")
    dag = replace(made[0], task_id=f"{run_id}-dag", name="dag", kind=TaskKind.DAG)
    await database.write(runs.insert_run, run)
    changed = replace(run, revision=1)
    assert await database.write(runs.apply, changed, inserted=[*made, other, dag])


async def pages(database: Database, among: Among, size: int) -> list[str]:
    found: list[str] = []
    while True:
        after = found[-1] if found else ""
        page = await database.read(started.page, among, size, after)
        assert page is not None
        found.extend(each.task_id for each in page)
        if len(page) < size:
            return found


@pytest.mark.parametrize("size", [1, 2, 3, 100])
async def test_pages_have_every_task_once(database: Database, size: int) -> None:
    await make(database, "old", 2, 3)
    await make(database, "a", 1, 5)
    await make(database, "b", 1, 4)  # made at the same time as the one before
    await make(database, "other", 0, 2, namespace="alice")
    expected = [
        *("other00000", "other00001"),
        *("b00000", "b00002", "b00001", "b00003"),
        *("a00000", "a00002", "a00004", "a00001", "a00003"),
        *("old00000", "old00002", "old00001"),
    ]
    assert await pages(database, Among(), size) == expected
    assert await pages(database, Among(namespaces=("", "kubeflow")), size) == expected[2:]
    assert await pages(database, Among(run_id="a"), size) == expected[6:11]


async def test_a_page_after_what_has_gone_is_none(database: Database) -> None:
    await make(database, "a", 1, 2)
    assert await database.read(started.page, Among(), 5, "gone") is None


async def test_a_task_is_found_by_its_latest_process_only(database: Database) -> None:
    await make(database, "a", 1, 2)
    found = await database.read(started.by_process, ["a00000-1", "a00001-2", "x-1", ""])
    assert [each.task_id for each in found] == ["a00000"]
