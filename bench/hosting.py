"""What an endpoint costs: a single row beside the same model's other servers, and an update.

All servers have the same model and are asked by the same client, whose requests were made (and
signed) before the clock starts. One connection is asked in Python; many are asked by `wrk` where it
is installed, which leaves the processors to the servers. In-process is the model without a server.
"""

import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import uv
import xgboost

from bench import processor, wrk
from bench.server import Measured, free_port, server, wait_for_port
from bench.wire import Connection, Signer
from flowmaker.executors import claims

BUCKET = "bench-hosting"
ROLE = "arn:aws:iam::000000000000:role/FlowmakerAdmin"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
COLUMNS, TREES = 10, 100
ROW = ",".join(f"{value:.5f}" for value in np.random.default_rng(1).normal(size=COLUMNS))
ONES, CLIENTS, EACH = 1000, 16, 150
#: That wrk asks for.
WRK_SECONDS = 8
LOAD_SECONDS = 60.0
CREATED = 5
ROUNDS = 3
#: Seconds for a peer with its installation; who takes longer is told as such.
PATIENCE = 600

#: What is installed for each peer, its script, and the request that it takes.
PEERS = {
    "MLflow's model server": (
        ["mlflow>=3,<4", "xgboost-cpu", "pandas", "scikit-learn"],
        "mlflow_server.py",
        ("application/json", json.dumps({"inputs": [[float(value) for value in ROW.split(",")]]})),
    ),
    "Flask in gunicorn": (
        ["flask", "gunicorn", "pandas", "xgboost-cpu"],
        "flask_server.py",
        ("text/csv", ROW),
    ),
}


@dataclass(frozen=True)
class Figures:
    """Of one connection the median and the 99th percentile in ms; of many, requests per second,
    errors, and ms of a processor that the servers took for each."""

    median: float
    p99: float
    rate: float
    errors: int
    processor: float


