"""Files of bytes that are written once and never changed.

A blob is written straight under its random name and flushed, with its folder, before a row of the
index names it. Until then nobody can see it, so it needs no temporary name; a file that no row
names is an orphan of a crash, and swept away. Everything here blocks: call it in a thread.
"""

import errno
import hashlib
import os
import shutil
import weakref
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from flowmaker import ids

#: What is copied at a time where the kernel cannot do it by itself.
CHUNK = 1 << 20
FOLDERS = 256
_WRITE_BACK = 8 << 20
_READ_ONLY = 0o444
#: Linking is not possible here: another filesystem, one without links, or too many of them.
_CANNOT_LINK = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EOPNOTSUPP}


class Descriptor:
    """An open file, closed when nobody has it any more, even if it was never read."""

    def __init__(self, path: Path, flags: int) -> None:
        self.number = os.open(path, flags | os.O_CLOEXEC, _READ_ONLY)
        self.close = weakref.finalize(self, os.close, self.number)

    def read(self, offset: int, size: int) -> bytes:
        """Exactly `size` bytes, fewer only at the end of the file."""
        data = os.pread(self.number, size, offset)
        while data and len(data) < size:
            more = os.pread(self.number, size - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data


@dataclass(frozen=True, slots=True)
class Finished:
    """A blob that is on the disk, and no row's yet."""

    blob: str
    size: int
    md5: str


class NewBlob:
    """A blob that is being written."""

    def __init__(self, blobs: "Blobs") -> None:
        self._blobs = blobs
        self.blob = ids.new()
        self.size = 0
        #: Bytes that the kernel was told to begin to write.
        self._handed = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._file: Descriptor | None = None

    def write(self, chunks: Iterable[bytes]) -> None:
        """Append these bytes."""
        for chunk in chunks:
            self._md5.update(chunk)
            self._append(chunk)
            self._grown(len(chunk))

    def append_file(self, path: Path, start: int = 0, length: int | None = None) -> None:
        """Append a range of a file, inside the kernel where that is possible; it is not hashed."""
        source = Descriptor(path, os.O_RDONLY)
        end = os.fstat(source.number).st_size if length is None else start + length
        try:
            while start < end:
                copied = self._copy(source, start, end - start)
                start += copied
                self._grown(copied)
        finally:
            source.close()

    def finish(self) -> Finished:
        """Flush it to the disk."""
        file = self._opened()
        os.fsync(file.number)
        file.close()
        self._blobs.flush_folder(self.blob)
        return Finished(self.blob, self.size, self._md5.hexdigest())

    def discard(self) -> None:
        """Remove what was written of it."""
        if self._file is not None:
            self._file.close()
            self._blobs.remove([self.blob])

    def _grown(self, size: int) -> None:
        """Count what was written, and let the disk begin with it: less is left for the end."""
        self.size += size
        ready = self.size - self._handed
        if ready >= _WRITE_BACK and hasattr(os, "posix_fadvise"):
            target = self._opened().number
            os.posix_fadvise(target, self._handed, ready, os.POSIX_FADV_DONTNEED)
            self._handed = self.size

    def _append(self, chunk: bytes) -> None:
        view = memoryview(chunk)
        target = self._opened().number
        while view:
            view = view[os.write(target, view) :]

    def _copy(self, source: Descriptor, start: int, length: int) -> int:
        target = self._opened().number
        copied = 0
        with suppress(OSError, AttributeError):
            copied = os.copy_file_range(source.number, target, min(length, CHUNK * 64), start)
        if copied:
            return copied
        data = source.read(start, min(length, CHUNK))
        if not data:
            raise OSError("A file of an object ended early")
        self._append(data)
        return len(data)

    def _opened(self) -> Descriptor:
        if self._file is None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            self._file = Descriptor(self._blobs.path(self.blob), flags)
        return self._file


class Blobs:
    """The folder of all blobs, spread over 256 folders by the first letters of their names."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for number in range(FOLDERS):
            (root / f"{number:02x}").mkdir(parents=True, exist_ok=True)

    def path(self, blob: str) -> Path:
        return self.root / blob[:2] / blob

    def create(self) -> NewBlob:
        return NewBlob(self)

    def open(self, blob: str) -> Descriptor:
        """Open for reading; it can be read to its end even when it is removed meanwhile.

        Raises:
            FileNotFoundError: it was removed: its object was replaced or deleted.
        """
        return Descriptor(self.path(blob), os.O_RDONLY)

    def take(self, file: Path) -> Finished:
        """Make the bytes of `file` a blob too: linked when it is on the same filesystem.

        `file` stays: whoever calls removes it when the blob has its row, so that no crash in
        between loses it.
        """
        file = file.resolve(strict=True)
        md5 = _md5(file)
        blob = ids.new()
        target = self.path(blob)
        # Also makes the file look young to a sweep that is under way, before it is in its sight.
        file.chmod(_READ_ONLY)
        link(file, target)
        linked = Descriptor(target, os.O_RDONLY)
        os.fsync(linked.number)
        size = os.fstat(linked.number).st_size
        linked.close()
        self.flush_folder(blob)
        return Finished(blob, size, md5)

    def duplicate(self, blob: str) -> str:
        """A second blob of the same bytes; not one of them is copied where links are possible."""
        copy = ids.new()
        link(self.path(blob), self.path(copy))
        self.flush_folder(copy)
        return copy

    def remove(self, blobs: Iterable[str]) -> None:
        for blob in blobs:
            self.path(blob).unlink(missing_ok=True)

    def now(self) -> int:
        """The time by the filesystem's own clock, in nanoseconds."""
        marker = self.root / "started"
        marker.touch()
        return marker.stat().st_ctime_ns

    def older_than(self, time: int, number: int) -> list[str]:
        """The blobs in folder `number` that were last written or linked before `time`."""
        with os.scandir(self.root / f"{number:02x}") as entries:
            return [entry.name for entry in entries if entry.stat().st_ctime_ns < time]

    def flush_folder(self, blob: str) -> None:
        """Make the entry of a blob in its folder durable."""
        folder = Descriptor(self.path(blob).parent, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(folder.number)
        folder.close()


def link(source: Path, target: Path) -> None:
    """Make `target` a file with the bytes of `source`, sharing them where possible."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _CANNOT_LINK:
            raise
        with source.open("rb") as read, target.open("xb") as write:
            shutil.copyfileobj(read, write, CHUNK)
            write.flush()
            os.fsync(write.fileno())
        target.chmod(_READ_ONLY)


def _md5(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
