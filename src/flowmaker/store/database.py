"""Short transactions, off the event loop.

Reads run in a few threads, each on a connection of its own and in a snapshot. Writes run one
after another in one thread; those that wait while another commits are committed together (group
commit: one fsync for all), each in a savepoint of its own, so that one that fails takes nothing
of the others with it. What `write` returned is on the disk.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection

from flowmaker.store import sqlite
from flowmaker.store.migration import migrate
from flowmaker.store.schema import metadata

#: What a repository's function gets as its first argument.
Transaction = Connection

P = ParamSpec("P")
T = TypeVar("T")

READERS = 4
#: Writes that are committed together at most: bounds how long the first of them waits.
GROUP = 256


@dataclass(frozen=True, slots=True)
class _Connection:
    """A connection, and the driver's own, which begins and ends transactions much faster."""

    tx: Connection
    driver: sqlite3.Connection


@dataclass(frozen=True, slots=True)
class _Write:
    """A function that waits for its turn to write, and where its result goes."""

    run: Callable[[Transaction], Any]
    result: Future[Any]


class Database:
    """One database, for the whole life of the server."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # One for each reader, for the writer, and for `read_now` in another thread.
        self._engine = sqlite.engine(path, readers=READERS + 2)
        migrate(self._engine, metadata)
        self._of_thread = threading.local()
        self._of_readers: list[_Connection] = []
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="database-reader")
        self._writes: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._listeners: list[Callable[[], None]] = []
        self._writer = threading.Thread(
            # What is not yet written was not yet acknowledged: it need not keep a process alive.
            target=self._write_all,
            name="database-writer",
            daemon=True,
        )
        self._writer.start()

    async def read(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What `function(transaction, …)` returns, seen in one snapshot of the database."""

        def run() -> T:
            return self._read_kept(lambda tx: function(tx, *args, **kwargs))

        return await asyncio.get_running_loop().run_in_executor(self._readers, run)

    async def write(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What `function(transaction, …)` returns, once all that it wrote is durable.

        Raises whatever it raises; then nothing that it wrote remains. A write that was begun is
        finished even when its caller is cancelled.
        """
        return await asyncio.wrap_future(self._submit(lambda tx: function(tx, *args, **kwargs)))

    def read_now(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """`read`, for a caller in a thread of its own: it blocks."""
        with self._engine.connect() as connection:
            return _in_snapshot(_connection(connection), lambda tx: function(tx, *args, **kwargs))

    def write_now(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """`write`, for a caller in a thread of its own: it blocks."""
        return self._submit(lambda tx: function(tx, *args, **kwargs)).result()

    def on_commit(self, listener: Callable[[], None]) -> None:
        """Call `listener()` after each commit, in the writer's thread: it must return at once."""
        self._listeners.append(listener)

    def close(self) -> None:
        """Finish what waits to be written, then close. No call may follow."""
        self._writes.put(None)
        self._writer.join()
        self._readers.shutdown()
        for kept in self._of_readers:
            kept.tx.close()
        self._engine.dispose()

    def _submit(self, run: Callable[[Transaction], T]) -> Future[T]:
        result: Future[T] = Future()
        self._writes.put(_Write(run, result))
        return result

    def _read_kept(self, run: Callable[[Transaction], T]) -> T:
        """In a reader's thread, on the connection that it has for good."""
        kept: _Connection | None = getattr(self._of_thread, "connection", None)
        if kept is None:
            kept = self._of_thread.connection = _connection(self._engine.connect())
            self._of_readers.append(kept)
        return _in_snapshot(kept, run)

    def _write_all(self) -> None:
        with self._engine.connect() as connection:
            own = _connection(connection)
            while (first := self._writes.get()) is not None:
                group, closing = self._waiting(first)
                self._commit(own, group)
                if closing:
                    return

    def _waiting(self, first: _Write) -> tuple[list[_Write], bool]:
        group = [first]
        while len(group) < GROUP:
            try:
                following = self._writes.get_nowait()
            except queue.Empty:
                break
            if following is None:
                return group, True
            group.append(following)
        return group, False

    def _commit(self, connection: _Connection, group: list[_Write]) -> None:
        """Run a group of writes in one transaction; tell each of them how it ended."""
        settled: list[Callable[[], None]] = []
        try:
            connection.driver.execute("BEGIN IMMEDIATE")
            settled.extend(self._run_one(connection, write) for write in group)
            connection.driver.execute("COMMIT")
        except BaseException as error:  # noqa: BLE001 - whoever waits must be told, whatever it is
            if connection.driver.in_transaction:
                connection.driver.execute("ROLLBACK")
            settled = [_fail(write.result, error) for write in group]
        for settle in settled:
            settle()
        for listener in self._listeners:
            listener()

    def _run_one(self, connection: _Connection, write: _Write) -> Callable[[], None]:
        if not write.result.set_running_or_notify_cancel():
            return lambda: None
        connection.driver.execute("SAVEPOINT one")
        try:
            value = write.run(connection.tx)
        except BaseException as error:  # noqa: BLE001 - it goes to the caller
            connection.driver.execute("ROLLBACK TO one")
            connection.driver.execute("RELEASE one")
            return _fail(write.result, error)
        connection.driver.execute("RELEASE one")
        return lambda: write.result.set_result(value)


def _connection(tx: Connection) -> _Connection:
    return _Connection(tx, sqlite.driver(tx))


def _in_snapshot(connection: _Connection, run: Callable[[Transaction], T]) -> T:
    connection.driver.execute("BEGIN")
    try:
        return run(connection.tx)
    finally:
        connection.driver.execute("ROLLBACK")


def _fail(result: "Future[Any]", error: BaseException) -> Callable[[], None]:
    def settle() -> None:
        if not result.done():
            result.set_exception(error)

    return settle
