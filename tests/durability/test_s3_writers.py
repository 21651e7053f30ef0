"""Writers at full speed, and the server killed under them: what S3 said is so, and nothing else."""

import hashlib
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.house import House, start, stop

KILLS = int(os.environ.get("FLOWMAKER_TEST_KILLS", "2"))
WRITERS, KEYS = 4, 6
BUCKET = "written-to"
PART = 5 << 20
ONCE = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20)


def content(writer: int, number: int) -> bytes:
    """What a writer puts as its n-th: of every size up to 200 kB, and now and then in parts."""
    size = PART + 70_000 if number % 40 == 39 else number * 7919 % 200_000
    seed = f"{writer}-{number} ".encode()
    return (seed * (size // len(seed) + 1))[:size]


@dataclass
class Writer:
    """Puts and deletes keys of its own, one after the other, until it is refused."""

    number: int
    #: By key, what was acknowledged last: the number of the content; None: that it is deleted.
    said: dict[str, int | None] = field(default_factory=dict[str, int | None])
    #: What was asked for and never answered.
    asked: tuple[str, int | None] | None = None
    done: int = 0

    def work(self, s3: Any, enough: Event) -> None:
        while True:
            key = f"writer {self.number}/{self.done % KEYS}"
            number = None if self.done % 11 == 10 else self.done
            self.asked = key, number
            try:
                self._ask(s3, key, number)
            except (BotoCoreError, ClientError):
                return
            self.said[key], self.asked = number, None
            self.done += 1
            if self.done % 25 == 0:
                enough.set()

    def _ask(self, s3: Any, key: str, number: int | None) -> None:
        if number is None:
            s3.delete_object(Bucket=BUCKET, Key=key)
            return
        body = content(self.number, number)
        if len(body) < PART:
            s3.put_object(Bucket=BUCKET, Key=key, Body=body)
            return
        asked = {"Bucket": BUCKET, "Key": key}
        asked["UploadId"] = s3.create_multipart_upload(**asked)["UploadId"]
        pieces = body[:PART], body[PART:]
        parts = [
            {"PartNumber": at, "ETag": s3.upload_part(**asked, PartNumber=at, Body=piece)["ETag"]}
            for at, piece in enumerate(pieces, 1)
        ]
        s3.complete_multipart_upload(**asked, MultipartUpload={"Parts": parts})

    def check(self, found: dict[str, bytes]) -> None:
        """Every key has what was acknowledged last, or what was asked for and not answered."""
        keys = set(self.said)
        if self.asked:
            keys.add(self.asked[0])
        for key in keys:
            possible = [self.said.get(key)]
            if self.asked and self.asked[0] == key:
                possible.append(self.asked[1])
            wanted = [None if one is None else content(self.number, one) for one in possible]
            assert found.get(key) in wanted, key
        if self.asked:  # from now on it is known
            key, number = self.asked
            if number is not None and found.get(key) == content(self.number, number):
                self.said[key] = number
            elif key not in found:
                self.said[key] = None
            self.asked = None
            self.done += 1


@pytest.fixture
def server(tmp_path: Path) -> Iterator[House]:
    yield start(tmp_path)
    stop(tmp_path)


def there(s3: Any) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for one in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        answer = s3.get_object(Bucket=BUCKET, Key=one["Key"])
        found[one["Key"]] = answer["Body"].read()
        if "-" not in one["ETag"]:
            assert one["ETag"] == f'"{hashlib.md5(found[one["Key"]]).hexdigest()}"'
    return found


@pytest.mark.slow
@pytest.mark.timeout(60 + 20 * KILLS)
def test_writers_at_full_speed_while_the_server_is_killed(server: House) -> None:
    server.client("s3").create_bucket(Bucket=BUCKET)
    writers = [Writer(number) for number in range(WRITERS)]
    for _ in range(KILLS):
        enough = Event()
        with ThreadPoolExecutor(WRITERS) as pool:
            working = [pool.submit(one.work, server.client("s3", ONCE), enough) for one in writers]
            assert enough.wait(60)
            os.kill(server.pid, signal.SIGKILL)
            for one in working:
                one.result(60)
        server = start(server.data)
        found = there(server.client("s3"))
        for writer in writers:
            writer.check(found)
        known = {key for writer in writers for key in writer.said}
        assert found.keys() <= known, "nobody asked for it"
