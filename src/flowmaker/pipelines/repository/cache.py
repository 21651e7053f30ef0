"""Results of tasks that others may take over, in the database."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.dialects.sqlite import insert

from flowmaker.pipelines.driver.cache import CacheEntry
from flowmaker.store.database import Transaction
from flowmaker.store.schema.pipelines import cache


def find(tx: Transaction, keys: Collection[str]) -> dict[str, CacheEntry]:
    """What is kept under those of `keys` under which something is."""
    rows = tx.execute(select(cache).where(cache.c.key.in_(keys)))
    return {row.key: _entry(row) for row in rows}


def put(tx: Transaction, entry: CacheEntry) -> None:
    """Keep a result; the newest under a key counts."""
    values = {
        "key": entry.key,
        "run_id": entry.run_id,
        "task_id": entry.task_id,
        "created_at": entry.created_at,
        "outputs": dict(entry.outputs),
        "contents": dict(entry.contents),
        "effects": dict(entry.effects),
    }
    tx.execute(
        insert(cache).values(**values).on_conflict_do_update(index_elements=["key"], set_=values)
    )


def _entry(row: Row[Any]) -> CacheEntry:
    return CacheEntry(**row._asdict())  # pyright: ignore[reportPrivateUsage] - it is documented
