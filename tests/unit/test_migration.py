"""Older data folders are brought to today's schema; newer ones are refused."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Column, Index, Integer, MetaData, Table, Text, text

from flowmaker.errors import FailedPrecondition
from flowmaker.store import sqlite
from flowmaker.store.database import Database
from flowmaker.store.migration import GENERATION, migrate


def schema(*more: Column[object] | Index) -> MetaData:
    made = MetaData()
    Table("things", made, Column("name", Text, primary_key=True), *more)
    return made


def opened(path: Path, made: MetaData) -> None:
    engine = sqlite.engine(path, readers=1)
    try:
        migrate(engine, made)
    finally:
        engine.dispose()


def test_an_older_table_gets_what_it_lacks_and_keeps_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "flowmaker.db"
    opened(path, schema())
    with sqlite3.connect(path) as old:
        old.execute("INSERT INTO things VALUES ('a')")
    now = schema(
        Column("of", Text, nullable=False, server_default=""),
        Column("size", Integer),
        Index("things_by_of", "of", "name"),
        Index("things_by_size", text("coalesce(size, 0)")),
    )
    opened(path, now)
    opened(path, now)
    with sqlite3.connect(path) as found:
        assert found.execute("SELECT * FROM things").fetchall() == [("a", "", None)]
        plan = found.execute("EXPLAIN QUERY PLAN SELECT name FROM things WHERE of = ''").fetchall()
    assert "things_by_of" in plan[0][3]


def test_a_column_that_old_rows_cannot_have_is_no_migration(tmp_path: Path) -> None:
    path = tmp_path / "flowmaker.db"
    opened(path, schema())
    with pytest.raises(AssertionError, match="size"):
        opened(path, schema(Column("of", Text), Column("size", Integer, nullable=False)))
    with sqlite3.connect(path) as found:
        columns = [row[1] for row in found.execute("PRAGMA table_info(things)")]
    assert columns == ["name"], "all of it or nothing"


def test_a_newer_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "flowmaker.db"
    Database(path).close()
    with sqlite3.connect(path) as newer:
        assert newer.execute("PRAGMA user_version").fetchone() == (GENERATION,)
        newer.execute(f"PRAGMA user_version = {GENERATION + 1}")
    with pytest.raises(FailedPrecondition, match="newer Flowmaker"):
        Database(path)
