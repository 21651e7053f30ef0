"""A model server that the test plays, and an endpoint that it serves."""

import asyncio
import contextlib
import io
import json
import tarfile
from collections.abc import Callable
from typing import Any

from flowmaker.executors.executor import ProcessSpec
from tests.fakes.sagemaker import ROLE, XGBOOST, Bench, opt_ml

Answerer = Callable[[str, bytes], tuple[int, bytes]]


class Model:
    """Plays `serve`: an HTTP server on the process's port for each process that is started."""

    def __init__(self) -> None:
        self.answer: Answerer = lambda _path, body: (200, body.upper())
        self.servers: dict[str, asyncio.Server] = {}
        self.connections = 0
        self.exit_code: int | None = None
        #: The servers that are started fail: from which on, and how many.
        self.fails_from, self.failures = 1000, 3
        self.started = 0
        self.artefact = ""
        #: Set when an invocation came that is answered only after `release`.
        self.held: asyncio.Event | None = None
        self.release = asyncio.Event()
        #: As pieces of a chunked answer, which may break off behind them.
        self.chunks: list[bytes] = []
        self.breaks_off = False
        #: Of a container of several models: what is loaded from where, and how many fit.
        self.loads: dict[str, str] | None = None
        self.room = 1000
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, spec: ProcessSpec) -> int | None:
        assert spec.argv[-1] == "serve"
        self.started += 1
        if self.fails_from <= self.started < self.fails_from + self.failures:
            return 1
        artefact = opt_ml(spec) / "model" / "xgboost-model"
        self.artefact = artefact.read_text() if artefact.exists() else ""
        if self.exit_code is None:
            task = asyncio.get_running_loop().create_task(self._serve(spec))
            self._tasks.add(task)
        return self.exit_code

    async def _serve(self, spec: ProcessSpec) -> None:
        port = int(spec.env["SAGEMAKER_BIND_TO_PORT"])
        self.servers[spec.id] = await asyncio.start_server(self._talk, "127.0.0.1", port)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = head.partition("content-length: ")[2].partition("\r\n")[0]
                body = await reader.readexactly(int(length or 0))
                method, path = head.split()[:2]
                if path == "/invocations" and self.held:
                    self.held.set()
                    await self.release.wait()
                if self.chunks and path == "/invocations":
                    self._chunked(writer)
                    break
                status, answer = self._answered(method, path, body)
                writer.write(
                    b"HTTP/1.1 %d x\r\nContent-Type: text/csv\r\nContent-Length: %d\r\n\r\n%s"
                    % (status, len(answer), answer)
                )
        writer.close()

    def _answered(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        if path == "/ping":
            return 200, b""
        name = path.removeprefix("/models").strip("/").partition("/")[0]
        if self.loads is None or not path.startswith("/models"):
            return self.answer(path, body)
        if method == "delete":
            del self.loads[name]
        elif path == "/models":
            wanted = json.loads(body)
            if len(self.loads) >= self.room:
                return 507, b"no memory left"
            self.loads[wanted["model_name"]] = wanted["url"]
        elif name not in self.loads:
            return 404, b"no such model"
        return self.answer(path, body)

    def _chunked(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for chunk in self.chunks:
            writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        if not self.breaks_off:
            writer.write(b"0\r\n\r\n")

    async def close(self) -> None:
        self.release.set()
        for server in self.servers.values():
            server.close()


def packed(content: bytes) -> bytes:
    """A model's archive, with one file."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        info = tarfile.TarInfo("xgboost-model")
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return archive.getvalue()


def variant(name: str, weight: float = 1.0) -> dict[str, Any]:
    """One instance of the model `m`."""
    return {
        "VariantName": name,
        "ModelName": "m",
        "InitialInstanceCount": 1,
        "InstanceType": "ml.m5.large",
        "InitialVariantWeight": weight,
    }


async def create_model(at: Bench, content: bytes = b"") -> None:
    """The model `m`, whose archive has this for its `xgboost-model`."""
    await at.put("model.tar.gz", packed(content))
    await at.ask(
        "CreateModel",
        ModelName="m",
        ExecutionRoleArn=ROLE,
        PrimaryContainer={"Image": XGBOOST, "ModelDataUrl": "s3://data/model.tar.gz"},
    )


async def deploy(at: Bench, *variants: dict[str, Any], **config: Any) -> Any:
    """The endpoint `e`, of a configuration `e`, once it serves or has failed."""
    given = list(variants) or [variant("AllTraffic")]
    await at.ask("CreateEndpointConfig", EndpointConfigName="e", ProductionVariants=given, **config)
    await at.ask("CreateEndpoint", EndpointName="e", EndpointConfigName="e")
    return await settled(at)


async def settled(at: Bench) -> Any:
    """The endpoint once nothing is in progress."""
    return await at.until(
        lambda: at.ask("DescribeEndpoint", EndpointName="e"),
        lambda one: one["EndpointStatus"] not in {"Creating", "Updating", "RollingBack"},
    )


async def invoke(at: Bench, body: bytes = b"abc", **given: Any) -> Any:
    """What the endpoint answers."""
    return await at.ask(
        "InvokeEndpoint",
        service=at.runtime,
        EndpointName="e",
        Body=body,
        ContentType="text/csv",
        **given,
    )
