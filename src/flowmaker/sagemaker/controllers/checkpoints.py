"""Checkpoints of a training job: there when it starts, and uploaded while it runs.

Contract: the developer guide, "Checkpoints in Amazon SageMaker AI". What is in S3 is copied to
every instance before it starts; what an instance writes goes there as it runs. What is removed here
stays in S3. Instances that give files the same name overwrite each other's.
"""

import asyncio
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

        Raises:
            DataError: it may not be written.
        """
        configuration = checkpoint_configuration(request)
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
