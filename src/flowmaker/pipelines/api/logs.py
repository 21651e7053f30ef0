"""What a task printed, what it left, and its debugging: the routes of a run's nodes.

KFP answers the first two outside of its v2beta1 services: the log under /apis/v1alpha1, and an
artifact's bytes as base64 in JSON.
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from flowmaker.errors import FailedPrecondition, InvalidInput, NotFound
from flowmaker.objects.objects import ObjectStore, StoredObject
from flowmaker.pipelines.api import nodes, requests
from flowmaker.pipelines.api.nodes import Node
from flowmaker.pipelines.api.status import answering
from flowmaker.pipelines.records.run import Task
from flowmaker.pipelines.repository import nodes as tasks
from flowmaker.store.database import Database

#: Seconds between looks at a log that is followed.
TICK = 0.15
#: Bytes that are read of a log at a time.
PIECE = 1 << 18
#: An artifact is sent whole, in one JSON string: larger ones go by S3.
LARGEST_ARTIFACT = 64 << 20

#: Prepares a debug session of a task, by the run's id, the task's, and how: what the session needs.
Debug = Callable[[str, str, str], Awaitable[Mapping[str, str]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeRoutes:
    """The routes of `/runs/{run_id}/nodes/{node_id}`."""

    database: Database
    objects: ObjectStore
    #: The log file of a process.
    log: Callable[[str], Path]
    debug: Debug
    #: What a process that is yet to be waits for, by its id; empty for one that does not wait.
    waits_for: Callable[[str], str] = lambda _: ""

    def v1alpha1(self) -> list[Route]:
        return [Route("/runs/{run_id}/nodes/{node_id}/log", answering(self.read_log))]

    def v2beta1(self) -> list[Route]:
        path = "/runs/{run_id}/nodes/{node_id}/artifacts/{name}:read"
        return [Route(path, answering(self.read_artifact))]

    def flowmaker(self) -> list[Route]:
        """Flowmaker's own."""
        path = "/runs/{run_id}/nodes/{node_id}:debug"
        return [Route(path, answering(self.begin_debugging), methods=["POST"])]

    async def read_log(self, request: Request) -> Response:
        """All attempts, one after the other; with `follow=true` until the task has ended."""
        given = requests.parameters(request, ("follow",))
        follow = requests.flag("follow", given.get("follow", ""))
        node = await self._node(request)
        task = nodes.container(node)
        logs = await asyncio.to_thread(nodes.logs, node, self.log)
        if not logs and (task.state.is_final or not follow):
            raise NotFound(_no_log(task))
        if not follow:
            return StreamingResponse(self._whole(logs), media_type="text/plain")
        return StreamingResponse(self.follow(node), media_type="text/plain")

    async def read_artifact(self, request: Request) -> Response:
        requests.parameters(request, ())
        task = (await self._node(request)).task
        stored = await self._artifact(task, request.path_params["name"])
        data = await asyncio.to_thread(self.objects.path(stored).read_bytes)
        return JSONResponse({"data": base64.b64encode(data).decode()})

    async def begin_debugging(self, request: Request) -> Response:
        """Answers with a folder that only its owner can read: what is in it is secret."""
        given = requests.parameters(request, ("how",))
        task = nodes.container(await self._node(request))
        session = await self.debug(task.run_id, task.task_id, given.get("how", ""))
        return JSONResponse(dict(session))

    async def _node(self, request: Request) -> Node:
        run_id, node_id = request.path_params["run_id"], request.path_params["node_id"]
        return await self.database.read(nodes.find, run_id, node_id)

    async def _whole(self, logs: Sequence[Path]) -> AsyncIterator[bytes]:
        tail = _Tail()
        while piece := await asyncio.to_thread(tail.more, logs):
            yield piece

    async def log_of(self, run_id: str, task_id: str) -> tuple[int, AsyncIterator[bytes]]:
        """The bytes that a task's log has, and the log until the task has ended.

        Raises:
            NotFound: there is no such task, or no log of it any more.
        """
        node = await self.database.read(nodes.find, run_id, task_id)
        logs = await asyncio.to_thread(nodes.logs, node, self.log)
        if not logs and nodes.container(node).state.is_final:
            raise NotFound(_no_log(node.task))
        return sum(path.stat().st_size for path in logs), self.follow(node)

    async def log_of_pod(self, run_id: str, pod: str) -> tuple[Path | None, AsyncIterator[bytes]]:
        """The file of the log of one attempt, if there is one; and the log until it has ended.

        Raises:
            NotFound: there is no such task, or no log of it any more.
        """
        node = await self.database.read(nodes.find, run_id, pod)
        logs = await asyncio.to_thread(nodes.logs, node, self.log)
        if not logs and node.task.state.is_final:
            raise NotFound(_no_log(node.task))
        return (logs[0] if logs else None), self.follow(node)

    async def follow(self, node: Node) -> AsyncIterator[bytes]:
        """What a task printed, and what it prints until it has ended."""
        tail = _Tail()
        while True:
            # In this order: what was printed before the end is not missed.
            task = await self.database.read(tasks.get_task, node.task.task_id)
            over = task is None or task.state.is_final or _has_another(task, node.pod)
            now = Node(task=task or node.task, pod=node.pod)
            logs = await asyncio.to_thread(nodes.logs, now, self.log)
            while piece := await asyncio.to_thread(tail.more, logs):
                yield piece
            if over:
                return
            await asyncio.sleep(TICK)

    async def _artifact(self, task: Task, name: str) -> StoredObject:
        outputs = task.outputs.get("artifacts", {})
        if not outputs.get(name):
            has = ", ".join(sorted(outputs)) or "none"
            raise NotFound(f"Task {task.name!r} has no output artifact {name!r}; it has: {has}.")
        uris = [artifact["uri"] for artifact in outputs[name]]
        if len(uris) > 1:
            raise InvalidInput(f"{name!r} is a list of {len(uris)} artifacts: {', '.join(uris)}.")
        bucket, _, key = uris[0].removeprefix("s3://").partition("/")
        stored = await self.objects.get(bucket, key) if uris[0].startswith("s3://") else None
        if stored is None:
            raise NotFound(
                f"There is no object {uris[0]}. What is below it, if it is a folder, is listed by: "
                f"aws s3 ls --recursive {uris[0]}"
            )
        if stored.size > LARGEST_ARTIFACT:
            raise FailedPrecondition(
                f"{uris[0]} has {stored.size} bytes, too many for one answer. "
                f"Get it with: aws s3 cp {uris[0]} ."
            )
        return stored