@dataclass(frozen=True)
class Question:
    """A request, and the processes that answer it."""

    url: str
    path: str
    headers: dict[str, str]
    body: str
    pids: list[int]

    def message(self) -> bytes:
        """Its bytes."""
        host = self.url.removeprefix("http://")
        headers = {"host": host, **self.headers, "content-length": str(len(self.body))}
        lines = [f"POST {self.path} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
        return "\r\n".join([*lines, "", self.body]).encode()


def _model(file: Path) -> xgboost.Booster:
    random = np.random.default_rng(0)
    points = random.normal(size=(2000, COLUMNS)).astype(np.float32)
    data = xgboost.DMatrix(points, label=points.sum(axis=1) > 0)
    given = {"objective": "binary:logistic", "max_depth": 6, "nthread": 1}
    model = xgboost.train(given, data, TREES)
    model.save_model(file)
    return model


def _milliseconds(ask: Callable[[], object], times: int) -> list[float]:
    taken: list[float] = []
    for _ in range(times):
        begin = time.perf_counter()
        ask()
        taken.append(1000 * (time.perf_counter() - begin))
    return sorted(taken)


def _in_process(model: xgboost.Booster) -> float:
    """The least: the row's text becomes numbers, and these a prediction."""

    def ask() -> str:
        row = np.array([ROW.split(",")], dtype=np.float32)
        return str(model.inplace_predict(row).tolist())

    return statistics.median(_milliseconds(ask, ONES))


def _measure(question: Question) -> Figures:
    one, message = Connection(question.url), question.message()
    one.ask_all([message] * 50)
    taken = _milliseconds(lambda: one.ask_all([message]), ONES)
    one.close()
    before = processor.seconds(question.pids)
    counted = _many(question, message)
    used = 1000 * (processor.seconds(question.pids) - before) / counted.requests
    median = statistics.median(taken)
    return Figures(median, taken[int(ONES * 0.99)], counted.rate, counted.errors, used)


def _many(question: Question, message: bytes) -> wrk.Counted:
    """By wrk; where there is none, by threads of Python, which take the processors, too."""
    if wrk.WRK is not None:
        url, body = question.url + question.path, question.body.encode()
        return wrk.run(url, question.headers, body, connections=CLIENTS, seconds=WRK_SECONDS)
    connections = [Connection(question.url) for _ in range(CLIENTS)]
    begin = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as threads:
        list(threads.map(Connection.ask_all, connections, [[message] * EACH] * CLIENTS))
    seconds = time.perf_counter() - begin
    for connection in connections:
        connection.close()
    return wrk.Counted(CLIENTS * EACH, seconds, 0)


@contextmanager
def _peer(requirements: list[str], script: str, file: Path) -> Iterator[tuple[str, int]]:
    """A peer's server and the pid of its first process.

    It is in an environment of its own, which is made for this and thrown away.
    """
    port = free_port()
    packages = [option for each in requirements for option in ("--with", each)]
    program = Path(__file__).parent / "peers" / script
    options = ["--isolated", "--no-project", "--compile-bytecode", "--python", sys.executable]
    command = [uv.find_uv_bin(), "run", *options, *packages, "python", str(program)]
    with tempfile.TemporaryFile() as log:
        running = subprocess.Popen(
            [*command, str(file), str(port)], stdout=log, stderr=log, start_new_session=True
        )
        try:
            wait_for_port(port, seconds=PATIENCE)
            yield f"http://127.0.0.1:{port}", running.pid
        finally:
            _end(running)


def _end(running: "subprocess.Popen[bytes]") -> None:
    """uv passes the signal on to the server, which ends its workers."""
    running.terminate()
    with suppress(subprocess.TimeoutExpired):
        running.wait(20)
        return
    running.kill()


class Hosting:
    """The model on a Flowmaker server."""

    def __init__(self, measured: Measured, file: Path) -> None:
        self._measured = measured
        self._s3, self._sagemaker = measured.client("s3"), measured.client("sagemaker")
        self._s3.create_bucket(Bucket=BUCKET)
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            tar.add(file, arcname="xgboost-model")
        self._s3.put_object(Bucket=BUCKET, Key="model.tar.gz", Body=packed.getvalue())
        url = f"s3://{BUCKET}/model.tar.gz"
        for name in ("one", "two"):
            self._sagemaker.create_model(
                ModelName=name,
                ExecutionRoleArn=ROLE,
                PrimaryContainer={"Image": IMAGE, "ModelDataUrl": url},
            )
            variant = {
                "VariantName": "AllTraffic",
                "ModelName": name,
                "InitialInstanceCount": 1,
                "InstanceType": "ml.m5.large",
            }
            self._sagemaker.create_endpoint_config(
                EndpointConfigName=name, ProductionVariants=[variant]
            )

    def created(self, name: str) -> float:
        """Seconds from the request to InService, looked at every 20 ms."""
        begin = time.perf_counter()
        self._sagemaker.create_endpoint(EndpointName=name, EndpointConfigName="one")
        self._in_service(name)
        return time.perf_counter() - begin

    def update(self, name: str, config: str) -> float:
        begin = time.perf_counter()
        self._sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=config)
        self._in_service(name)
        return time.perf_counter() - begin

    def delete(self, name: str) -> None:
        """Its processes have ended when it is gone."""
        self._sagemaker.delete_endpoint(EndpointName=name)
        while self._sagemaker.list_endpoints(NameContains=name)["Endpoints"]:
            time.sleep(0.02)

    def question(self, name: str) -> Question:
        """Signed now: it is good for five minutes."""
        signer = Signer.of(self._measured.url, self._measured.environment)
        path = f"/endpoints/{name}/invocations"
        headers = signer.headers("POST", path, "sagemaker", ROW.encode(), content_type="text/csv")
        jobs = (self._measured.data / "jobs").glob("[!.]*/")
        pids = [pid for job in jobs if (pid := claims.supervisor_pid(job))]
        return Question(self._measured.url, path, headers, ROW, [self._measured.pid, *pids])

    def _in_service(self, name: str) -> None:
        status = ""
        while status != "InService":
            time.sleep(0.02)
            status = self._sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"]
            assert status != "Failed", "the endpoint failed"


