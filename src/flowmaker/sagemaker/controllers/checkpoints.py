"""Checkpoints of a training job: there when it starts, and uploaded while it runs.

Contract: the developer guide, "Checkpoints in Amazon SageMaker AI". What is in S3 is copied to
every instance before it starts; what an instance writes goes there as it runs. What is removed here
stays in S3. Instances that give files the same name overwrite each other's.
"""

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flowmaker.sagemaker.container import channels
from flowmaker.sagemaker.container.processing import ProcessingFolder
from flowmaker.sagemaker.container.storage import JobStorage, Location, location
from flowmaker.sagemaker.container.training import TrainingFolder, checkpoint_configuration
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
            DataError: it may not be read.
        """
        if not (configuration := checkpoint_configuration(request)):
            return
        place = location(configuration["S3Uri"])
        below = Location(place.bucket, f"{place.key.rstrip('/')}/" if place.key else "")
        found = await storage.objects_under(below)
        await storage.readable(found)
        for one in found:
            source = storage.objects.path(one)
            for folder in folders:
                target = _folder(folder).place(configuration["LocalPath"])
                name = channels.relative_name(below.key, one.key)
                await asyncio.to_thread(_copy, source, target / name)

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
            "S3Output": {**configuration, "S3UploadMode": CONTINUOUS},
        }
        asked = {"ProcessingOutputConfig": {"Outputs": [output]}}
        await self._uploads.changed(asked, [_folder(one) for one in folders], storage, ended=ended)


def _folder(folder: TrainingFolder) -> ProcessingFolder:
    """The same `/opt/ml`, which knows how to list what is below a place."""
    return ProcessingFolder(root=folder.root)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
