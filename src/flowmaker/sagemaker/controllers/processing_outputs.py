"""What processing jobs leave in S3: at their end, or while they run."""

import asyncio
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flowmaker import ids
from flowmaker.sagemaker.container.processing import ProcessingFolder, outputs
from flowmaker.sagemaker.container.storage import DataError, JobStorage, location

END_OF_JOB, CONTINUOUS = "EndOfJob", "Continuous"
#: What SageMaker's own containers call a file that they have not written whole: it is never
#: uploaded. Source: sagemaker_xgboost_container, checkpointing.py.
UNFINISHED = ".sagemaker-ignore"
#: What tells whether a file was changed: its size, and when it was written last.
Version = tuple[int, int]


def has_continuous(request: Mapping[str, Any]) -> bool:
    """Whether anything is to be uploaded while the job runs."""
    return any(one["S3Output"]["S3UploadMode"] == CONTINUOUS for one in outputs(request))


class Uploads:
    """Uploads of one job. What is done again puts the same objects again."""

    def __init__(self, staging: Path) -> None:
        """`staging` is a folder beside the instances', for files on their way."""
        self._staging = staging
        #: By path and output: what it is called there, and in which version it went.
        self._uploaded: dict[tuple[Path, str], tuple[str, Version]] = {}
        self._seen: dict[tuple[Path, str], Version] = {}

    @property
    def names(self) -> set[str]:
        """What went of Continuous outputs, by its name below its place in S3."""
        return {name for name, _ in self._uploaded.values()}

    def forget(self, names: set[str]) -> None:
        """They are no longer there: they go again, should they come back."""
        self._uploaded = {key: one for key, one in self._uploaded.items() if one[0] not in names}

    async def changed(
        self,
        request: Mapping[str, Any],
        folders: Sequence[ProcessingFolder],
        storage: JobStorage,
        *,
        ended: bool,
    ) -> None:
        """Upload what is new in Continuous outputs.

        While the job runs: once a file has stayed as it was from one look to the next.
        """
        for output in outputs(request):
            if output["S3Output"]["S3UploadMode"] == CONTINUOUS:
                for folder in folders:
                    await self._changed(output, folder, storage, ended=ended)

    async def all(
        self, request: Mapping[str, Any], folders: Sequence[ProcessingFolder], storage: JobStorage
    ) -> None:
        """Upload the outputs of the mode EndOfJob."""
        for output in outputs(request):
            if output["S3Output"]["S3UploadMode"] == END_OF_JOB:
                for folder in folders:
                    for path, name in await asyncio.to_thread(_listed, folder, output):
                        await self._put(storage, output, path, name)

    async def _changed(
        self,
        output: Mapping[str, Any],
        folder: ProcessingFolder,
        storage: JobStorage,
        *,
        ended: bool,
    ) -> None:
        for path, name in await asyncio.to_thread(_listed, folder, output):
            key, version = (path, output["OutputName"]), await asyncio.to_thread(_version, path)
            if version is None or name.endswith(UNFINISHED):
                continue
            settled = ended or self._seen.get(key) == version
            self._seen[key] = version
            if not settled or self._uploaded.get(key) == (name, version):
                continue
            if await self._put(storage, output, path, name, version):
                self._uploaded[key] = (name, version)

    async def _put(
        self,
        storage: JobStorage,
        output: Mapping[str, Any],
        path: Path,
        name: str,
        version: Version | None = None,
    ) -> bool:
        """A copy goes: the file stays, it may belong to another output too.

        Not if it is no longer the `version`: it was written to while it was copied.
        """
        staged = self._staging / ids.token()
        try:
            await asyncio.to_thread(_copy, path, staged)
            if version is not None and await asyncio.to_thread(_version, path) != version:
                await asyncio.to_thread(staged.unlink)
                return False
            await storage.put(location(output["S3Output"]["S3Uri"]).below(name), staged)
        except FileNotFoundError:
            return False  # the program removed it meanwhile
        except DataError as error:
            raise DataError(f"Failed to upload output {output['OutputName']}: {error}") from None
        return True


def _listed(folder: ProcessingFolder, output: Mapping[str, Any]) -> list[tuple[Path, str]]:
    return list(folder.files(output))


def _version(path: Path) -> Version | None:
    """None when the program removed it meanwhile."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return (found.st_size, found.st_mtime_ns)


def _copy(path: Path, staged: Path) -> None:
    staged.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, staged)
    os.utime(staged)
