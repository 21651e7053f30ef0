"""Who made an artifact and who read it, across runs."""

from datetime import UTC, datetime
from typing import Any

from flowmaker.pipelines.repository.exchanges import Exchange
from flowmaker.web.lineage import NAMED, lineage

DATA = {"uri": "s3://b/data", "type": {"schemaTitle": "system.Dataset"}}
MODEL = {"uri": "s3://b/model", "type": {"schemaTitle": "system.Model"}}


def exchange(task: str, *, read: Any = None, made: Any = None, **more: Any) -> Exchange:
    return Exchange(
        run_id="r",
        run_name="a run",
        task_id=task,
        task_name=task,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        read=read or {},
        made=made or {},
        **more,
    )


def names(tasks: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(task["task_id"], task["as"]) for task in tasks]


def test_an_artifact_names_its_maker_and_its_readers() -> None:
    data, model = lineage(
        [
            exchange("evaluate", read={"given": [DATA], "candidate": [MODEL]}),
            exchange("train", read={"rows": [DATA]}, made={"model": [MODEL]}),
            exchange("prepare", made={"data": [DATA]}),
        ]
    )
    assert (data["uri"], data["name"], data["type"]) == ("s3://b/data", "data", "system.Dataset")
    assert names(data["made_by"]) == [("prepare", "data")]
    assert names(data["read_by"]) == [("evaluate", "given"), ("train", "rows")]
    assert names(model["made_by"]) == [("train", "model")]
    assert names(model["read_by"]) == [("evaluate", "candidate")]


def test_a_cached_task_says_whose_result_it_took() -> None:
    source = {"run_id": "q", "task_id": "first"}
    (data,) = lineage(
        [
            exchange("again", made={"data": [DATA]}, cached_from=source),
            exchange("first", made={"data": [DATA]}),
        ]
    )
    assert [task["cached_from"] for task in data["made_by"]] == [source, None]


def test_of_many_readers_some_are_named_and_all_counted() -> None:
    readers = [exchange(f"t{number}", read={"x": [DATA]}) for number in range(NAMED + 3)]
    (data,) = lineage(readers)
    assert (len(data["read_by"]), data["read_by_count"]) == (NAMED, NAMED + 3)
