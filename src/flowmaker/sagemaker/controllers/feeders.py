"""The processes that feed channels in Pipe mode: one beside each instance that has any."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flowmaker.errors import FlowmakerError
from flowmaker.executors.executor import Mount, ProcessSpec, ProcessState
from flowmaker.objects.objects import StoredObject
from flowmaker.sagemaker.container import feeder, metrics, pipes
from flowmaker.sagemaker.container.storage import DataError, JobStorage
from flowmaker.sagemaker.container.training import OPT_ML, TrainingFolder
from flowmaker.sagemaker.controllers.parts import Parts


class Feeders:
    """Starts and stops them. What is done again has the same effect."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def prepare(
        self, request: Mapping[str, Any], folders: Sequence[TrainingFolder], storage: JobStorage
    ) -> None:
        """Link the objects beside the instances' folders, and write what is to be fed.

        Raises:
            DataError: they cannot be read.
        """
        plans: list[list[dict[str, Any]]] = [[] for _ in folders]
        for channel in pipes.piped(request):
            try:
                found = await pipes.stream(storage, channel["DataSource"]["S3DataSource"])
            except DataError as error:
                raise DataError(f"Data download failed:{error}") from None
            place = folders[0].root.with_name("pipes") / channel["ChannelName"]
            files = await self._link(found.objects, place)
            entries = [
                [
                    {"text": part}
                    if isinstance(part, str)
                    else {"file": _inside(files[_key(part)], folders[0])}
                    for part in entry
                ]
                for entry in found.entries
            ]
            for index, folder in enumerate(folders):
                # Before the instance starts: it may be faster than the feeder.
                data = folder.root / "input" / "data"
                await asyncio.to_thread(feeder.make, data / f"{channel['ChannelName']}_0")
                target = _inside(data, folder)
                plans[index].append(pipes.plan(channel, entries, target, (index, len(folders))))
        for folder, one in zip(folders, plans, strict=True):
            if one:
                await asyncio.to_thread(_plan(folder).write_text, json.dumps(one))

    async def start(
        self, request: Mapping[str, Any], named: Sequence[str], folders: Sequence[TrainingFolder]
    ) -> None:
        """Start those that do not run.

        Raises:
            DataError: one cannot be started.
        """
        if not pipes.piped(request):
            return
        for process, folder in zip(named, folders, strict=True):
            spec = ProcessSpec(
                id=_id(process),
                argv=(sys.executable, "-I", feeder.__file__, _inside(_plan(folder), folder)),
                mounts=(Mount(source=folder.root.parent, target=str(OPT_ML)),),
                hidden=self._parts.hidden,
            )
            try:
                await self._parts.executor.ensure_started(spec)
            except FlowmakerError as error:
                raise DataError(f"Data feed failed: {error.message}") from None

    async def check(self, request: Mapping[str, Any], named: Sequence[str]) -> None:
        """None has ended but by `stop`: without it, half of the data looks like all.

        Raises:
            DataError: one has ended.
        """
        if not pipes.piped(request):
            return
        for process in named:
            seen = await self._parts.executor.observe(_id(process))
            stopped = seen.outcome is not None and seen.outcome.reason
            if seen.state in {ProcessState.EXITED, ProcessState.LOST} and not stopped:
                log = self._parts.executor.log(_id(process))
                said = await asyncio.to_thread(metrics.last_lines, log)
                raise DataError(f"Data feed failed: {said or 'its process was killed'}")

    async def stop(self, request: Mapping[str, Any], named: Sequence[str]) -> None:
        if pipes.piped(request):
            for process in named:
                await self._parts.executor.stop(_id(process), grace=0)

    async def _link(
        self, objects: Sequence[StoredObject], folder: Path
    ) -> dict[tuple[str, str], Path]:
        """Where each of the objects is as a file."""
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        files: dict[tuple[str, str], Path] = {}
        for number, one in enumerate(objects):
            target = folder / str(number)
            if not await asyncio.to_thread(target.exists):
                await self._parts.objects.link(one, target)
            files[_key(one)] = target
        return files


def _inside(path: Path, folder: TrainingFolder) -> str:
    """How a feeder names what is in the job's folder: it has nothing else of the data folder."""
    return str(path.relative_to(folder.root.parent))


def _plan(folder: TrainingFolder) -> Path:
    return folder.root.with_name(f"{folder.root.name}.pipes.json")


def _id(process: str) -> str:
    return f"{process}-feeder"


def _key(stored: StoredObject) -> tuple[str, str]:
    return stored.bucket, stored.key
