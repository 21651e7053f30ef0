"""The socket of changes: what goes wrong on the way ends it, and the page connects again."""

import asyncio
import json
from collections.abc import AsyncIterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from starlette.websockets import WebSocket

from flowmaker.errors import NotFound
from flowmaker.store.database import Database, Transaction
from flowmaker.web import changes


async def no_log(run: str, task: str) -> tuple[int, AsyncIterator[bytes]]:
    raise AssertionError((run, task))


class Browser:
    """The other end of a WebSocket."""

    def __init__(self) -> None:
        self.says: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        self._hears: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        self.socket = WebSocket({"type": "websocket"}, self.says.get, self._hears.put)
        self.says.put_nowait({"type": "websocket.connect"})

    def say(self, **word: Any) -> None:
        self.says.put_nowait({"type": "websocket.receive", "text": json.dumps(word)})

    async def heard(self, name: str) -> Any:
        """The next word's `name`, or the code that ends the connection."""
        while True:
            event = await asyncio.wait_for(self._hears.get(), 20)
            if event["type"] == "websocket.close":
                self.says.put_nowait({"type": "websocket.disconnect", "code": event["code"]})
                return event["code"]
            word = json.loads(event.get("text", "{}"))
            if name in word:
                return word[name]


async def test_a_failure_of_the_database_does_not_silence_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(tmp_path / "flowmaker.db")
    told = changes.Changes(database, no_log)
    fails = False

    def revision_of(tx: Transaction, run: str) -> int | None:
        del tx, run
        if fails:
            raise OperationalError("SELECT", {}, Exception("disk I/O error"))
        return 7

    monkeypatch.setattr(changes, "revision_of", revision_of)
    page = Browser()
    serving = asyncio.create_task(told.serve(page.socket))
    page.say(run="r")
    assert await page.heard("revision") == 7
    fails = True
    await database.write(lambda tx: None)
    assert await page.heard("over") == 1011
    await serving

    fails = False
    again = Browser()
    serving = asyncio.create_task(told.serve(again.socket))
    number = await again.heard("tick")
    await database.write(lambda tx: None)
    assert await again.heard("tick") > number
    again.says.put_nowait({"type": "websocket.disconnect", "code": 1001})
    await serving
    database.close()


async def test_what_a_page_asks_while_the_database_fails_ends_its_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(tmp_path / "flowmaker.db")

    def revision_of(tx: Transaction, run: str) -> int | None:
        raise OperationalError("SELECT", {}, Exception("disk I/O error"))

    monkeypatch.setattr(changes, "revision_of", revision_of)
    page = Browser()
    serving = asyncio.create_task(changes.Changes(database, no_log).serve(page.socket))
    assert await page.heard("tick") == 0
    page.say(run="r")
    assert await page.heard("over") == 1011
    await serving
    database.close()


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (NotFound("there is no task t"), "there is no task t"),
        (
            OSError(5, "Input/output error"),
            "The log cannot be read; the server's own log says why.",
        ),
    ],
)
async def test_a_log_that_cannot_be_read_is_over_and_says_why(
    tmp_path: Path, failure: Exception, told: str
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"first "
        raise failure

    async def follow(run: str, task: str) -> tuple[int, AsyncIterator[bytes]]:
        assert (run, task) == ("r", "t")
        return 6, pieces()

    database = Database(tmp_path / "flowmaker.db")
    page = Browser()
    serving = asyncio.create_task(changes.Changes(database, follow).serve(page.socket))
    page.say(log={"run": "r", "task": "t"})
    assert await page.heard("text") == "first "
    assert await page.heard("error") == told
    page.says.put_nowait({"type": "websocket.disconnect", "code": 1001})
    await serving
    database.close()
