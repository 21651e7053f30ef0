"""A look into Parquet files: `GET /ui/tables?uri=s3://BUCKET/KEY`.

A program beside the server reads them (`web.parquet`): the server itself has no reader, and what a
file unpacks to is nothing for its memory. The program has no credentials; it asks here for the
parts that it needs.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flowmaker.aws.inside import Asked, Inside
from flowmaker.aws.service import Reply
from flowmaker.errors import InvalidInput, Unavailable
from flowmaker.executors.executor import Environments, EnvironmentSpec
from flowmaker.web.answers import json_response
from flowmaker.web.aws import pieces_of, place_of
from flowmaker.web.session import Session

PROGRAM = "flowmaker.web.parquet"
#: Programs that run at a time, and the memory and the seconds that each may take.
_AT_ONCE, _MEMORY, _SECONDS = 2, 512_000_000, 30
#: Bytes that may be asked for at once, and of an answer.
_LONGEST_PART, _LONGEST_LINE = 64_000_000, 16_000_000

#: Gives so many bytes from a place on.
Part = Callable[[int, int], Awaitable[bytes]]


class Tables:
    """The route of Parquet files."""

    def __init__(self, inside: Inside, environments: Environments) -> None:
        self._inside = inside
        self._environments = environments
        self._turns = asyncio.Semaphore(_AT_ONCE)

    def routes(self, session: Session) -> list[Route]:
        return [Route("/ui/tables", session.guarding(self.show))]

    async def show(self, request: Request) -> Response:
        """The schema and the first rows of an object."""
        place = place_of(request)
        head = await self._inside.call(
            Asked(service="s3", operation="HeadObject", parameters={**place})
        )
        said = head.parameters if isinstance(head, Reply) else head or {}

        async def part(at: int, length: int) -> bytes:
            """Of the object as it was when it was first looked at."""
            span = {"Range": f"bytes={at}-{at + length - 1}", "IfMatch": said["ETag"]}
            asked = Asked(service="s3", operation="GetObject", parameters={**place, **span})
            reply = await self._inside.call(asked)
            assert isinstance(reply, Reply)
            return b"".join([piece async for piece in pieces_of(reply)])

        environment = await self._environment()
        async with self._turns:
            told = await ask_program(environment, int(said["ContentLength"]), part)
        return json_response(told)

    async def _environment(self) -> Path:
        """Made for the first look, and then there.

        Raises:
            EnvironmentFailed: it cannot be made.
        """
        lock = (files(PROGRAM) / "requirements.txt").read_text()
        spec = EnvironmentSpec(lock=lock, programs=True)
        while True:
            again = asyncio.Event()
            environment = self._environments.ready(spec, again.set)
            if environment is not None:
                return environment
            await again.wait()


async def ask_program(
    environment: Path, size: int, part: Part, memory: int = _MEMORY
) -> dict[str, Any]:
    """What the program tells of a file of this size.

    Raises:
        InvalidInput: it is no Parquet file.
        Unavailable: the program did not come to an end.
    """
    process = await asyncio.create_subprocess_exec(
        environment / "bin" / "python",
        "-m",
        PROGRAM,
        str(size),
        str(memory),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=_LONGEST_LINE,
        # Arrow's other allocators take more of the machine than they use.
        env={"PATH": "/usr/bin:/bin", "ARROW_DEFAULT_MEMORY_POOL": "system"},
    )
    try:
        async with asyncio.timeout(_SECONDS):
            answer = await _answer(process, part)
    except TimeoutError:
        raise Unavailable(f"It was not read within {_SECONDS} seconds.") from None
    except (OSError, ValueError) as error:
        raise Unavailable(f"The reader of Parquet files ended: {error}") from error
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    if "error" in answer:
        raise InvalidInput(answer["error"])
    return answer["told"]


async def _answer(process: asyncio.subprocess.Process, part: Part) -> dict[str, Any]:
    """The program's last words, after all the parts that it asked for."""
    assert process.stdin
    assert process.stdout
    while True:
        line = await process.stdout.readline()
        if not line:
            raise ValueError("it takes too much memory, or the file is broken")
        words: dict[str, Any] = json.loads(line)
        if "at" not in words:
            return words
        if words["length"] > _LONGEST_PART:
            raise ValueError("it asked for too much at once")
        process.stdin.write(await part(words["at"], words["length"]))
        await process.stdin.drain()