class _Tail:
    """Reads the logs of one attempt after another, and what grows at their end."""

    def __init__(self) -> None:
        self._index = 0
        self._offset = 0

    def more(self, logs: Sequence[Path]) -> bytes:
        """What comes next, or nothing when nothing does yet."""
        while self._index < len(logs):
            with logs[self._index].open("rb") as file:
                file.seek(self._offset)
                piece = file.read(PIECE)
            if piece:
                self._offset += len(piece)
                return piece
            if self._index + 1 == len(logs):
                break
            self._index += 1
            self._offset = 0
            return f"[flowmaker] attempt {self._index + 1}\n".encode()
        return b""


def _has_another(task: Task, pod: str) -> bool:
    """Whether the pod that is followed is an earlier attempt: nothing more comes from it."""
    return bool(pod) and task.process_id != pod


def _no_log(task: Task) -> str:
    name = f"Task {task.display_name or task.name!r}"
    if not task.process_id:
        why = f": {task.error}" if task.error else ""
        return f"{name} has no log: it is {task.state}, and no process was started for it{why}."
    if task.state.is_final:
        return (
            f"{name} has no log any more: its pipeline's time to live (ttl_seconds_after_…), "
            "`flowmaker gc`, or somebody removed it."
        )
    return f"{name} has no log yet: it is {task.state}."
