"""The work of a batch transform job: every input object through the model."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from flowmaker.sagemaker.container import channels, joining
from flowmaker.sagemaker.container.batches import (
    MEGABYTE,
    Batching,
    Payload,
    assembled,
    payloads,
)
from flowmaker.sagemaker.container.model_client import (
    INVOCATION_SECONDS,
    ModelAnswer,
    ModelClient,
    ModelUnreachable,
)
from flowmaker.sagemaker.container.storage import DataError, JobStorage, location
from flowmaker.sagemaker.controllers import transform_capture as captured
from flowmaker.sagemaker.records.resource import Resource

#: More of what the model says is not quoted.
LONGEST_QUOTE = 600


async def batching(job: Resource, started: datetime, client: ModelClient, port: int) -> Batching:
    """How the job's files are cut. What the request leaves open, the model server may say."""
    request = job.request
    told = await _execution_parameters(client, port)
    given = {**told, **request}
    megabytes = int(given.get("MaxPayloadInMB") or 6)
    return Batching(
        split=request["TransformInput"].get("SplitType", "None"),
        strategy=given.get("BatchStrategy") or "MultiRecord",
        max_payload=megabytes * MEGABYTE if megabytes else 6 * MEGABYTE,
        concurrency=int(given.get("MaxConcurrentTransforms") or 1),
        assemble_lines=request["TransformOutput"].get("AssembleWith") == "Line",
        gzip=request["TransformInput"].get("CompressionType") == "Gzip",
        joining=joining.of_request(request, started),
    )


async def _execution_parameters(client: ModelClient, port: int) -> dict[str, Any]:
    """What `GET /execution-parameters` says; a server need not have it."""
    try:
        answer = await client.get(port, "/execution-parameters")
        said: Any = json.loads(answer.body) if answer.status == 200 else {}  # noqa: PLR2004
    except (ModelUnreachable, ValueError):
        return {}
    names = {"MaxConcurrentTransforms", "BatchStrategy", "MaxPayloadInMB"}
    if not isinstance(said, dict):
        return {}
    return {name: value for name, value in cast("dict[str, Any]", said).items() if name in names}


@dataclass(frozen=True, kw_only=True, slots=True)
class Transforming:
    """One job's work. It can be cancelled at any time, and done again from the start."""

    job: Resource
    storage: JobStorage
    client: ModelClient
    #: Of each instance the ports of its containers, in the order in which a record passes them.
    chains: Sequence[tuple[int, ...]]
    batching: Batching
    started: datetime

    async def run(self, folder: Path) -> str:
        """Transform every object. Returns why it failed; empty when it did not."""
        request = self.job.request
        found = await channels.inputs(
            self.storage, request["TransformInput"]["DataSource"]["S3DataSource"]
        )
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        place = location(request["TransformOutput"]["S3OutputPath"])
        slots = asyncio.Semaphore(self.batching.concurrency * len(self.chains))
        failures: list[str] = []

        async def one(index: int, source: channels.Input) -> None:
            target = folder / f"{index}.out"
            try:
                await self._file(index, source, target, slots)
                out = place.below(f"{source.name}.out")
                await self.storage.put(out, target, content_type=self._accept())
            except DataError as error:
                failures.append(f"ClientError: {error}")

        width = self.batching.concurrency * len(self.chains)
        await _bounded(width, [lambda i=i, s=s: one(i, s) for i, s in enumerate(found)])
        if not failures and "DataCaptureConfig" in request:
            try:
                await captured.put(self.job, self.storage, found, folder, self.started)
            except DataError as error:
                failures.append(f"ClientError: {error}")
        return failures[0] if failures else ""

    async def _file(
        self, index: int, source: channels.Input, target: Path, slots: asyncio.Semaphore
    ) -> None:
        """Write the answers for one file in the order of its records."""
        name = f"s3://{source.stored.bucket}/{source.stored.key}"
        stream = payloads(self.storage.objects.path(source.stored), name, self.batching)
        window: list[tuple[Payload, asyncio.Task[bytes]]] = []
        try:
            with target.open("wb") as out:
                while True:
                    payload = await asyncio.to_thread(_next, stream)
                    if payload is not None:
                        work = self._invoke(index, payload.body, slots)
                        window.append((payload, asyncio.create_task(work)))
                    if not window:
                        return
                    if payload is None or len(window) > self.batching.concurrency:
                        first, task = window[0]
                        answer = await task
                        window.pop(0)
                        answer = await asyncio.to_thread(assembled, first, answer, self.batching)
                        await asyncio.to_thread(out.write, answer)
        except RecordError as error:
            raise RecordError(f"{name}: {error}") from None
        finally:
            tasks = [task for _, task in window]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _invoke(self, index: int, payload: bytes, slots: asyncio.Semaphore) -> bytes:
        headers = {"X-Amzn-SageMaker-Batch": "true"}
        if content_type := self.job.request["TransformInput"].get("ContentType"):
            headers["Content-Type"] = content_type
        if accept := self._accept():
            headers["Accept"] = accept
        configured = self.job.request.get("ModelClientConfig", {})
        seconds = float(configured.get("InvocationsTimeoutInSeconds", 600 if configured else 0))
        async with slots:
            for port in self.chains[index % len(self.chains)]:
                answer = await self._asked(
                    port,
                    payload,
                    headers,
                    seconds=seconds or INVOCATION_SECONDS * 10,
                    retries=int(configured.get("InvocationsMaxRetries", 0)),
                )
                if answer.status >= 400:  # noqa: PLR2004
                    said = answer.body[:LONGEST_QUOTE].decode("utf-8", "replace").strip()
                    raise RecordError(
                        f"Bad HTTP status received from algorithm: {answer.status}. {said}"
                    )
                payload = answer.body
                headers = {**headers, "Content-Type": answer.headers.get("content-type", "")}
        return payload

    async def _asked(
        self, port: int, payload: bytes, headers: dict[str, str], *, seconds: float, retries: int
    ) -> ModelAnswer:
        """The model's answer; asked again if it did not come or was the server's own failure."""
        try:
            answer = await self.client.invoke(port, payload, headers, seconds=seconds)
        except ModelUnreachable as error:
            if not retries:
                raise RecordError(f"the model server did not answer: {error}") from None
        else:
            if answer.status < 500 or not retries:  # noqa: PLR2004
                return answer
        return await self._asked(port, payload, headers, seconds=seconds, retries=retries - 1)

    def _accept(self) -> str:
        return self.job.request["TransformOutput"].get("Accept", "")


class RecordError(DataError):
    """The model did not take a payload."""


async def _bounded(width: int, works: Sequence[Any]) -> None:
    """Run all of them, at most `width` at a time."""
    waiting = iter(works)

    async def worker() -> None:
        for work in waiting:
            await work()

    async with asyncio.TaskGroup() as group:
        for _ in range(min(width, len(works))):
            group.create_task(worker())


def _next(stream: Iterator[Payload]) -> Payload | None:
    return next(stream, None)
