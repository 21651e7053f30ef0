"""The database commits what returned, and only that."""

import asyncio
import threading
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from flowmaker.store.database import READERS, Database, Transaction


def create(tx: Transaction) -> None:
    tx.execute(text("CREATE TABLE IF NOT EXISTS t (v INTEGER)"))


def insert(tx: Transaction, value: int) -> int:
    tx.execute(text("INSERT INTO t VALUES (:v)"), {"v": value})
    if value < 0:
        raise ValueError(value)
    return value


def values(tx: Transaction) -> list[int]:
    return [row[0] for row in tx.execute(text("SELECT v FROM t ORDER BY v"))]


async def test_a_write_that_fails_takes_nothing_of_its_group_with_it(tmp_path: Path) -> None:
    database = Database(tmp_path / "flowmaker.db")
    await database.write(create)

    results = await asyncio.gather(
        *(database.write(insert, v) for v in (1, -2, 3)), return_exceptions=True
    )

    assert results[0] == 1
    assert isinstance(results[1], ValueError)
    assert await database.read(values) == [1, 3]
    database.close()


async def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    database = Database(tmp_path / "flowmaker.db")
    await database.write(create)
    await database.write(insert, 7)
    database.close()

    again = Database(tmp_path / "flowmaker.db")
    assert await again.read(values) == [7]
    again.close()


async def test_a_read_cannot_keep_a_change(tmp_path: Path) -> None:
    database = Database(tmp_path / "flowmaker.db")
    await database.write(create)
    with pytest.raises(ValueError, match="-1"):
        await database.read(insert, -1)
    await database.read(insert, 5)
    assert await database.read(values) == []
    database.close()


async def test_readers_keep_their_connections_and_leave_one_for_others(tmp_path: Path) -> None:
    database = Database(tmp_path / "flowmaker.db")
    await database.write(create)
    await database.write(insert, 1)
    together = threading.Barrier(READERS)

    def meeting(tx: Transaction) -> list[int]:
        together.wait(10)  # so that each reader has a thread, and a connection, of its own
        return values(tx)

    for _ in range(2):
        found = await asyncio.gather(*(database.read(meeting) for _ in range(READERS)))
        assert found == [[1]] * READERS
    assert await asyncio.to_thread(database.read_now, values) == [1]
    await database.write(insert, 2)
    assert await database.read(values) == [1, 2], "no reader is left in an old snapshot"
    with pytest.raises(OperationalError):
        await database.read(lambda tx: tx.execute(text("SELECT nothing FROM nowhere")))
    assert await database.read(values) == [1, 2], "a read that fails spoils no connection"
    database.close()
