"""Batch transform of a file that is larger than the memory that it takes."""

import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.house import House, flowmaker, house
from tests.training import ROLE
from tests.wire.test_sagemaker import Clients, until

BUCKET = "large-transform"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/lines:1"
MEGABYTE = 1 << 20
RECORD = b"0.25,0.5,0.75,1.0\n"
#: About 300 MB of them.
RECORDS = 17_000_000
#: What all processes together may need beside what they have before: payloads of 6 MB on their way,
#: the more of them the busier the machine is.
MOST = 210 * MEGABYTE
#: A model that answers a line for each line.
SERVE = """#!/usr/bin/env python
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.say(200 if self.path == "/ping" else 404, b"")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.say(200, b"1" + b"\\n1" * (body.count(b"\\n") - 1))

    def say(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]


class Watch:
    """How much memory the server and all that runs for it have together, and had at most."""

    def __init__(self, server: House) -> None:
        self._server = server
        self._stop = threading.Event()
        self.most = 0

    def now(self) -> int:
        return sum(self._rss(one) for one in psutil.process_iter())

    def _rss(self, process: psutil.Process) -> int:
        try:
            ours = process.pid == self._server.pid or self._is_of_job(process)
            return process.memory_info().rss if ours else 0
        except (psutil.Error, OSError):  # it has just ended
            return 0

    def _is_of_job(self, process: psutil.Process) -> bool:
        return process.environ().get("AWS_ENDPOINT_URL") == self._server.url

    @contextmanager
    def watching(self) -> Generator[None]:
        thread = threading.Thread(target=self._watch)
        thread.start()
        yield
        self._stop.set()
        thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.05):
            self.most = max(self.most, self.now())


@pytest.fixture
def aws(data: Path, tmp_path: Path) -> Iterator[tuple[House, Clients]]:
    """A server of its own, with the image, the model and the file."""
    source = tmp_path / "lines"
    source.mkdir()
    (source / "serve").write_text(SERVE)
    (source / "serve").chmod(0o755)
    file = tmp_path / "records.csv"
    with file.open("wb") as out:
        for _ in range(RECORDS // 50_000):
            out.write(RECORD * 50_000)
    with house(data) as server:
        flowmaker(
            *("image", "add", IMAGE, "--data", str(data)),
            *("--source", str(source)),
        )
        clients = Clients(server.environment)
        clients.s3.create_bucket(Bucket=BUCKET)
        clients.s3.upload_file(str(file), BUCKET, "in/records.csv")
        clients.sagemaker.create_model(
            ModelName="lines", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE}
        )
        yield server, clients


def test_a_large_file_is_transformed_in_little_memory(aws: tuple[House, Clients]) -> None:
    server, clients = aws
    watch = Watch(server)
    before = watch.now()
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/in/"}
    with watch.watching():
        clients.sagemaker.create_transform_job(
            TransformJobName="large",
            ModelName="lines",
            BatchStrategy="MultiRecord",
            MaxConcurrentTransforms=2,
            TransformInput={
                "DataSource": {"S3DataSource": source},
                "ContentType": "text/csv",
                "SplitType": "Line",
            },
            TransformOutput={"S3OutputPath": f"s3://{BUCKET}/out", "AssembleWith": "Line"},
            TransformResources={"InstanceCount": 1, "InstanceType": "ml.m5.large"},
        )
        done = until(
            lambda: clients.sagemaker.describe_transform_job(TransformJobName="large"),
            lambda one: one["TransformJobStatus"] != "InProgress",
        )
    assert done["TransformJobStatus"] == "Completed", done
    written = clients.s3.head_object(Bucket=BUCKET, Key="out/records.csv.out")["ContentLength"]
    assert written == len(b"1\n") * RECORDS
    assert watch.most - before < MOST
