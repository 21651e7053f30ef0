"""One WebSocket per page, `/ui/changes`: a page hears that something changed, and reads it anew.

The page says what it looks at, at any time, and anew when it has connected again:

    {"run": ID or ""}                            tell of changes of this run
    {"log": {"run": ID, "task": ID, "from": N}}  send the task's log from byte N on; null: none

and is told:

    {"tick": N}                           something was written; at most once in `TICK` seconds
    {"run": ID, "revision": N}            the run that it looks at has changed
    {"log": TASK, "at": N, "text": …}     bytes of the log, from the N-th on
    {"log": TASK, "at": N, "over": true}  the log has ended; with `error` when there is none
"""

import asyncio
import codecs
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

from starlette.websockets import WebSocket, WebSocketDisconnect

from flowmaker.errors import FlowmakerError
from flowmaker.pipelines.repository.steps import revision_of
from flowmaker.store.database import Database
from flowmaker.store.news import News

_log = logging.getLogger(__name__)

#: Seconds at least between two words of changes.
TICK = 0.1
#: Bytes of a log at its end that are sent of a long one: whoever wants it whole downloads it.
TAIL = 4 << 20

#: The log of a task, by the run's id and the task's: the bytes it has, and it as it grows.
Follow = Callable[[str, str], Awaitable[tuple[int, AsyncIterator[bytes]]]]


class Changes:
    """Tells every page that is open."""

    def __init__(self, database: Database, follow: Follow) -> None:
        self._database = database
        self._follow = follow
        self._news = News(database)

    async def serve(self, socket: WebSocket) -> None:
        """Talks with a page until it goes."""
        await socket.accept()
        page = _Page(socket, self._database, self._follow)
        telling = asyncio.create_task(self._tell(page))
        try:
            while True:
                await page.asked(await socket.receive_text())
        except WebSocketDisconnect:
            pass
        except Exception:  # noqa: BLE001 - logged, and the page is told
            _log.exception("a page could not be told what it asked")
            await page.hang_up()
        finally:
            page.close()
            telling.cancel()

    async def _tell(self, page: "_Page") -> None:
        told = -1
        while True:
            told = await self._news.after(told)
            try:
                await page.tell(told)
            except Exception:  # noqa: BLE001 - logged, and the page is told
                # The page connects again, and reads anew what it shows: it must not wait in vain.
                _log.exception("a page could not be told of changes")
                await page.hang_up()
                return
            await asyncio.sleep(TICK)


class _Page:
    """One page that is open, and what it looks at."""

    def __init__(self, socket: WebSocket, database: Database, follow: Follow) -> None:
        self._socket = socket
        self._database = database
        self._follow = follow
        self._run = ""
        self._revision: int | None = -1
        self._log: asyncio.Task[None] | None = None

    async def asked(self, text: str) -> None:
        """Takes what the page says; what cannot be understood closes the connection."""
        try:
            said = _words(text)
            if "run" in said:
                self._run, self._revision = str(said["run"]), -1
                await self._tell_of_run()
            if "log" in said:
                self._read(said["log"])
        except (ValueError, TypeError, KeyError, AttributeError):
            await self._socket.close(1003, "what a page may say is in docs/ui.md")

    def close(self) -> None:
        if self._log is not None:
            self._log.cancel()

    async def hang_up(self) -> None:
        """Ends the connection, as what the page wants to know cannot be told now."""
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # it went meanwhile
            await self._socket.close(1011, "something went wrong inside Flowmaker")

    async def tell(self, number: int) -> None:
        await self._send(tick=number)
        await self._tell_of_run()

    async def _tell_of_run(self) -> None:
        if not self._run:
            return
        revision = await self._database.read(revision_of, self._run)
        if revision != self._revision:
            self._revision = revision
            await self._send(run=self._run, revision=revision)

    def _read(self, asked: dict[str, Any] | None) -> None:
        self.close()
        self._log = None
        if asked is not None:
            run, task, begin = str(asked["run"]), str(asked["task"]), int(asked.get("from", 0))
            self._log = asyncio.create_task(self._send_log(run, task, begin))

    async def _send_log(self, run: str, task: str, begin: int) -> None:
        at, decoder = begin, codecs.getincrementaldecoder("utf-8")(errors="replace")
        try:
            size, pieces = await self._follow(run, task)
            async for place, piece in _from(pieces, begin or size - TAIL):
                await self._send(log=task, at=place, text=decoder.decode(piece))
                at = place + len(piece)
        except FlowmakerError as failure:
            await self._send(log=task, at=at, over=True, error=failure.message)
            return
        except Exception:  # noqa: BLE001 - logged; the page must not wait for what never comes
            _log.exception("a page could not be sent the log of task %s", task)
            said = "The log cannot be read; the server's own log says why."
            await self._send(log=task, at=at, over=True, error=said)
            return
        await self._send(log=task, at=at, over=True)

    async def _send(self, **said: Any) -> None:  # noqa: ANN401 - JSON
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # it went meanwhile
            await self._socket.send_text(json.dumps(said))


def _words(text: str) -> dict[str, Any]:
    """What a page says. Raises ValueError or TypeError when it is none of what it may say."""
    said = dict(cast("dict[str, Any]", json.loads(text)))
    if not said.keys() <= {"run", "log"}:
        raise ValueError(text)
    return said


async def _from(pieces: AsyncIterator[bytes], begin: int) -> AsyncIterator[tuple[int, bytes]]:
    """The pieces from the `begin`-th byte on, each with its place."""
    at = 0
    async for piece in pieces:
        end = at + len(piece)
        if end > begin:
            skipped = max(0, begin - at)
            yield at + skipped, piece[skipped:]
        at = end
