"""What a process sees of this machine's files, planned as steps that any sandbox can lay.

The root is read-only. Writable are the process's own `work` and `/tmp`, and what it mounts. It sees
neither other processes' folders (their specs hold credentials) nor what its spec hides.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from flowmaker.errors import InvalidInput, Unsupported
from flowmaker.executors.executor import Mount, ProcessSpec

#: As `namespace.py` describes them: kind, source, target.
Step = tuple[str, str, str]

_ROOT = Path("/")
_TMP = Path("/tmp")  # noqa: S108 - the place that the process gets its own of
#: Stands for the name of any process's folder, and is in no path.
_ANY = "\0"


def plan(spec: ProcessSpec, folder: Path, visible: Sequence[Path]) -> list[Step]:
    """The steps for one process. `visible` stays visible even where it lies below `/tmp`.

    `folder` has its `work` and `tmp` already.
    """
    mounts = sorted(_mounts(spec, folder), key=lambda mount: len(Path(mount.target).parts))
    shown = tuple(path for path in visible if path.is_relative_to(_TMP) and path.exists())
    hidden = tuple((path, path.is_dir()) for path in spec.hidden if path.exists())
    if not mounts:
        return [
            (kind, source.replace(_ANY, folder.name), target.replace(_ANY, folder.name))
            for kind, source, target in _without_mounts(folder.parent, shown, hidden)
        ]
    view = _view(folder, _missing_places(mounts), shown, hidden)
    for mount in mounts:
        view.lay("read" if mount.read_only else "bind", mount.source, Path(mount.target))
    return view.steps


@lru_cache(maxsize=64)
def _without_mounts(
    parent: Path, shown: tuple[Path, ...], hidden: tuple[tuple[Path, bool], ...]
) -> list[Step]:
    """The steps for any process that mounts nothing: with them every step of a pipeline begins."""
    return _view(parent / _ANY, (), shown, hidden).steps


def _view(
    folder: Path,
    places: Sequence[Path],
    shown: Sequence[Path],
    hidden: Sequence[tuple[Path, bool]],
) -> "_View":
    """What every process sees, with room in `places`. `hidden` says what of it is a folder."""
    view = _View()
    view.begin(places)
    view.lay("bind", folder / "tmp", _TMP)
    for path in shown:
        view.lay("read", path, path)
    view.lay("empty", None, folder.parent)
    view.lay("read", folder, folder)
    for own in ("work", "tmp"):
        view.put("bind", folder / own, folder / own)
    for path, is_folder in hidden:
        view.hide(path, is_folder=is_folder)
    return view


def _mounts(spec: ProcessSpec, folder: Path) -> list[Mount]:
    """What the spec mounts, and its hosts file, checked."""
    mounts = list(spec.mounts)
    if spec.hosts:
        mounts.append(Mount(source=folder / "hosts", target="/etc/hosts", read_only=True))
    for mount in mounts:
        if not Path(mount.target).is_absolute() or ".." in Path(mount.target).parts:
            raise InvalidInput(f"cannot mount onto {mount.target!r}: it is no absolute path")
        if not mount.source.exists():
            raise InvalidInput(f"cannot mount {mount.source} onto {mount.target}: it is not there")
    return mounts


def _missing_places(mounts: Sequence[Mount]) -> list[Path]:
    """Existing folders of the read-only root in which a mount's target must first be made."""
    places: set[Path] = set()
    targets = [Path(mount.target) for mount in mounts]
    for target in targets:
        inside_another = any(other != target and other in target.parents for other in targets)
        if not (inside_another or target.is_relative_to(_TMP) or target.exists()):
            places.add(next(parent for parent in target.parents if parent.exists()))
    # Within a place that is made anew, a deeper one is made after it.
    return sorted(places, key=lambda place: len(place.parts))


@dataclass(slots=True)
class _View:
    steps: list[Step] = field(default_factory=list[Step])
    #: Where each place of the view really is (None: nowhere, it is empty), the latest last.
    _covers: list[tuple[Path, Path | None]] = field(default_factory=list[tuple[Path, Path | None]])
    _writable: set[Path] = field(default_factory=set[Path])

    def begin(self, places: Sequence[Path]) -> None:
        """The root, read-only, but with room in `places` for what does not exist there."""
        if _ROOT in places:
            self.steps.append(("empty", "", "/"))
            self._fill(_ROOT)
            self._writable.add(_ROOT)
        else:
            self.steps.append(("read", "/", "/"))
            self.steps += [("device", "/dev", "/dev"), ("proc", "", "/proc")]
        self._covers.append((_ROOT, _ROOT))
        for place in places:
            if place != _ROOT:
                self._make_room(place)

    def lay(self, kind: str, source: Path | None, target: Path) -> None:
        """One step, with room made for its target where that does not exist."""
        nearest = next(place for place in (target, *target.parents) if self._exists(place))
        if nearest != target and not self._is_writable(nearest):
            self._make_room(nearest)
        self.put(kind, source, target)

    def put(self, kind: str, source: Path | None, target: Path) -> None:
        """One step, onto what is there."""
        self.steps.append((kind, "" if source is None else str(source), str(target)))
        self._covers.append((target, source))
        self._writable.discard(target)
        if kind in {"bind", "empty"}:
            self._writable.add(target)

    def hide(self, path: Path, *, is_folder: bool) -> None:
        if self._exists(path):
            self.lay(
                "empty" if is_folder else "device", None if is_folder else Path("/dev/null"), path
            )

    def _make_room(self, place: Path) -> None:
        """Lay an empty folder over a place and show in it what was there."""
        self.steps.append(("empty", "", str(place)))
        self._fill(place)
        self._writable.add(place)

    def _fill(self, place: Path) -> None:
        source = self._really(place)
        if source is None:
            return
        try:
            children = sorted(source.iterdir())
        except OSError as error:
            raise Unsupported(f"cannot mount below {place}: it cannot be listed") from error
        self.steps += [_shown(child, place / child.name) for child in children]

    def _really(self, place: Path) -> Path | None:
        for target, source in reversed(self._covers):
            if place.is_relative_to(target):
                return None if source is None else source / place.relative_to(target)
        return place

    def _exists(self, place: Path) -> bool:
        if any(place == target or place in target.parents for target, _ in self._covers):
            return True
        source = self._really(place)
        return source is not None and source.exists()

    def _is_writable(self, place: Path) -> bool:
        for target, _ in reversed(self._covers):
            if place.is_relative_to(target):
                return target in self._writable or place in self._writable
        return False


def _shown(child: Path, target: Path) -> Step:
    if child.is_symlink():
        return ("link", str(child.readlink()), str(target))
    special = {Path("/dev"): "device", Path("/proc"): "proc"}
    return (special.get(target, "read"), str(child), str(target))
