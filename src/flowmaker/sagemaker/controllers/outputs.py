"""What a training job leaves in S3."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

from flowmaker.sagemaker.container import archives
from flowmaker.sagemaker.container.storage import DataError, JobStorage, Location, location
from flowmaker.sagemaker.container.training import TrainingFolder, is_uncompressed
from flowmaker.sagemaker.controllers.parts import Parts
from flowmaker.sagemaker.records.resource import Resource
from flowmaker.sagemaker.records.training import Ending, TrainingState


class Outputs:
    """Packs and uploads. Doing it again puts the same objects again."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def upload(
        self,
        job: Resource,
        state: TrainingState,
        storage: JobStorage,
        folders: Sequence[TrainingFolder],
    ) -> str:
        """`output.tar.gz` however it ended; `model.tar.gz`, or `model/`, unless it failed.

        Returns why it could not be done; empty when it was.
        """
        place = location(job.request["OutputDataConfig"]["S3OutputPath"]).below(job.name)
        work = folders[0].root.parent
        try:
            if state.ending is not Ending.FAILED:
                models = [one.model for one in folders]
                if is_uncompressed(job.request["OutputDataConfig"]):
                    await self._put_files(storage, models, work, place.below("output/model"))
                else:
                    archive = work / "model.tar.gz"
                    await self._pack(storage, models, archive, place.below("output/model.tar.gz"))
            outputs = [one.output for one in folders]
            if await asyncio.to_thread(_any, outputs):
                archive = work / "output.tar.gz"
                await self._pack(storage, outputs, archive, place.below("output/output.tar.gz"))
        except DataError as error:
            return f"ClientError: Artifact upload failed:{error}"
        except OSError as error:
            return f"InternalServerError: Artifact upload failed:{error}"
        return ""

    async def _pack(
        self, storage: JobStorage, folders: Sequence[Path], archive: Path, place: Location
    ) -> None:
        await asyncio.to_thread(archives.pack, folders, archive)
        await storage.put(place, archive, content_type="application/x-tar")

    async def _put_files(
        self, storage: JobStorage, folders: Sequence[Path], work: Path, place: Location
    ) -> None:
        """A copy goes: doing it again finds the file. Links could lead out: they stay behind."""
        staged = work / "model-file"
        for name, path in (await asyncio.to_thread(archives.contents, folders)).items():
            if await asyncio.to_thread(_copy, path, staged):
                await storage.put(place.below(name), staged)


def remove(folder: Path) -> None:
    """Remove a job's folder. Blocking: call it in a thread."""
    shutil.rmtree(folder, ignore_errors=True)


def _any(folders: Sequence[Path]) -> bool:
    return any(next(folder.iterdir(), None) is not None for folder in folders if folder.exists())


def _copy(path: Path, target: Path) -> bool:
    """False: it is no file of its own."""
    if path.is_symlink() or not path.is_file():
        return False
    shutil.copyfile(path, target)
    return True
