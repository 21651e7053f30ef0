"""`python -m bench.large`: an object of 5 GB, up and down, and what memory the server takes for it.

boto3 uploads it in parts and reads it back in one stream; then one PUT of a body of 4.9 GB, which
no part divides. The client holds a piece at a time. 5 GB of the disk are needed for each.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from boto3.s3.transfer import TransferConfig
from botocore.config import Config

from bench.server import Measured, server
from flowmaker.cli.status import memory

MIB = 1 << 20
PIECE = bytes(range(256)) * (MIB // 256)
PIECES = 5 * 1024
BUCKET = "large"


class Body:
    """Bytes that are made while they are read."""

    def __init__(self, pieces: int) -> None:
        self._size = pieces * MIB
        self._at = 0

    def __len__(self) -> int:
        return self._size

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = (0, self._at, self._size)[whence] + offset
        return self._at

    def read(self, count: int = -1) -> bytes:
        wanted = self._size - self._at if count < 0 else min(count, self._size - self._at)
        begin = self._at % 256
        self._at += wanted
        enough = PIECE if begin + wanted <= MIB else PIECE * (wanted // MIB + 2)
        return enough[begin : begin + wanted]


class Watch:
    """The most memory that a process had while something was done, in MB."""

    def __init__(self, pid: int) -> None:
        self.most = 0.0
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.1):
            self.most = max(self.most, memory(self._pid))


def measured(name: str, running: Measured, work: Callable[[], None], pieces: int) -> None:
    with Watch(running.pid) as watch:
        begin = time.perf_counter()
        work()
        seconds = time.perf_counter() - begin
    rate = pieces * MIB / 1e6 / seconds
    print(f"{name:36}{seconds:7.1f} s {rate:7.0f} MB/s, at most {watch.most:5.0f} MB", flush=True)


def compare(pieces: Iterator[bytes], count: int) -> None:
    """What came is what was sent."""
    found, expected = hashlib.md5(usedforsecurity=False), hashlib.md5(usedforsecurity=False)
    for piece in pieces:
        found.update(piece)
    for _ in range(count):
        expected.update(PIECE)
    assert found.digest() == expected.digest()


def main() -> None:
    with server() as running:
        patient = Config(read_timeout=600, request_checksum_calculation="when_required")
        client = running.client("s3", patient)
        client.create_bucket(Bucket=BUCKET)
        print(f"the server before: {memory(running.pid):.0f} MB", flush=True)
        transfer = TransferConfig(multipart_chunksize=64 * MIB, max_concurrency=4)
        parts: dict[str, Any] = {"Bucket": BUCKET, "Key": "parts"}
        measured(
            "upload of 5 GB in parts of 64 MB",
            running,
            lambda: client.upload_fileobj(Body(PIECES), **parts, Config=transfer),
            PIECES,
        )

        def read() -> None:
            body = client.get_object(**parts)["Body"]
            compare(body.iter_chunks(MIB), PIECES)

        measured("download of it in one stream", running, read, PIECES)
        client.delete_object(**parts)
        whole = PIECES - 100
        measured(
            "one PUT of 4.9 GB",
            running,
            lambda: client.put_object(Bucket=BUCKET, Key="whole", Body=Body(whole)),
            whole,
        )


if __name__ == "__main__":
    main()
