"""A prepared statement writes what SQLAlchemy would, and is part of the same transaction."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Integer,
    MetaData,
    Table,
    Text,
    bindparam,
    insert,
    select,
    update,
)

from flowmaker.store import sqlite
from flowmaker.store.database import Transaction
from flowmaker.store.prepared import Prepared
from flowmaker.store.schema.pipelines import tasks

THINGS = Table(
    "things",
    MetaData(),
    Column("name", Text, primary_key=True),
    Column("count", Integer),
    Column("is_new", Boolean, nullable=False),
    Column("said", JSON, nullable=False),
    Column("at", tasks.c.created_at.type),
)
NOW = datetime(2026, 11, 28, 1, 2, 3, 4, tzinfo=UTC)
ROWS: list[dict[str, Any]] = [
    {"name": "a", "count": 1, "is_new": True, "said": {"ü": [1, None, "'"]}, "at": NOW},
    {"name": "b", "count": None, "is_new": False, "said": [], "at": None},
]
INSERT = Prepared(insert(THINGS), THINGS.columns.keys())
UPDATE = Prepared(
    update(THINGS).where(THINGS.c.name == bindparam("of_name")).returning(THINGS.c.is_new),
    ["said", "at"],
)


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[Transaction]:
    engine = sqlite.engine(tmp_path / "things.db", readers=1)
    THINGS.metadata.create_all(engine)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def _raw(tx: Transaction) -> list[tuple[Any, ...]]:
    """As SQLite has them."""
    return [tuple(row) for row in tx.exec_driver_sql("SELECT * FROM things ORDER BY name")]


def test_rows_are_what_sqlalchemy_would_have_written(tx: Transaction) -> None:
    INSERT.execute(tx, ROWS)
    prepared = _raw(tx)
    tx.exec_driver_sql("DELETE FROM things")
    tx.execute(insert(THINGS), ROWS)
    assert prepared == _raw(tx)
    assert len(prepared) == 2
    assert [row._asdict() for row in tx.execute(select(THINGS))] == ROWS


def test_an_update_sets_its_columns_alone_and_returns(tx: Transaction) -> None:
    INSERT.execute(tx, ROWS)
    changed = {"of_name": "a", "said": "new", "at": None}
    assert UPDATE.returning(tx, changed) == (1,)
    assert UPDATE.returning(tx, changed | {"of_name": "of nobody"}) is None
    found = {row.name: row for row in tx.execute(select(THINGS))}
    assert (found["a"].said, found["a"].at, found["a"].count) == ("new", None, 1)
    assert found["b"]._asdict() == ROWS[1]


def test_a_row_that_lacks_a_parameter_is_not_written(tx: Transaction) -> None:
    with pytest.raises(KeyError, match="said"):
        INSERT.execute(tx, [ROWS[0], {"name": "b", "count": 1, "is_new": True, "at": None}])
    assert _raw(tx) == []


def test_what_is_no_parameter_is_not_passed_over(tx: Transaction) -> None:
    INSERT.execute(tx, ROWS)
    with pytest.raises(KeyError, match="count"):
        UPDATE.returning(tx, {"of_name": "a", "said": "new", "at": None, "count": 2})
    assert [row._asdict() for row in tx.execute(select(THINGS))] == ROWS


def test_it_is_rolled_back_with_all_else(tx: Transaction) -> None:
    driver = tx.connection.driver_connection
    assert driver is not None
    driver.execute("BEGIN")
    INSERT.execute(tx, ROWS)
    tx.execute(update(THINGS).values(count=7))
    driver.execute("ROLLBACK")
    assert _raw(tx) == []
