"""S3: small and large objects, beside moto's server, one after the other in the same run.

moto keeps objects in memory and checks no signatures; Flowmaker checks, and what it acknowledged
is on the disk.
"""

import statistics
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version

import uv

from bench.server import Measured, free_port, wait_for_port
from bench.wire import Connection, Signer

SMALL = 300
FOUR_KIB = b"x" * 4096
MIB = 1 << 20
LARGE = bytes(range(256)) * (100 * MIB // 256)
ROUNDS = 3
CLIENTS = 8
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


@dataclass(frozen=True)
class Figures:
    """Operations per second of one client and of eight; megabytes per second."""

    put: float
    get: float
    put_by_eight: float
    large_put: float
    large_get: float


def measure(signer: Signer) -> Figures:
    one = Connection(signer.url)
    assert one.ask(signer.message("PUT", "/bench"))[0] == 200
    puts = [signer.message("PUT", f"/bench/k{n}", body=FOUR_KIB) for n in range(SMALL)]
    gets = [signer.message("GET", f"/bench/k{n}") for n in range(SMALL)]
    one.ask_all(puts[:20])
    put = SMALL / _seconds(one, puts)
    get = SMALL / _seconds(one, gets)
    together = _together(signer)
    large_put = signer.message("PUT", "/bench/large", body=LARGE)
    large_get = signer.message("GET", "/bench/large")
    wrote = statistics.median(_seconds(one, [large_put]) for _ in range(ROUNDS))
    read = statistics.median(_seconds(one, [large_get]) for _ in range(ROUNDS))
    one.close()
    size = len(LARGE) / 1e6
    return Figures(put, get, together, size / wrote, size / read)


def _seconds(connection: Connection, messages: list[bytes]) -> float:
    begin = time.perf_counter()
    connection.ask_all(messages)
    return time.perf_counter() - begin


def _together(signer: Signer) -> float:
    """Small puts per second of several clients at once."""
    share = SMALL // 2
    work = [
        [signer.message("PUT", f"/bench/c{client}/k{n}", body=FOUR_KIB) for n in range(share)]
        for client in range(CLIENTS)
    ]
    connections = [Connection(signer.url) for _ in range(CLIENTS)]
    begin = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as threads:
        list(threads.map(Connection.ask_all, connections, work))
    seconds = time.perf_counter() - begin
    for connection in connections:
        connection.close()
    return share * CLIENTS / seconds


@contextmanager
def moto() -> Iterator[Signer]:
    """moto's server of the version whose data Flowmaker uses, in an environment of its own."""
    port = free_port()
    requirement = f"moto[s3,server]=={version('moto')}"
    program = ["tool", "run", "--from", requirement, "moto_server", "-p", str(port)]
    command = [uv.find_uv_bin(), *program]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port, seconds=120)
        yield Signer.of(f"http://127.0.0.1:{port}", KEYS)
    finally:
        process.terminate()
        process.wait()


def report(measured: Measured) -> None:
    ours = measure(Signer.of(measured.url, measured.environment))
    with moto() as signer:
        theirs = measure(signer)
    for name, unit, mine, peer in (
        ("S3 PUT of 4 KB", "/s", ours.put, theirs.put),
        ("S3 PUT of 4 KB, eight clients", "/s", ours.put_by_eight, theirs.put_by_eight),
        ("S3 GET of 4 KB", "/s", ours.get, theirs.get),
        ("S3 PUT of 100 MB", "MB/s", ours.large_put, theirs.large_put),
        ("S3 GET of 100 MB", "MB/s", ours.large_get, theirs.large_get),
    ):
        print(f"{name:40}{mine:8.0f} {unit:5}moto {peer:6.0f}, {mine / peer:5.1f} x")
