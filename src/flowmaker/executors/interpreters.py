"""Which Pythons this machine has."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flowmaker.executors.installer import run


@dataclass(frozen=True, kw_only=True, slots=True)
class Interpreter:
    """A Python of this machine."""

    executable: Path
    #: `3.11.7`
    version: str
    #: One line for the log of what runs on it.
    note: str


def own() -> Interpreter:
    """The Python that the server itself runs on; outside of the server's environment."""
    # A venv's python is a link to it; environments are made from what it links to.
    base = Path(getattr(sys, "_base_executable", "") or sys.executable)
    version = ".".join(map(str, sys.version_info[:3]))
    return Interpreter(executable=base, version=version, note=f"Python {version}")


def is_own(version: str) -> bool:
    """Whether `3.11`, `3.11.7` or nothing means the server's own."""
    ours = [str(part) for part in sys.version_info[:3]]
    asked = version.split(".") if version else []
    return asked[:2] == ours[: len(asked[:2])]


async def find(uv: Path, version: str, env: Mapping[str, str]) -> Interpreter:
    """The Python of that version, or else the server's own with a note that says so."""
    ours = own()
    if is_own(version):
        return ours
    minor = ".".join(version.split(".")[:2])
    question = [uv, "python", "find", "--no-project", "--no-python-downloads", "--system", minor]
    code, said = await run(question, env)
    executable = Path(said.strip().rpartition("\n")[2])
    if code != 0 or not os.access(executable, os.X_OK):
        note = f"no Python {minor} on this machine, running on Python {ours.version}"
        return Interpreter(executable=ours.executable, version=ours.version, note=note)
    program = "import sys; print('.'.join(map(str, sys.version_info[:3])))"
    code, said = await run([executable, "-I", "-S", "-c", program], env)
    found = said.strip() if code == 0 else minor
    return Interpreter(executable=executable, version=found, note=f"Python {found}")
