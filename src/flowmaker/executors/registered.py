"""Images that the user registered: names for environments and programs of their own.

What a Dockerfile would install is listed, what it would copy is copied; nothing is built.
"""

import hashlib
import json
import re
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flowmaker import ids
from flowmaker.errors import InvalidInput, NotFound
from flowmaker.executors.executor import EnvironmentSpec
from flowmaker.executors.image_contents import LEFT_OUT, Contents, contents
from flowmaker.executors.images import ResolvedImage

_ENTRY = "image.json"
_SOURCE = "source"
#: What `kfp component build` writes: which function is in which file, and the SDK that built it.
_KFP_CONFIG = "kfp_config.ini"
_KFP = re.compile(r"\bkfp==[\w.]+")
_PYTHON = re.compile(r"(3\.\d+)?")
_LEFT_OUT = shutil.ignore_patterns(*LEFT_OUT)
#: How old a change is, in nanoseconds, that another one surely has another time than.
_SETTLED = 1_000_000_000
_UNSETTLED = -1
#: Names of which it is kept what they come to.
_MOST_KEPT = 256
#: The tag that is meant where a name has none.
_LATEST = ":latest"


@dataclass(frozen=True, kw_only=True, slots=True)
class RegisteredImage:
    """An image as it was registered."""

    name: str
    requirements: tuple[str, ...] = ()
    #: `3.11`, or empty for the server's own version.
    python: str = ""
    #: The folder that was copied, where it was; empty: none.
    source: str = ""
    #: The engine that has it and runs it as a real container; empty: an environment stands for it.
    engine: str = ""
    #: Of all that it consists of: `sha256:…`. Empty in what older versions registered.
    digest: str = ""
    #: Bytes of the files that were copied.
    size: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Registration:
    """An image, and since when it is what it is."""

    image: RegisteredImage
    at: datetime


