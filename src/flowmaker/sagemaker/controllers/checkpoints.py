"""Checkpoints of a training job: there when it starts, and uploaded while it runs.

Contract: the developer guide, "Checkpoints in Amazon SageMaker AI". What is in S3 is copied to
every instance before it starts; what an instance writes goes there as it runs, and what all
instances have removed of it is deleted there. Instances that give files the same name overwrite
each other's.
"""

import asyncio
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from flowmaker.executors.executor import Mount
from flowmaker.sagemaker.container import channels
from flowmaker.sagemaker.container.processing import ProcessingFolder
from flowmaker.sagemaker.container.storage import DataError, JobStorage, Location, location
from flowmaker.sagemaker.container.training import (
    OPT_ML,
    TrainingFolder,
    checkpoint_configuration,
    checkpoint_place,
)
from flowmaker.sagemaker.controllers.processing_outputs import CONTINUOUS, Uploads


class Checkpoints:
    """The checkpoints of one job. What is done again has the same effect."""

    def __init__(self, staging: Path) -> None:
        """`staging` is a folder beside the instances', for files on their way."""
        self._uploads = Uploads(staging)
        self._there = There(staging.with_name(f"{staging.name}.json"))
        #: What was missing when it was last looked; what the role may not delete.
        self._missing: set[str] = set()
        self._kept: set[str] = set()

    async def restore(
        self, request: Mapping[str, Any], folders: Sequence[TrainingFolder], storage: JobStorage
    ) -> None:
        """Copy what is in S3 to every instance: programs may write to it.

        Raises:
            DataError: it may not be read, or programs cannot have checkpoints where they are asked.
        """
        if not (configuration := checkpoint_configuration(request)):
            return
        if await asyncio.to_thread(_hides, checkpoint_place(request)):
            raise DataError(
                f"CheckpointConfig.LocalPath {configuration['LocalPath']} is a folder of this "
                "machine with files that programs may need. Use one that is not there."
            )
        place = location(configuration["S3Uri"])
        below = Location(place.bucket, f"{place.key.rstrip('/')}/" if place.key else "")
        found = await storage.objects_under(below)
        await storage.readable(found)
        for one in found:
            source = storage.objects.path(one)
            for folder in folders:
                name = channels.relative_name(below.key, one.key)
                await asyncio.to_thread(_copy, source, folder.checkpoints(request) / name)
        await self._there.add({channels.relative_name(below.key, one.key) for one in found})

    def mounts(self, request: Mapping[str, Any], folder: TrainingFolder) -> list[Mount]:
        """How the program of an instance gets to them, if not by its `/opt/ml`."""
        place = checkpoint_place(request)
        if place.is_relative_to(OPT_ML):
            return []
        return [Mount(source=folder.checkpoints(request), target=str(place))]

    async def upload(
        self,
        request: Mapping[str, Any],
        folders: Sequence[TrainingFolder],
        storage: JobStorage,
        *,
        ended: bool,
    ) -> None:
        """Upload what is new: while the job runs, once a file stayed as it was between two looks.

        What was removed goes likewise; where the role may not delete it stays.

        Raises:
            DataError: it may not be written.
        """
        if not (configuration := checkpoint_configuration(request)):
            return
        output = {
            "OutputName": "checkpoints",
            "S3Output": {
                "LocalPath": str(OPT_ML),
                "S3Uri": configuration["S3Uri"],
                "S3UploadMode": CONTINUOUS,
            },
        }
        asked = {"ProcessingOutputConfig": {"Outputs": [output]}}
        # To them the checkpoints are all of `/opt/ml`.
        whole = [ProcessingFolder(root=one.checkpoints(request)) for one in folders]
        await self._uploads.changed(asked, whole, storage, ended=ended)
        await self._there.add(self._uploads.names)
        present = await asyncio.to_thread(_present, whole, output)
        missing = await self._there.names() - present - self._kept
        gone = missing if ended else missing & self._missing
        self._missing = missing
        await self._delete(gone, location(configuration["S3Uri"]), storage)

    async def _delete(self, names: set[str], place: Location, storage: JobStorage) -> None:
        for name in sorted(names):
            try:
                await storage.delete(place.below(name))
            except DataError:
                self._kept.add(name)
        self._uploads.forget(names)
        await self._there.remove(names - self._kept)


class There:
    """The names of a job's checkpoints that are in S3: on the disk, a server may be killed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._names: set[str] | None = None

    async def names(self) -> set[str]:
        if self._names is None:
            self._names = await asyncio.to_thread(_read, self._file)
        return self._names

    async def add(self, names: set[str]) -> None:
        await self._change(await self.names() | names)

    async def remove(self, names: set[str]) -> None:
        await self._change(await self.names() - names)

    async def _change(self, names: set[str]) -> None:
        if names != self._names:
            await asyncio.to_thread(_write, self._file, names)
            self._names = names


def _present(folders: Sequence[ProcessingFolder], output: Mapping[str, Any]) -> set[str]:
    return {name for one in folders for _, name in one.files(output)}


def _read(file: Path) -> set[str]:
    try:
        return set(json.loads(file.read_bytes()))
    except FileNotFoundError:
        return set()


def _write(file: Path, names: set[str]) -> None:
    part = file.with_name(f"{file.name}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_text(json.dumps(sorted(names)))
    part.rename(file)


def _hides(place: PurePosixPath) -> bool:
    """Whether a folder of checkpoints there would hide what this machine has there."""
    if place.is_relative_to(OPT_ML):
        return False
    try:
        return any(Path(place).iterdir())
    except FileNotFoundError:
        return False
    except OSError:
        return True


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
