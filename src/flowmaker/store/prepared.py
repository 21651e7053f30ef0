"""Statements that are carried out so often that the way to the driver counts.

SQLAlchemy makes much of each call that a statement needs but once: 0.9 ms for the three of a step
where the processor's caches are cold, as they are when one comes every 10 ms. Here the statement
is compiled once, and a call converts its parameters and hands them to SQLite's driver. What it
means, and in which transaction, is the same.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Insert, Update
from sqlalchemy.dialects.sqlite import dialect

from flowmaker.store import sqlite

_DIALECT = dialect()


class Prepared:
    """An INSERT or UPDATE of always the same columns."""

    def __init__(self, statement: Insert | Update, columns: Iterable[str]) -> None:
        """`columns` are those that the statement's parameters set; its conditions may have more."""
        self._statement = statement
        self._columns = list(columns)

    def execute(self, tx: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Carry it out for each of the rows.

        Raises:
            KeyError: a row lacks a parameter, or has one that there is not.
            sqlite3.Error: as the driver tells it.
        """
        text, _ = self._compiled
        sqlite.driver(tx).executemany(text, [self._values(row) for row in rows])

    def returning(self, tx: Connection, row: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Carry it out, and what it returns of the first row, as SQLite has it; None: of none."""
        text, _ = self._compiled
        found = sqlite.driver(tx).execute(text, self._values(row)).fetchall()
        return found[0] if found else None

    @cached_property
    def _compiled(self) -> tuple[str, list[tuple[str, "Callable[[Any], Any] | None"]]]:
        """Its text, and its parameters in their order, each with what makes it SQLite's."""
        compiled = self._statement.compile(dialect=_DIALECT, column_keys=self._columns)
        names = compiled.positiontup or []
        processors = [compiled.binds[name].type.bind_processor(_DIALECT) for name in names]
        return str(compiled), list(zip(names, processors, strict=True))

    def _values(self, row: Mapping[str, Any]) -> list[Any]:
        _, parameters = self._compiled
        if len(row) > len(parameters):  # what is not a parameter would go nowhere, and be missed
            raise KeyError(*row.keys() - {name for name, _ in parameters})
        return [
            row[name] if process is None else process(row[name]) for name, process in parameters
        ]
