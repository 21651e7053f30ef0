"""A server of its own for a measurement."""

import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

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

    def client(self, service: str, config: Config | None = None) -> Any:  # noqa: ANN401 - untyped
        """A boto3 client with the credentials of `flowmaker env`."""
        return boto3.client(
            service,
            config=config,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=self.environment["AWS_SESSION_TOKEN"],
        )


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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port: int, *, seconds: float) -> None:
    """Until something listens on it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    message = f"nothing listens on port {port}"
    raise TimeoutError(message)
