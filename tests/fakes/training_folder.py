"""/opt/ml as SageMaker lays it out, and the built-in algorithms' programs run on it."""

import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from flowmaker.sagemaker.controllers.programs import SHARING

#: Seconds that a training may take, on a machine that is busy with others.
TIMEOUT = 100
#: Runs a module without packages that we have and the programs' environments have not: XGBoost
#: would import them, which takes longer than most of what is trained here.
PROGRAM = """
import runpy, sys
sys.modules |= dict.fromkeys(["pandas", "sklearn"])
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


@dataclass
class TrainingFolder:
    base: Path
    algorithm: str
    environment: Mapping[str, str]

    @property
    def model(self) -> Path:
        return self.base / "model"

    @property
    def failure(self) -> str:
        return (self.base / "output" / "failure").read_text()

    def start(self, command: str, **env: str) -> subprocess.Popen[str]:
        module = f"flowmaker.sagemaker.algorithms.{self.algorithm}"
        base = {"SAGEMAKER_BASE_DIR": str(self.base)}
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, module, command],
            env={**os.environ, **SHARING, **base, **self.environment, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def train(self) -> tuple[int, str]:
        with _no_longer(self.start("train")) as process:
            log, _ = process.communicate(timeout=TIMEOUT)
        return process.returncode, log

    @contextmanager
    def serving(self, **env: str) -> Iterator["Served"]:
        port = free_port()
        process = self.start("serve", SAGEMAKER_BIND_TO_PORT=str(port), **env)
        try:
            assert process.stdout is not None
            log: list[str] = []
            for line in process.stdout:
                log.append(line)
                if "Serving on" in line:
                    break
            else:
                raise AssertionError("".join(log))
            yield Served(port)
        finally:
            process.terminate()
            process.communicate(timeout=30)


def train_together(folders: Sequence[TrainingFolder]) -> list[str]:
    """The logs of the instances of one job, of which each must succeed."""
    with ExitStack() as stack:
        processes = [stack.enter_context(_no_longer(one.start("train"))) for one in folders]
        logs = [process.communicate(timeout=TIMEOUT)[0] for process in processes]
    assert not any(process.returncode for process in processes), "\n".join(logs)
    return logs


@contextmanager
def _no_longer(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """It ends with the block, also with one that failed: no other test meets it."""
    with process:
        try:
            yield process
        finally:
            process.kill()


@dataclass
class Served:
    port: int

    def call(self, method: str, path: str, body: bytes | None = None, **headers: str) -> "Reply":
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, names)
        response = connection.getresponse()
        reply = Reply(response.status, response.read(), response.headers.get("content-type", ""))
        connection.close()
        return reply

    def invoke(self, body: bytes | str, content_type: str, accept: str = "") -> "Reply":
        headers = {"Content_Type": content_type} | ({"Accept": accept} if accept else {})
        data = body.encode() if isinstance(body, str) else body
        return self.call("POST", "/invocations", data, **headers)


@dataclass
class Reply:
    status: int
    body: bytes
    content_type: str


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def training_folder(
    base: Path,
    algorithm: str,
    hyperparameters: Mapping[str, object],
    channels: Mapping[str, tuple[str, Mapping[str, bytes]]],
    *,
    host: str = "algo-1",
    hosts: tuple[str, ...] = ("algo-1",),
    job: str = "job",
) -> TrainingFolder:
    """Writes the folder: channels are name to (content type, file name to bytes)."""
    config = base / "input" / "config"
    config.mkdir(parents=True)
    values = {name: str(value) for name, value in hyperparameters.items()}
    (config / "hyperparameters.json").write_text(json.dumps(values))
    (config / "resourceconfig.json").write_text(
        json.dumps({"current_host": host, "hosts": list(hosts)})
    )
    declared: dict[str, dict[str, str]] = {}
    for name, (content_type, files) in channels.items():
        declared[name] = {"TrainingInputMode": "File"}
        if content_type:
            declared[name]["ContentType"] = content_type
        folder = base / "input" / "data" / name
        folder.mkdir(parents=True)
        for file, data in files.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(data)
    (config / "inputdataconfig.json").write_text(json.dumps(declared))
    return TrainingFolder(base, algorithm, {"TRAINING_JOB_NAME": job})
