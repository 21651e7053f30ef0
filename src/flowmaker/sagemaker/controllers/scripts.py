"""The source folder of script mode, fetched with the role's permission before anything starts."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flowmaker.sagemaker.container import archives
from flowmaker.sagemaker.container.channels import relative_name
from flowmaker.sagemaker.container.storage import DataError, JobStorage, location
from flowmaker.sagemaker.controllers.parts import Parts
from flowmaker.sagemaker.frameworks.described import meant

#: Where a channel's files are, for a source folder that is a file of a channel.
_CHANNELS = "/opt/ml/input/data/"
REQUIREMENTS = "requirements.txt"


async def fetch(parts: Parts, storage: JobStorage, uri: str, folder: Path) -> None:
    """Unpack the archive at `uri` into a folder, which is whole or absent.

    Raises:
        DataError: there is none, the role may not read it, or it is no archive.
    """
    stored = await storage.get(location(uri))
    await asyncio.to_thread(folder.parent.mkdir, parents=True, exist_ok=True)
    try:
        await asyncio.to_thread(archives.unpack, parts.objects.path(stored), folder)
    except DataError as error:
        raise DataError(f"the source folder {uri}: {error}") from None


def submitted(request: Mapping[str, Any]) -> str:
    """Where a training job's source folder is in S3; empty if it has none.

    An isolated job has it in a channel, and says where the file will be.
    """
    place = str(meant(request.get("HyperParameters", {}).get("sagemaker_submit_directory", '""')))
    if not place.startswith(_CHANNELS):
        return place
    name, _, file = place.removeprefix(_CHANNELS).partition("/")
    for channel in request.get("InputDataConfig", ()):
        if channel["ChannelName"] == name:
            source: str = channel["DataSource"]["S3DataSource"]["S3Uri"]
            key = location(source).key
            return source if relative_name(key, key) == file else f"{source.rstrip('/')}/{file}"
    raise DataError(f"sagemaker_submit_directory {place}: there is no channel {name}")


def served(environment: Mapping[str, str], opt_ml: Path) -> Path:
    """The folder of a model server's script, which `opt_ml` is the /opt/ml of."""
    place = environment.get("SAGEMAKER_SUBMIT_DIRECTORY", "")
    if place.startswith("s3://"):
        return opt_ml / "code"
    inside = Path(place.removeprefix("/opt/ml/") if place.startswith("/opt/ml/") else "model/code")
    return opt_ml / "model" / "code" if ".." in inside.parts else opt_ml / inside


def requirements(folder: Path) -> Sequence[str]:
    """What the source folder's requirements.txt lists; nothing without one. Blocking."""
    try:
        text = (folder / REQUIREMENTS).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ()
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))
