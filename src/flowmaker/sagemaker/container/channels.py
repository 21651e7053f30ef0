"""Channels: which objects of S3 an instance finds as which files."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowmaker.objects.objects import ObjectStore, StoredObject
from flowmaker.sagemaker.container.storage import DataError, JobStorage, Location, location

#: A manifest is read as a whole.
LARGEST_MANIFEST = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Input:
    """An object, and its name under the folder that it goes to."""

    stored: StoredObject
    name: str


async def inputs(storage: JobStorage, source: Mapping[str, Any]) -> list[Input]:
    """The inputs that an S3DataSource names, all of which the role may read.

    Raises:
        DataError: there is none, or one of them cannot be read.
    """
    place = location(source["S3Uri"])
    if source.get("S3DataType") == "ManifestFile":
        found = await _of_manifest(storage, place)
    else:
        found = [
            Input(one, relative_name(place.key, one.key))
            for one in await storage.objects_under(place)
        ]
    if not found:
        raise DataError(f"No S3 objects found under S3 URL {place.uri}")
    for one in found:
        _check_name(one)
    await storage.readable(one.stored for one in found)
    return found


def shard(found: Sequence[Input], distribution: str, index: int, count: int) -> Sequence[Input]:
    """What the instance number `index` of `count` gets."""
    return found[index::count] if distribution == "ShardedByS3Key" else found


async def link(objects: ObjectStore, found: Sequence[Input], folder: Path) -> None:
    """Make the inputs files of the folder, read-only and without copying them where possible."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    for one in found:
        target = folder / one.name
        if await asyncio.to_thread(_make_way, target):
            await objects.link(one.stored, target)


def relative_name(prefix: str, key: str) -> str:
    """The file's name under its channel: what follows the prefix when that names a folder."""
    folder = prefix if prefix.endswith("/") or not prefix else f"{prefix}/"
    if key.startswith(folder):
        return key[len(folder) :]
    return key[prefix.rfind("/") + 1 :]


async def manifest_text(storage: JobStorage, place: Location) -> bytes:
    """The manifest as it is in S3.

    Raises:
        DataError: it is not there, may not be read, or is too large.
    """
    stored = await storage.get(place)
    if stored.size > LARGEST_MANIFEST:
        raise DataError(f"The manifest {place.uri} is too large")
    return await asyncio.to_thread(storage.objects.path(stored).read_bytes)


async def _of_manifest(storage: JobStorage, place: Location) -> list[Input]:
    prefix, names = _manifest(place, await manifest_text(storage, place))
    found: list[Input] = []
    for name in names:
        one = location(prefix + name)
        found.append(Input(await storage.get(one), name.lstrip("/")))
    return found


def _manifest(place: Location, text: bytes) -> tuple[str, list[str]]:
    """The prefix and the names of `[{"prefix": "s3://…"}, "name", …]`."""
    try:
        first, *names = json.loads(text)
        prefix: Any = first["prefix"]
        if isinstance(prefix, str) and all(isinstance(name, str) for name in names):
            return prefix, names
    except (ValueError, TypeError, KeyError):
        pass
    raise DataError(
        f'The manifest {place.uri} is not of the form [{{"prefix": "s3://…"}}, "name", …]'
    )


def _check_name(one: Input) -> None:
    """AWS refuses such keys too: no file can have that name."""
    parts = one.name.split("/")
    if not one.name or any(part in {"", ".", ".."} for part in parts):
        illegal = next((part for part in parts if part in {".", ".."}), "//")
        raise DataError(
            f"Failed to download data. S3 key: s3://{one.stored.bucket}/{one.stored.key} has an "
            f"illegal char sub-sequence '{illegal}' in it"
        )


def _make_way(target: Path) -> bool:
    """The folder of the file; False when the file is there."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise DataError(
            f"Failed to download data. {target.parent.name} is both an object and a prefix"
        ) from None
    if target.is_dir():
        raise DataError(f"Failed to download data. {target.name} is both an object and a prefix")
    return not target.exists()
