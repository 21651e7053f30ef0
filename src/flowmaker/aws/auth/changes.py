"""When what IAM says has changed: so that nobody decides by what they remember of it.

A counter for each database. Whoever caches what IAM holds keeps the count from before it read,
and reads again when the count is another. All changes to IAM are written through `Changes`.
"""

import asyncio
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from flowmaker.store.database import Database, Transaction

P = ParamSpec("P")
T = TypeVar("T")


class Changes:
    """The count of one database's changes."""

    def __init__(self, database: Database) -> None:
        self._write = database.write
        self.count = 0

    async def write(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """`Database.write`, counted once it is durable, even when the caller is cancelled."""
        writing = asyncio.ensure_future(self._write(function, *args, **kwargs))
        writing.add_done_callback(self._done)
        return await asyncio.shield(writing)

    def _done(self, writing: asyncio.Future[T]) -> None:
        self.count += 1
        if not writing.cancelled():
            writing.exception()  # A caller that was cancelled leaves nobody to ask for it.


_changes: WeakKeyDictionary[Database, Changes] = WeakKeyDictionary()


def changes_of(database: Database) -> Changes:
    """The one counter of that database, so that nobody can be wired to another."""
    return _changes.setdefault(database, Changes(database))
