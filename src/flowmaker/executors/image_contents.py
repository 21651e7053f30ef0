"""What an image of the user's consists of, and the digest that it is known by."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

#: What is in a folder but is none of the image's files. A program that runs there makes the last.
LEFT_OUT = (".git", ".venv", "__pycache__")
_DIGEST = "sha256:"


@dataclass(frozen=True, kw_only=True, slots=True)
class Contents:
    """A digest, `sha256:` and 64 digits, and how many bytes the files have."""

    digest: str
    size: int


def contents(said: Sequence[object], source: Path | None) -> Contents:
    """Of an image: `said` is what it was registered with, `source` the copy of its folder.

    The same packages and files have the same digest, wherever the folder was and whatever the name.
    """
    # A path, whether it can be executed, how long it is and the digest of what is in it.
    files: list[tuple[str, bool, int, str]] = []
    for path in _files(source) if source else ():
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        stat = path.stat()
        name = path.relative_to(source).as_posix() if source else ""
        files.append((name, bool(stat.st_mode & 0o100), stat.st_size, digest))
    text = json.dumps([list(said), sorted(files)])
    return Contents(
        digest=_DIGEST + hashlib.sha256(text.encode()).hexdigest(),
        size=sum(size for _, _, size, _ in files),
    )


def _files(folder: Path) -> Iterable[Path]:
    for path in folder.rglob("*"):
        if path.is_file() and not set(path.relative_to(folder).parts) & set(LEFT_OUT):
            yield path
