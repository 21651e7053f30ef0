"""Channels in Pipe mode: what the feeder beside each instance streams, in which order."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from flowmaker.objects.objects import StoredObject
from flowmaker.sagemaker.container import channels
from flowmaker.sagemaker.container.storage import DataError, JobStorage, location
from flowmaker.sagemaker.container.training import input_mode

AUGMENTED = "AugmentedManifestFile"
#: An attribute with this ending names an object; any other is streamed itself.
REFERENCE = "-ref"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stream:
    """What a channel streams in each epoch: entries of one or more parts, which stay together."""

    #: Each part is an object, or a text of the manifest.
    entries: Sequence[Sequence[StoredObject | str]]
    objects: Sequence[StoredObject] = field(default_factory=list[StoredObject])


def piped(request: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The channels in Pipe mode."""
    given = request.get("InputDataConfig", ())
    return [one for one in given if input_mode(request, one) == "Pipe"]


async def stream(storage: JobStorage, source: Mapping[str, Any]) -> Stream:
    """What an S3DataSource streams.

    Raises:
        DataError: it is not there, may not be read, or is no such manifest.
    """
    if source["S3DataType"] != AUGMENTED:
        found = [one.stored for one in await channels.inputs(storage, source)]
        return Stream(entries=[[one] for one in found], objects=found)
    return await _augmented(storage, source)


async def _augmented(storage: JobStorage, source: Mapping[str, Any]) -> Stream:
    place = location(source["S3Uri"])
    text = (await channels.manifest_text(storage, place)).decode("utf-8", "replace")
    objects: dict[str, StoredObject] = {}
    entries: list[list[StoredObject | str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            parts = attributes(line, source["AttributeNames"])
        except ValueError as error:
            raise DataError(f"Line {number} of the manifest {place.uri}: {error}") from None
        for name, value in parts:
            if _refers(name) and value not in objects:
                objects[value] = await storage.get(location(value))
        entries.append([objects[value] if _refers(name) else value for name, value in parts])
    if not entries:
        raise DataError(f"The manifest {place.uri} is empty")
    return Stream(entries=entries, objects=list(objects.values()))


def attributes(line: str, names: Sequence[str]) -> list[tuple[str, str]]:
    """The attributes of a line of an augmented manifest, in the order of their names.

    Raises:
        ValueError: it is no JSON object, or has not all of them.
    """
    try:
        read: Any = json.loads(line)
    except ValueError:
        read = None
    if not isinstance(read, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 - of the manifest, not of a caller
    given = cast("dict[str, Any]", read)
    found: list[tuple[str, str]] = []
    for name in names:
        if name not in given:
            raise ValueError(f"it has no attribute {name}")
        value = given[name]
        if _refers(name) and not isinstance(value, str):
            raise ValueError(f"its {name} is no S3 URI")
        found.append((name, value if isinstance(value, str) else json.dumps(value)))
    return found


def _refers(name: str) -> bool:
    return name.endswith(REFERENCE)


def plan(
    channel: Mapping[str, Any],
    entries: Sequence[Sequence[Mapping[str, str]]],
    folder: str,
    shard: tuple[int, int],
) -> dict[str, Any]:
    """What a feeder is told of a channel, as feeder.py reads it.

    `shard` is the number of its instance, and how many there are.
    """
    source = channel["DataSource"]["S3DataSource"]
    sharded = source.get("S3DataDistributionType") == "ShardedByS3Key"
    return {
        "name": channel["ChannelName"],
        "folder": folder,
        "entries": entries,
        "seed": channel.get("ShuffleConfig", {}).get("Seed"),
        "shard": shard if sharded else (0, 1),
        "gzip": channel.get("CompressionType") == "Gzip",
        "record_io": channel.get("RecordWrapperType") == "RecordIO",
    }
