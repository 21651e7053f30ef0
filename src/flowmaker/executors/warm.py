"""The server's side of the zygotes: one per environment and set of modules, kept while used."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flowmaker.errors import Unavailable

_PROGRAM = Path(__file__).with_name("zygote.py")
_MOST_ENVIRONMENTS = 8
_IDLE_SECONDS = 600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Warmth:
    """Which warm interpreter: of which Python, with which modules, with or without `site`."""

    python: Path = Path(sys.executable)
    preload: tuple[str, ...] = ()
    site: bool = True


#: Forks supervisors for commands: the standard library is enough.
BARE = Warmth(site=False)


class Zygotes:
    """Starts warm interpreters when they are first needed and ends those that nobody needs."""

    def __init__(self, home: Path, env: Mapping[str, str]) -> None:
        self._home = home
        self._env = {**env, "HOME": str(home), "TMPDIR": str(home)}
        self._warm: dict[Warmth, _Zygote] = {}

    async def launch(self, warmth: Warmth, folder: Path) -> int:
        """Fork a supervisor for the folder; its pid. A zygote that was killed is replaced once."""
        last_words = ""
        for _ in range(2):
            zygote = self._of(warmth)
            with contextlib.suppress(_Gone):
                return await zygote.launch(folder)
            self._end(warmth, zygote)
            last_words = zygote.last_words
        raise Unavailable(f"cannot start {warmth.python}: {last_words}")

    def end_idle(self) -> None:
        """End the interpreters of environments that were not used for a while."""
        now = asyncio.get_running_loop().time()
        for warmth, zygote in list(self._warm.items()):
            if warmth != BARE and zygote.is_idle and now - zygote.used_at > _IDLE_SECONDS:
                self._end(warmth, zygote)

    def close(self) -> None:
        """End them all. What they forked lives on."""
        for warmth, zygote in list(self._warm.items()):
            self._end(warmth, zygote)

    def _of(self, warmth: Warmth) -> "_Zygote":
        zygote = self._warm.get(warmth)
        if zygote is None:
            self._make_room()
            zygote = self._warm[warmth] = _Zygote(warmth, self._home, self._env)
        return zygote

    def _make_room(self) -> None:
        idle = [w for w, zygote in self._warm.items() if w != BARE and zygote.is_idle]
        if len(self._warm) > _MOST_ENVIRONMENTS and idle:
            oldest = min(idle, key=lambda w: self._warm[w].used_at)
            self._end(oldest, self._warm[oldest])

    def _end(self, warmth: Warmth, zygote: "_Zygote") -> None:
        if self._warm.get(warmth) is zygote:
            del self._warm[warmth]
        zygote.close()


class _Gone(Exception):  # noqa: N818 - it is not an error yet: another is started
    """The zygote ended before it answered."""


class _Zygote:
    """One warm interpreter and the socket to it. It answers requests in their order."""

    def __init__(self, warmth: Warmth, home: Path, env: Mapping[str, str]) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[asyncio.Future[int]] = deque()
        self._turns = asyncio.Semaphore(32)  # more would not fit into the socket
        self._words = home / f"zygote-{os.getpid()}-{id(self):x}.log"
        #: What it said last, known when it is closed.
        self.last_words = ""
        self.used_at = self._loop.time()
        home.mkdir(parents=True, exist_ok=True)
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setblocking(False)  # noqa: FBT003 - its own signature
        options = ["-I"] if warmth.site else ["-I", "-S"]
        command = [str(warmth.python), *options, str(_PROGRAM), str(theirs.fileno())]
        with theirs, self._words.open("wb") as words:
            self._process = self._spawn([*command, *warmth.preload], theirs, words.fileno(), env)
        self._loop.add_reader(self._socket, self._answered)

    def _spawn(
        self, command: list[str], theirs: socket.socket, words: int, env: Mapping[str, str]
    ) -> "subprocess.Popen[bytes] | None":
        try:
            return subprocess.Popen(  # noqa: S603 - our own program
                command,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
                env=dict(env),
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            os.write(words, f"{error.strerror}: {error.filename}".encode())
            return None

    @property
    def is_idle(self) -> bool:
        return not self._waiting

    async def launch(self, folder: Path) -> int:
        async with self._turns:
            self.used_at = self._loop.time()
            answer: asyncio.Future[int] = self._loop.create_future()
            self._waiting.append(answer)
            try:
                self._socket.send(str(folder).encode())
            except OSError as error:
                with contextlib.suppress(ValueError):
                    self._waiting.remove(answer)
                raise _Gone from error
            # A cancelled caller must not shift the answers of the others.
            return await asyncio.shield(answer)

    def _answered(self) -> None:
        try:
            data = self._socket.recv(64)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._fail()
            return
        answer = self._waiting.popleft()
        if not answer.done():
            answer.set_result(int(data))

    def _fail(self) -> None:
        self._loop.remove_reader(self._socket)
        while self._waiting:
            answer = self._waiting.popleft()
            if not answer.done():
                answer.set_exception(_Gone())

    def close(self) -> None:
        """It ends when the socket does; whoever still waits is told."""
        if self._socket.fileno() == -1:
            return
        self._fail()
        self._socket.close()
        with contextlib.suppress(OSError):
            said = self._words.read_text(errors="replace").strip()
            self.last_words = said.rpartition("\n")[2] or "it ended at once"
            self._words.unlink()
        if self._process is not None:
            self._reap(self._process)

    def _reap(self, process: "subprocess.Popen[bytes]") -> None:
        """It may be in the middle of an import; it is waited for without holding up anybody."""
        process.terminate()
        with contextlib.suppress(RuntimeError):  # the loop is closing: nothing waits any more
            self._loop.run_in_executor(None, process.wait)
