"""Older data folders are brought to today's schema; newer ones are refused."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.exc import IntegrityError

from flowmaker.errors import FailedPrecondition
from flowmaker.store import sqlite
from flowmaker.store.database import Database
from flowmaker.store.migration import GENERATION, migrate
from flowmaker.store.schema.metadata import OF_OLD


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


def with_parts(*, owned: bool) -> MetaData:
    """Things, and what refers to each of them; by owner, or not yet."""

    def owner() -> list[Column[object]]:
        return [Column("owner", Text, primary_key=True, info={OF_OLD: "first"})] if owned else []

    made = MetaData()
    Table("things", made, *owner(), Column("name", Text, primary_key=True), Column("size", Integer))
    names = ["owner", "name"] if owned else ["name"]
    Table(
        "parts",
        made,
        *owner(),
        Column("name", Text, primary_key=True),
        ForeignKeyConstraint(names, [f"things.{name}" for name in names]),
        Index("parts_by_name", "name"),
    )
    return made


def test_a_table_gets_another_primary_key_with_all_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "flowmaker.db"
    opened(path, with_parts(owned=False))
    with sqlite3.connect(path) as old:
        old.executescript(
            "INSERT INTO things VALUES ('a', 1), ('b', NULL); INSERT INTO parts VALUES ('a')"
        )
    opened(path, with_parts(owned=True))
    opened(path, with_parts(owned=True))
    engine = sqlite.engine(path, readers=1)
    with engine.connect() as found:
        assert found.execute(text("SELECT owner, name, size FROM things")).all() == [
            ("first", "a", 1),
            ("first", "b", None),
        ]
        assert found.execute(text("SELECT owner, name FROM parts")).all() == [("first", "a")]
        indexes = found.execute(text("PRAGMA index_list(parts)")).mappings()
        assert "parts_by_name" in {each["name"] for each in indexes}
        found.execute(text("INSERT INTO things VALUES ('second', 'a', 2)"))
        for wrong in (
            "INSERT INTO things VALUES ('first', 'a', 2)",
            "INSERT INTO things (name) VALUES ('c')",
            "INSERT INTO parts VALUES ('second', 'b')",
        ):
            with pytest.raises(IntegrityError):
                found.execute(text(wrong))
    engine.dispose()


def test_what_cannot_be_moved_whole_is_not_moved(tmp_path: Path) -> None:
    path = tmp_path / "flowmaker.db"
    opened(path, with_parts(owned=False))
    with sqlite3.connect(path) as old:
        old.execute("INSERT INTO parts VALUES ('of nothing')")
    with pytest.raises(AssertionError, match="a row of parts refers to none of things"):
        opened(path, with_parts(owned=True))
    with sqlite3.connect(path) as found:
        columns = [row[1] for row in found.execute("PRAGMA table_info(parts)")]
        assert columns == ["name"]
        assert found.execute("SELECT * FROM parts").fetchall() == [("of nothing",)]


def test_a_newer_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "flowmaker.db"
    Database(path).close()
    with sqlite3.connect(path) as newer:
        assert newer.execute("PRAGMA user_version").fetchone() == (GENERATION,)
        newer.execute(f"PRAGMA user_version = {GENERATION + 1}")
    with pytest.raises(FailedPrecondition, match="newer Flowmaker"):
        Database(path)
