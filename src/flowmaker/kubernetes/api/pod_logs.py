"""`kubectl logs POD`: what a task printed, as text, and what it prints until it has ended."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from flowmaker.errors import InvalidInput
from flowmaker.kubernetes.api import given
from flowmaker.kubernetes.pods import CONTAINER, Pod, PodSource

#: Bytes that are read of a log at a time.
PIECE = 1 << 16
#: What needs the time of each line, or the log of a container that was started again.
_NOT_KEPT = {
    "timestamps": "the time of a line is not kept",
    "sinceSeconds": "the time of a line is not kept",
    "sinceTime": "the time of a line is not kept",
    "previous": "each attempt of a task is a pod of its own, and none is started again",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Which part of a log is wanted."""

    follow: bool = False
    #: Lines at its end; None: all.
    tail: int | None = None
    #: Bytes at most; None: all.
    limit: int | None = None


async def answer(request: Request, pod: Pod, source: PodSource) -> Response:
    """The log of the pod, as the parameters of the request ask for it.

    Raises:
        InvalidInput: they ask for what is not kept, or the pod has not begun.
        NotFound: the log has gone.
    """
    part = _part(request, pod)
    file, following = await source.log(pod.name, pod.mark.run_id)
    if file is None and not part.follow:
        raise InvalidInput(
            f'container "{CONTAINER}" in pod "{pod.name}" is waiting to start: ContainerCreating'
        )
    start = 0
    if file is not None and part.tail is not None:
        start = await asyncio.to_thread(start_of_tail, file, part.tail)
    pieces = following if part.follow or file is None else _whole(file)
    return StreamingResponse(_cut(pieces, start, part.limit), media_type="text/plain")


def start_of_tail(path: Path, lines: int) -> int:
    """Where the last so many lines of a file begin; a line may lack its end."""
    with path.open("rb") as file:
        end = at = file.seek(0, 2)
        if not lines:
            return end
        while at:
            start = max(0, at - PIECE)
            file.seek(start)
            piece = file.read(at - start)
            # The end of the file's last line begins no other line.
            index = len(piece) - 1 if at == end and piece.endswith(b"\n") else len(piece)
            while (index := piece.rfind(b"\n", 0, index)) >= 0:
                lines -= 1
                if not lines:
                    return start + index + 1
            at = start
    return 0


def _part(request: Request, pod: Pod) -> Part:
    parameters = request.query_params
    container = parameters.get("container", CONTAINER)
    if container != CONTAINER:
        raise InvalidInput(f"container {container} is not valid for pod {pod.name}")
    for name, why in _NOT_KEPT.items():
        if parameters.get(name, "false") not in ("false", "0", ""):
            raise InvalidInput(f"the parameter {name} is not supported: {why}")
    tail, limit = parameters.get("tailLines"), parameters.get("limitBytes")
    return Part(
        follow=given.flag(request, "follow"),
        tail=None if tail is None else given.number("tailLines", tail),
        limit=None if limit is None else given.number("limitBytes", limit),
    )


async def _whole(file: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(file.open, "rb") as opened:
        while piece := await asyncio.to_thread(opened.read, PIECE):
            yield piece


async def _cut(pieces: AsyncIterator[bytes], skip: int, limit: int | None) -> AsyncIterator[bytes]:
    """All of it but its first bytes, and no more than so many."""
    async for piece in pieces:
        kept = piece[skip:]
        skip -= len(piece) - len(kept)
        if limit is not None:
            kept = kept[:limit]
            limit -= len(kept)
        if kept:
            yield kept
        if limit == 0:
            return
