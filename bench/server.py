"""A server of its own for a measurement."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FLOWMAKER = (sys.executable, "-m", "flowmaker")


@dataclass(frozen=True)
class Measured:
    """A server that runs, and how long it took until it did."""

    data: Path
    environment: dict[str, str]
    pid: int
    seconds_to_ready: float

    @property
    def url(self) -> str:
        return self.environment["KF_PIPELINES_ENDPOINT"]


@contextmanager
def server(data: Path | None = None) -> Iterator[Measured]:
    """A detached server on a free port, stopped at the end."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = data or Path(temporary)
        option = ["--data", str(folder)]
        begin = time.perf_counter()
        subprocess.run([*FLOWMAKER, "up", "--detach", "--port", "0", *option], check=True,
                       capture_output=True)  # fmt: skip
        seconds = time.perf_counter() - begin
        try:
            shown = subprocess.run([*FLOWMAKER, "env", "--format", "json", *option], check=True,
                                   capture_output=True)  # fmt: skip
            running = json.loads((folder / "server.json").read_text())
            yield Measured(folder, json.loads(shown.stdout), running["pid"], seconds)
        finally:
            subprocess.run([*FLOWMAKER, "down", *option], check=True, capture_output=True)
