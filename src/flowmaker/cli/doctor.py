"""`flowmaker doctor`: is this machine fit, and is the data folder sound?"""

import argparse
import asyncio
import platform
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import httpx
import uv

from flowmaker import __version__
from flowmaker.clock import SystemClock
from flowmaker.executors import installer, sandbox
from flowmaker.server.config import DEFAULT_HOST, DEFAULT_PORT
from flowmaker.server.data_folder import DataFolder
from flowmaker.store.sqlite import damage

#: Bytes of room that work needs, and that it is comfortable with.
_LEAST, _COMFORTABLE = 500e6, 5e9
#: Seconds that the package index may take.
_PATIENCE = 15.0
#: Seconds that files may be ahead of the clock.
_SKEW = 60.0


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "BROKEN"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, in plain words."""

    level: Level
    said: str


def configure(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--offline", action="store_true", help="do not try whether packages can be installed"
    )


def run(arguments: argparse.Namespace) -> int:
    folder = DataFolder(arguments.data)
    findings = [*_machine(folder, offline=arguments.offline), *_folder(folder), _server(folder)]
    for finding in findings:
        print(f"{finding.level:<8} {finding.said}")
    broken = sum(finding.level is Level.BROKEN for finding in findings)
    if broken:
        print(f"{broken} of {len(findings)} checks found something broken.")
    return 1 if broken else 0


def _machine(folder: DataFolder, *, offline: bool) -> Iterator[Finding]:
    yield Finding(Level.OK, f"Flowmaker {__version__} on Python {platform.python_version()}")
    if not sys.platform.startswith("linux"):
        yield Finding(Level.BROKEN, f"{sys.platform} is not Linux: processes cannot be supervised")
    yield confinement(asyncio.run(sandbox.probe()))
    yield from _installer(offline=offline)
    place = folder.path
    while not place.exists():
        place = place.parent
    yield room(shutil.disk_usage(place).free, place)


def confinement(levels: sandbox.Levels) -> Finding:
    """How tasks and jobs are kept apart from this machine."""
    if levels.bubblewrap:
        said = f"processes are confined by bubblewrap ({levels.bubblewrap})"
        if levels.namespace:
            said += ", Python components by namespaces, which start faster"
    elif levels.namespace:
        said = "processes are confined by namespaces; bubblewrap is not there or not allowed"
    else:
        return Finding(
            Level.WARNING,
            "processes are not confined: they see this machine's files. Install the package "
            "`bubblewrap`, or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1)",
        )
    if not (levels.bubblewrap_network or levels.namespace_network):
        return Finding(Level.WARNING, f"{said}; jobs without a network are refused")
    return Finding(Level.OK, said)


def _installer(*, offline: bool) -> Iterator[Finding]:
    try:
        program = uv.find_uv_bin()
    except FileNotFoundError:
        yield Finding(Level.BROKEN, "uv is not there: install Flowmaker again")
        return
    yield Finding(Level.OK, f"environments are made by {program}")
    if not offline:
        yield asyncio.run(_index(Path(program)))


async def _index(program: Path) -> Finding:
    """Whether a package could be installed now, the way that environments are made."""
    with tempfile.TemporaryDirectory() as place:
        cache = Path(place) / "cache"
        command = [program, "pip", "install", "--dry-run", "--no-deps", "--target", place, "pip"]
        said = f"no answer within {_PATIENCE:.0f} seconds"
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                env = await installer.settings(cache)
                code, said = await installer.run(command, env)
                if code == 0:
                    return Finding(Level.OK, "packages can be installed: the index answers")
    last = said.strip().rpartition("\n")[2].strip()
    return Finding(
        Level.WARNING,
        f"packages cannot be installed now, so new environments cannot be made: {last}",
    )


def room(free: float, place: Path) -> Finding:
    """Whether there is room on the disk."""
    said = f"{free / 1e9:.1f} GB are free at {place}"
    if free < _LEAST:
        return Finding(Level.BROKEN, f"{said}: too little. `flowmaker gc` may free some")
    return Finding(Level.OK if free >= _COMFORTABLE else Level.WARNING, said)


def _folder(folder: DataFolder) -> Iterator[Finding]:
    if not folder.database.exists():
        yield Finding(Level.OK, f"{folder.path} is yet to be made, by `flowmaker up`")
        return
    open_to_others = [path for path in folder.secrets if path.exists() and _is_open(path)]
    for path in open_to_others:
        yield Finding(Level.BROKEN, f"others may read {path}: chmod go= {path}")
    if not open_to_others:
        yield Finding(Level.OK, "credentials and database are their owner's only")
    wrong = damage(folder.database)
    if wrong:
        yield Finding(Level.BROKEN, f"the database {folder.database} is damaged: {wrong}")
    else:
        yield Finding(Level.OK, "the database is sound")
    ahead = folder.database.stat().st_mtime - SystemClock().now().timestamp()
    if ahead > _SKEW:
        yield Finding(
            Level.WARNING,
            f"the database was written {ahead:.0f} seconds from now: this machine's clock is "
            "wrong, or was",
        )
    else:
        yield Finding(Level.OK, "the clock agrees with the files")


def _is_open(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o077)


def _server(folder: DataFolder) -> Finding:
    running = folder.running() if folder.is_held() else None
    if running is None:
        return _port()
    try:
        answer = httpx.get(f"{running['url']}/apis/v2beta1/healthz", timeout=10, trust_env=False)
        health: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        return Finding(
            Level.BROKEN,
            f"the server at {running['url']} (process {running['pid']}) does not answer: {error}. "
            f"Its log is {folder.log}",
        )
    version = str(health.get("commit_sha", "")).removeprefix("flowmaker-")
    if version and version != __version__:
        return Finding(
            Level.WARNING,
            f"the server at {running['url']} is Flowmaker {version}, this is {__version__}: "
            "`flowmaker down`, then `up`",
        )
    return Finding(Level.OK, f"the server answers at {running['url']}")


def _port() -> Finding:
    try:
        socket.create_server((DEFAULT_HOST, DEFAULT_PORT)).close()
    except OSError as error:
        return Finding(
            Level.WARNING,
            f"no server runs, and port {DEFAULT_PORT} is not free ({error.strerror}): start it "
            "with --port",
        )
    return Finding(Level.OK, f"no server runs; port {DEFAULT_PORT} is free")