@dataclass
class Load:
    """Requests on many connections, and how many were answered."""

    url: str
    message: bytes
    sent: int = 0
    answered: int = 0
    failed: int = 0
    slowest: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, seconds: float, meanwhile: Callable[[], None]) -> None:
        end = time.monotonic() + seconds
        with ThreadPoolExecutor(CLIENTS) as threads:
            asked = [threads.submit(self._ask, end) for _ in range(CLIENTS)]
            meanwhile()
        for one in asked:
            one.result()

    def _ask(self, end: float) -> None:
        connection = Connection(self.url)
        sent = failed = 0
        slowest = 0.0
        while (begin := time.monotonic()) < end:
            sent += 1
            try:
                status, _ = connection.ask(self.message)
            except (OSError, AssertionError, ValueError):
                status = 0
                connection.close()
            failed += status != 200
            slowest = max(slowest, time.monotonic() - begin)
        connection.close()
        with self._lock:
            self.sent, self.failed = self.sent + sent, self.failed + failed
            self.answered, self.slowest = self.sent - self.failed, max(self.slowest, slowest)


def report(measured: Measured) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "xgboost-model.ubj"
        model = _model(file)
        hosting = Hosting(measured, file)
        hosting.created("bench")  # makes the environment
        _report_rows(hosting, model)
        _report_peers(hosting, file)
        _report_life(hosting)
        _report_load(measured, hosting)
        hosting.delete("bench")


def _row(name: str, figures: Figures, ours: Figures | None = None) -> str:
    text = (
        f"{name:40}{figures.median:8.2f} ms{figures.p99:8.2f} ms{figures.rate:9.0f}/s"
        f"{figures.errors:8}{figures.processor:8.2f} ms"
    )
    return text if ours is None else text + f"{ours.rate / figures.rate:8.1f} x"


def _median(rounds: list[Figures]) -> Figures:
    return Figures(
        statistics.median(each.median for each in rounds),
        statistics.median(each.p99 for each in rounds),
        statistics.median(each.rate for each in rounds),
        sum(each.errors for each in rounds),
        statistics.median(each.processor for each in rounds),
    )


def _report_rows(hosting: Hosting, model: xgboost.Booster) -> None:
    ours = _median([_measure(hosting.question("bench")) for _ in range(ROUNDS)])
    least = _in_process(model)
    client = f"{wrk.WRK}" if wrk.WRK else "threads of Python (wrk is not installed)"
    print(f"{CLIENTS} connections are asked by {client}; load {os.getloadavg()[0]:.1f}")
    print(
        f"{'one row of CSV':40}{'median':>11}{'p99':>11}{f'{CLIENTS} clients':>11}{'errors':>8}"
        f"{'processor':>11}"
    )
    print(f"{'in the process':40}{least:8.2f} ms")
    print(_row("Flowmaker, signed", ours) + f"   over in-process {ours.median - least:.2f} ms")


def _report_peers(hosting: Hosting, file: Path) -> None:
    """Each in turns with Flowmaker, so that both meet the same noise."""
    for name, (requirements, script, (content_type, body)) in PEERS.items():
        ours: list[Figures] = []
        theirs: list[Figures] = []
        headers = {"content-type": content_type}
        try:
            with _peer(requirements, script, file) as (url, pid):
                asked = Question(url, "/invocations", headers, body, [pid])
                for _ in range(ROUNDS):
                    theirs.append(_measure(asked))
                    ours.append(_measure(hosting.question("bench")))
            print(_row(f"{name}; Flowmaker's rate", _median(theirs), _median(ours)))
            print(_row("  Flowmaker in turns with it", _median(ours)))
        except (OSError, AssertionError, subprocess.SubprocessError, ValueError) as error:
            print(f"{name}: could not be measured here: {str(error)[:100]}")


def _report_life(hosting: Hosting) -> None:
    created = [hosting.created(f"bench-{number}") for number in range(CREATED)]
    for number in range(CREATED):
        hosting.delete(f"bench-{number}")
    print(f"endpoint, from create to InService       {statistics.median(created):8.2f} s")


def _report_load(measured: Measured, hosting: Hosting) -> None:
    load = Load(measured.url, hosting.question("bench").message())
    updates: list[float] = []

    def update() -> None:
        for config in ("two", "one"):
            time.sleep(LOAD_SECONDS / 4)
            updates.append(hosting.update("bench", config))

    load.run(LOAD_SECONDS, update)
    print(
        f"{CLIENTS} connections for {LOAD_SECONDS:.0f} s, updated twice (after "
        f"{updates[0]:.1f} and {updates[1]:.1f} s): {load.sent} sent, {load.answered} answered, "
        f"{load.failed} failed; the slowest took {load.slowest:.2f} s"
    )


if __name__ == "__main__":
    with server() as running:
        report(running)