class RegisteredImages:
    """The registered images of one data folder. Who runs a server on it sees a change at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        #: What names came to when the folder was last changed: a task asks for its image thrice.
        self._resolved: dict[str, ResolvedImage | None] = {}
        self._changed_at = _UNSETTLED

    def rule(self, name: str) -> ResolvedImage | None:
        """An image that you registered with `flowmaker image add NAME --requirements FILE`."""
        changed_at = _changed_at(self._folder)
        is_known = changed_at == self._changed_at != _UNSETTLED
        if not is_known or len(self._resolved) >= _MOST_KEPT:
            self._resolved.clear()
            self._changed_at = changed_at
        if name not in self._resolved:
            self._resolved[name] = self._resolve(name)
        return self._resolved[name]

    def _resolve(self, name: str) -> ResolvedImage | None:
        place = self._known_place(name)
        found = _read(place)
        if found is None:
            return None
        source = str((place / _SOURCE).resolve()) if found.source else ""
        return ResolvedImage(
            environment=EnvironmentSpec(
                requirements=found.requirements, python=found.python, source=source
            ),
            workdir=source,
            engine=found.engine,
            kind="registered",
        )

    def add(self, name: str, requirements: Path | None, source: Path | None, python: str) -> None:
        """Register an image, in place of an earlier one of that name.

        Args:
            name: The image as pipelines name it.
            requirements: A requirements file, as `pip install -r` reads it.
            source: A folder whose files the image has in its working directory. It is copied.
            python: `3.11`, or empty for the server's own version.

        Raises:
            InvalidInput: a file or folder is not there, or there is no such Python.
        """
        if not _PYTHON.fullmatch(python):
            raise InvalidInput(f"--python {python}: it must be a version such as 3.11")
        if source is not None and not source.is_dir():
            raise InvalidInput(f"--source {source} is no folder")
        listed = [*_requirements(requirements), *_sdk(source)]
        image = RegisteredImage(
            name=name,
            requirements=tuple(listed),
            python=python,
            source=str(source.absolute()) if source else "",
        )
        self._put(image, source)

    def add_container(self, name: str, engine: str) -> None:
        """Register an image that an engine of this machine has, to be run as a real container."""
        self._put(RegisteredImage(name=name, engine=engine), None)

    def _put(self, image: RegisteredImage, source: Path | None) -> None:
        name = image.name
        # Each version has a folder of its own: an environment is known by the folder's path.
        version = self._folder / f"{_digest(name)}-{ids.token()}"
        version.mkdir(parents=True)
        if source is not None:
            shutil.copytree(source, version / _SOURCE, ignore=_LEFT_OUT)
        (version / _ENTRY).write_text(json.dumps(asdict(_identified(image, version))))
        before = self._place(name).resolve()
        link = self._folder / f".{version.name}"
        link.symlink_to(version.name)
        link.replace(self._place(name))
        if before.is_relative_to(self._folder.resolve()) and before.name != _digest(name):
            shutil.rmtree(before, ignore_errors=True)

    def all(self) -> Sequence[RegisteredImage]:
        """The images, by their names."""
        found = (_read(each) for each in self._folder.glob("*") if each.is_symlink())
        return sorted((each for each in found if each is not None), key=lambda each: each.name)

    def registrations(self) -> Sequence[Registration]:
        """The images, each with its digest and since when it is there, by their names."""
        links = (each for each in self._folder.glob("*") if each.is_symlink())
        found = (_registration(each) for each in links)
        present = (each for each in found if each is not None)
        return sorted(present, key=lambda each: each.image.name)

    def remove(self, name: str) -> None:
        """Forget an image.

        Raises:
            NotFound: there is none of that name.
        """
        place = self._place(name)
        if not place.is_symlink():
            raise NotFound(f"No image {name!r} is registered; see flowmaker image list")
        version = place.resolve()
        place.unlink()
        shutil.rmtree(version, ignore_errors=True)

    def _place(self, name: str) -> Path:
        return self._folder / _digest(name)

    def _known_place(self, name: str) -> Path:
        """Where the image is that `name` means: no tag means `latest`, a digest what has it."""
        place = self._place(name)
        if place.is_symlink():
            return place
        repository, at, digest = name.partition("@")
        if at:
            for each in self.registrations():
                if each.image.digest == digest and _untagged(each.image.name) == _untagged(
                    repository
                ):
                    return self._place(each.image.name)
        if name.endswith(_LATEST):
            return self._place(name.removesuffix(_LATEST))
        return self._place(name + _LATEST) if _untagged(name) == name else place


def _changed_at(folder: Path) -> int:
    """When images were last added or removed, in nanoseconds; 0 for never."""
    try:
        at = folder.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
    # Two changes within a tick of the kernel's clock have the same time.
    return at if abs(time.time_ns() - at) > _SETTLED else _UNSETTLED


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:24]


def _untagged(name: str) -> str:
    """A name without its tag: a colon behind the last slash."""
    before, colon, tag = name.rpartition(":")
    return before if colon and "/" not in tag else name


def _identified(image: RegisteredImage, version: Path) -> RegisteredImage:
    """The image with its digest: of what its environment is made of, or of whom the engine asks."""
    if image.digest:
        return image
    named = image.name if image.engine else ""
    said = (image.requirements, image.python, image.engine, named)
    found: Contents = contents(said, version / _SOURCE if image.source else None)
    return replace(image, digest=found.digest, size=found.size)


def _registration(link: Path) -> Registration | None:
    while True:
        version = link.resolve()
        try:
            image = _read(version)
            if image is not None:
                at = datetime.fromtimestamp((version / _ENTRY).stat().st_mtime, UTC)
                return Registration(image=_identified(image, version), at=at)
        except FileNotFoundError:
            pass
        # It is gone, or another has just come in its place.
        if link.resolve() == version:
            return None


def _read(place: Path) -> RegisteredImage | None:
    try:
        entry: dict[str, Any] = json.loads((place / _ENTRY).read_text())
    except FileNotFoundError:
        return None
    entry["requirements"] = tuple(entry["requirements"])
    return RegisteredImage(**entry)


def _requirements(file: Path | None) -> list[str]:
    """The lines of a requirements file that say something."""
    if file is None:
        return []
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"--requirements {file} cannot be read: {error}") from None
    stripped = (line.partition(" #")[0].strip() for line in lines)
    return [line for line in stripped if line and not line.startswith("#")]


def _sdk(source: Path | None) -> list[str]:
    """The KFP SDK, where the source is of containerised components: as its Dockerfile has it."""
    if source is None or not (source / _KFP_CONFIG).is_file():
        return []
    dockerfile = source / "Dockerfile"
    named = _KFP.search(dockerfile.read_text(encoding="utf-8")) if dockerfile.is_file() else None
    return [named[0] if named else "kfp"]
