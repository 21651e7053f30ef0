"""`model.tar.gz` and `output.tar.gz`: packing and unpacking. Blocking: call it in a thread."""

import gzip
import os
import tarfile
from collections.abc import Sequence
from pathlib import Path

from flowmaker.sagemaker.container.storage import DataError

#: Speed before size: the archive stays on this machine.
LEVEL = 1


def contents(folders: Sequence[Path]) -> dict[str, Path]:
    """What is in the folders by its name, the first one's where several have it."""
    taken: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            taken.setdefault(str(path.relative_to(folder)), path)
    return taken


def pack(folders: Sequence[Path], archive: Path) -> bool:
    """Pack what is in the folders, the first one's file where several have it.

    Returns whether there was anything. The archive is whole or absent.
    """
    taken = contents(folders)
    part = archive.with_name(f"{archive.name}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    with (
        part.open("wb") as raw,
        gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=LEVEL, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, path in sorted(taken.items()):
            tar.add(path, arcname=name, recursive=False)
    part.rename(archive)
    return bool(taken)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a model's artefact into a folder, which is whole or absent.

    Raises:
        DataError: it is no gzipped tar archive, or names files outside of itself.
    """
    if folder.exists():
        return
    part = folder.with_name(f"{folder.name}.part-{os.getpid()}")
    part.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(archive, mode="r:*") as tar:
            tar.extractall(part, filter="data")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DataError(f"it could not be unpacked: {error}") from None
    part.rename(folder)
