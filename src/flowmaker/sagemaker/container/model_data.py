"""`/opt/ml/model`: a model's data, whole or absent. Contract: "S3ModelDataSource".

What else a model names is at `/opt/ml/additional-model-data-sources/CHANNEL`.

An archive is unpacked; what is not compressed is linked, and its files can be read only.
"""

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flowmaker.sagemaker.container import archives, channels
from flowmaker.sagemaker.container.storage import DataError, JobStorage, location

#: The folder below `/opt/ml` with a folder for each of AdditionalModelDataSources.
ADDITIONAL = "additional-model-data-sources"


def source_of(container: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Where a container's model is, and in which form; None when it has none.

    A ModelDataUrl is an archive.
    """
    if given := container.get("ModelDataSource"):
        return given["S3DataSource"]
    url = container.get("ModelDataUrl")
    return {"S3Uri": url, "S3DataType": "S3Object", "CompressionType": "Gzip"} if url else None


def additional(container: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """What it has beside its model: by its place below `/opt/ml`, where it is and in which form."""
    return {
        f"{ADDITIONAL}/{one['ChannelName']}": one["S3DataSource"]
        for one in container.get("AdditionalModelDataSources", ())
    }


def mistake(source: Mapping[str, Any]) -> str:
    """Why it cannot be; empty if it can."""
    try:
        place = location(source["S3Uri"])
    except DataError as error:
        return str(error)
    is_prefix = source["S3DataType"] == "S3Prefix"
    if is_prefix and source["CompressionType"] == "Gzip":
        return "CompressionType Gzip goes with S3DataType S3Object: the object is a tar archive"
    if is_prefix != (not place.key or place.key.endswith("/")):
        end = "must" if is_prefix else "must not"
        return f"S3Uri of S3DataType {source['S3DataType']} {end} end with a slash: {place.uri}"
    return ""


async def fetch(storage: JobStorage, source: Mapping[str, Any], folder: Path) -> None:
    """Make it the folder.

    Raises:
        DataError: it is not there, may not be read, or is not of that form.
    """
    if source["CompressionType"] == "Gzip":
        stored = await storage.get(location(source["S3Uri"]))
        await asyncio.to_thread(archives.unpack, storage.objects.path(stored), folder)
        return
    if await asyncio.to_thread(folder.exists):
        return
    found = await _files(storage, source)
    part = folder.with_name(f"{folder.name}.part")
    await asyncio.to_thread(shutil.rmtree, part, ignore_errors=True)
    await channels.link(storage.objects, found, part)
    await asyncio.to_thread(part.rename, folder)


async def _files(storage: JobStorage, source: Mapping[str, Any]) -> list[channels.Input]:
    if source["S3DataType"] == "S3Prefix":
        return await channels.inputs(storage, source)
    stored = await storage.get(location(source["S3Uri"]))
    return [channels.Input(stored, stored.key.rpartition("/")[2])]
