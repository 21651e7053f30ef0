"""The program with Optuna in it, which suggests hyperparameters: started when it is needed.

It runs beside the server and not in it: Optuna is large, and thinks for a while.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from flowmaker.errors import FlowmakerError, Unavailable
from flowmaker.executors.executor import Environments, EnvironmentSpec
from flowmaker.sagemaker.lifecycle import suggestions
from flowmaker.sagemaker.records.tuning import Choice, NumberRange, Range, Search, Trial

MODULE = "flowmaker.sagemaker.tuner"
#: A line with the results of ten thousand trials is long.
_LONGEST_LINE = 64 << 20
#: Seconds without a question after which it ends.
_IDLE = 60.0


class NotReady(Exception):  # noqa: N818 - it is no failure
    """Its environment is being made."""


@dataclass(slots=True)
class Tuner:
    """The one program, shared by all tuning jobs: a question at a time."""

    environments: Environments
    _process: asyncio.subprocess.Process | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _idle: asyncio.TimerHandle | None = None

    async def suggest(
        self,
        search: Search,
        *,
        seed: str,
        known: Sequence[Trial],
        tried: Sequence[Trial],
        count: int,
        then: Callable[[], None],
    ) -> list[dict[str, str]]:
        """Values for `count` more trials, given those with an objective and those that run.

        Raises:
            NotReady: `then()` is called when it is worth asking again.
            FlowmakerError: it cannot run here, or it ended.
        """
        lock = (files(MODULE) / "requirements.txt").read_text()
        environment = self.environments.ready(EnvironmentSpec(lock=lock, programs=True), then)
        if environment is None:
            raise NotReady
        question = {
            "seed": seed,
            "maximize": search.maximize,
            "ranges": [_range(one) for one in search.ranges],
            "known": [
                {"values": suggestions.typed(search.ranges, one.chosen), "objective": one.objective}
                for one in known
            ],
            "tried": [suggestions.typed(search.ranges, one.chosen) for one in tried],
            "count": count,
        }
        async with self._turn:
            answer = await self._asked(environment, question)
        integers = {one.name for one in search.ranges if _is_integer(one)}
        return [
            {
                name: value
                if isinstance(value, str)
                else suggestions.text(value, integer=name in integers)
                for name, value in one.items()
            }
            for one in answer
        ]

    async def _asked(self, environment: Path, question: Mapping[str, Any]) -> list[dict[str, Any]]:
        if self._idle:
            self._idle.cancel()
        process = self._process
        if process is None or process.returncode is not None:
            process = self._process = await _started(environment)
        assert process.stdin
        assert process.stdout
        try:
            process.stdin.write(json.dumps(question).encode() + b"\n")
            await process.stdin.drain()
            line = await process.stdout.readline()
        except asyncio.CancelledError:
            # Half a question or half an answer would be taken for the next one's.
            self._end()
            raise
        except (OSError, ValueError) as error:
            self._end()
            raise Unavailable(f"the tuner ended: {error}") from error
        if not line:
            self._end()
            raise Unavailable("the tuner ended; the server's log says why")
        answer = json.loads(line)
        self._idle = asyncio.get_running_loop().call_later(_IDLE, self._end)
        if "error" in answer:
            raise Unavailable(f"the tuner failed: {answer['error']}")
        return answer["values"]

    def _end(self) -> None:
        process, self._process = self._process, None
        if process and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()


async def _started(environment: Path) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            environment / "bin" / "python",
            "-m",
            MODULE,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LONGEST_LINE,
            env={"PATH": "/usr/bin:/bin"},
        )
    except OSError as error:
        raise Unavailable(f"the tuner cannot be started: {error}") from error


def _is_integer(one: Range) -> bool:
    return isinstance(one, NumberRange) and one.integer


def _range(one: Range) -> dict[str, Any]:
    if isinstance(one, Choice):
        return {"name": one.name, "values": list(one.values)}
    return {**asdict(one), "scaling": suggestions.scaling(one).value}


__all__ = ["FlowmakerError", "NotReady", "Tuner"]
