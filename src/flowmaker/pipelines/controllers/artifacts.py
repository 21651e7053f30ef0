"""Artifacts between the object store and the folder of a task.

Inputs are linked, outputs are moved. Both may be done again after a crash: what is there already
stays, what was moved already is no longer found.
"""

import asyncio
import http.client
import shutil
import urllib.request
from collections.abc import Collection, Iterable
from pathlib import Path

from flowmaker.errors import FailedPrecondition
from flowmaker.executors.executor import Mount
from flowmaker.objects.objects import ObjectStore
from flowmaker.pipelines.driver.job import FOLDERS, local_path

#: URIs of the store that is ours.
_OURS = ("s3://", "minio://")
_TMP = Path("/tmp")  # noqa: S108 - the place that every task gets its own of
#: Seconds without an answer from another machine.
_PATIENCE = 60.0


async def link_inputs(
    objects: ObjectStore, uris: list[str], work: Path, reads: Collection[str]
) -> None:
    """Put the contents of artifacts where a task with the folder `work` looks for them.

    What is elsewhere is fetched, or missed, only when it is among the URIs that the task `reads`.

    Raises:
        FailedPrecondition: something that it reads is nowhere to be had.
    """
    linked = [uri for uri in uris if uri.startswith(_OURS)]
    await asyncio.gather(*(_link(objects, uri, work) for uri in linked))
    for uri in reads:
        if uri.startswith(("http://", "https://")):
            await asyncio.to_thread(_download, uri, Path(local_path(str(work), uri)))
        elif uri.startswith(tuple(f"{scheme}://" for scheme in FOLDERS)) and uri not in linked:
            raise FailedPrecondition(
                f"Input artifact {uri} is in a store that Flowmaker does not read; copy it to s3://"
            )


def local_mounts(uris: Iterable[str], hidden: Iterable[Path]) -> tuple[Mount, ...]:
    """What of this machine's `/tmp` a task has to be shown, which has one of its own.

    Raises:
        FailedPrecondition: it leads to what no task may see.
    """
    paths = {Path(uri) for uri in uris if uri.startswith("/")}
    if not paths:
        return ()
    concealed = [each.resolve() for each in hidden]
    for path in paths:
        if any(_overlap(path.resolve(), each) for each in concealed):
            raise FailedPrecondition(f"Input artifact {path} is nothing that a task may read")
    shown = sorted(path for path in paths if path.is_relative_to(_TMP) and path.exists())
    return tuple(Mount(source=path, target=str(path), read_only=True) for path in shown)


async def publish(objects: ObjectStore, uri: str, source: Path, work: Path) -> None:
    """Move what a task left at `source` to `uri`: a file, or a folder with all that is in it.

    Raises:
        FailedPrecondition: it leads out of the task's folder, or to another store.
    """
    scheme = uri.partition("://")[0]
    if not uri.startswith(_OURS):
        if scheme in FOLDERS and await asyncio.to_thread(source.exists):
            raise FailedPrecondition(f"Output artifact {uri}: Flowmaker stores them in s3://")
        return
    bucket, key = _place(uri)
    for name, file in await asyncio.to_thread(_files, source, work):
        await objects.put_file(bucket, f"{key}/{name}" if name else key, file)


async def _link(objects: ObjectStore, uri: str, work: Path) -> None:
    bucket, key = _place(uri)
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


def _place(uri: str) -> tuple[str, str]:
    """Bucket and key. What KFP calls `minio://` is the same store."""
    bucket, _, key = uri.partition("://")[2].partition("/")
    return bucket, key


def _overlap(path: Path, other: Path) -> bool:
    return path.is_relative_to(other) or other.is_relative_to(path)


def _download(uri: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    try:
        # Only http and https come here, by `link_inputs`.
        with (
            urllib.request.urlopen(uri, timeout=_PATIENCE) as answer,  # noqa: S310
            part.open("wb") as file,
        ):
            shutil.copyfileobj(answer, file)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise FailedPrecondition(f"Input artifact {uri} cannot be fetched: {error}") from None
    part.replace(target)


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
