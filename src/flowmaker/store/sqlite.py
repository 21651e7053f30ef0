"""All that is SQLite's own: how it is opened, and when it makes a transaction durable.

`synchronous=FULL` makes an acknowledged commit survive a power cut, not only a crashed process.
"""

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=10000",
    "PRAGMA temp_store=MEMORY",
)


def engine(path: Path, *, readers: int) -> Engine:
    """An engine on the database file at `path` for at most `readers` connections at a time."""
    made = create_engine(
        f"sqlite:///{path}",
        poolclass=QueuePool,
        pool_size=readers,
        max_overflow=0,
        connect_args={"check_same_thread": False, "autocommit": True}
        if hasattr(sqlite3, "LEGACY_TRANSACTION_CONTROL")
        else {"check_same_thread": False, "isolation_level": None},
    )

    @event.listens_for(made, "connect")
    def set_pragmas(connection: Any, record: Any) -> None:  # noqa: ANN401 - DBAPI objects
        del record
        cursor = connection.cursor()
        for pragma in PRAGMAS:
            cursor.execute(pragma)
        cursor.close()

    return made


def driver(connection: Connection) -> sqlite3.Connection:
    """The driver's own connection, which does much less for each call."""
    own = connection.connection.driver_connection
    assert isinstance(own, sqlite3.Connection), "the engine is SQLite's"
    return own


def damage(path: Path) -> str:
    """What SQLite finds wrong with the database at `path`; empty when nothing is."""
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as file:
            (said,) = file.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if said == "ok" else str(said)
