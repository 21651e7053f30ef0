"""Artifacts between the object store and the folder of a task.

Inputs are linked, outputs are moved. Both may be done again after a crash: what is there already
stays, what was moved already is no longer found.
"""

import asyncio
import shutil
from pathlib import Path

from flowmaker.errors import FailedPrecondition
from flowmaker.objects.objects import ObjectStore
from flowmaker.pipelines.driver.job import local_path


async def link_inputs(objects: ObjectStore, uris: list[str], work: Path) -> None:
    """Put the contents of artifacts where a task with the folder `work` looks for them."""
    await asyncio.gather(*(_link(objects, uri, work) for uri in uris if uri.startswith("s3://")))


async def publish(objects: ObjectStore, uri: str, source: Path, work: Path) -> None:
    """Move what a task left at `source` to `uri`: a file, or a folder with all that is in it.

    Raises:
        FailedPrecondition: it leads out of the task's folder.
    """
    if not uri.startswith("s3://"):
        return
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    for name, file in await asyncio.to_thread(_files, source, work):
        await objects.put_file(bucket, f"{key}/{name}" if name else key, file)


async def _link(objects: ObjectStore, uri: str, work: Path) -> None:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    target = Path(local_path(str(work), uri))
    one = await objects.get(bucket, key) if key else None
    if one is not None:
        await _link_one(objects, one.bucket, one.key, target)
        return
    prefix = f"{key.rstrip('/')}/" if key else ""
    for stored in await objects.walk(bucket, prefix):
        name = stored.key.removeprefix(prefix)
        if name and not name.endswith("/") and ".." not in name.split("/"):
            await _link_one(objects, bucket, stored.key, target / name)


async def _link_one(objects: ObjectStore, bucket: str, key: str, target: Path) -> None:
    stored = await objects.get(bucket, key)
    if stored is None:
        return

    def make_room() -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)

    await asyncio.to_thread(make_room)
    await objects.link(stored, target)


def _files(source: Path, work: Path) -> list[tuple[str, Path]]:
    """The files at `source`, with their names below it; a file itself has the empty name."""
    if not source.resolve().is_relative_to(work.resolve()):
        raise FailedPrecondition(f"Output {source} leads out of the task's folder")
    if source.is_dir():
        found = sorted(path for path in source.rglob("*") if path.is_file())
        return [(str(path.relative_to(source)), _own(path, work)) for path in found]
    return [("", _own(source, work))] if source.is_file() else []


def _own(path: Path, work: Path) -> Path:
    """`path`, as a file of its own: what a link or a linked input leads to is copied."""
    if not path.is_symlink() and path.stat().st_nlink == 1:
        return path
    if not path.resolve().is_relative_to(work.resolve()):
        raise FailedPrecondition(f"Output {path} is a link out of the task's folder")
    copy = path.with_name(f"{path.name}.flowmaker-copy")
    shutil.copyfile(path, copy)
    path.unlink()
    copy.replace(path)
    return path
