"""Runs uv, with what this machine's pip is told about where packages are.

uv does not read pip's configuration. A person who configured pip (a company's index, a folder of
wheels) has told this machine where packages come from, so uv is told the same.
"""

import ast
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

#: What uv is told by, for each setting of pip.
_INDEXES = {"index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX"}
#: Variables of ours that must not reach an installer: it would leave out what we need, or install
#: into our own environment.
_NOT_INHERITED = frozenset({"PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH"})


async def run(
    command: Sequence[str | Path], env: Mapping[str, str], *, keep_open: Iterable[int] = ()
) -> tuple[int, str]:
    """Run a program to its end: its exit code and all that it said.

    `keep_open` are files that it holds open as long as it lives, however we may end.
    """
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=dict(env),
        pass_fds=tuple(keep_open),
        start_new_session=True,
    )
    try:
        said, _ = await process.communicate()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.communicate()
        raise
    return process.returncode or 0, said.decode(errors="replace")


async def settings(cache: Path) -> dict[str, str]:
    """The environment for uv: ours, with its cache in `cache` and pip's indexes."""
    env = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    env |= {
        "UV_CACHE_DIR": str(cache),
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_PROGRESS": "1",
        "NO_COLOR": "1",
    }
    pip = from_pip(await _pip_config(env))
    return {**pip, **env}  # what is set for uv itself goes before what is set for pip


async def _pip_config(env: Mapping[str, str]) -> str:
    base = getattr(sys, "_base_executable", "") or sys.executable
    for python in dict.fromkeys((sys.executable, base)):
        code, said = await run([python, "-m", "pip", "config", "list"], env)
        if code == 0:
            return said
    return ""


def from_pip(config: str) -> dict[str, str]:
    """Uv's variables for what `pip config list` says."""
    values = _parsed(config)
    env: dict[str, str] = {}
    for setting, variable in _INDEXES.items():
        urls = [url for url in values.get(setting, "").split() if _is_there(url)]
        if urls:
            env[variable] = " ".join(urls)
    folders = [place for place in values.get("find-links", "").split() if _is_there(place)]
    if folders:
        env["UV_FIND_LINKS"] = ",".join(folders)
    if "UV_INDEX" in env:
        env["UV_INDEX_STRATEGY"] = "unsafe-best-match"  # as pip: the best of all indexes
    if hosts := values.get("trusted-host", "").split():
        env["UV_INSECURE_HOST"] = " ".join(hosts)
    if cert := values.get("cert", ""):
        env["SSL_CERT_FILE"] = cert
    return env


def _parsed(config: str) -> dict[str, str]:
    """`global.index-url='…'`, `install.…` over it, `:env:.…` (the variables PIP_*) over both."""
    found: dict[str, dict[str, str]] = {}
    for line in config.splitlines():
        name, equals, quoted = line.partition("=")
        section, dot, setting = name.rpartition(".")
        if not (equals and dot):
            continue
        with contextlib.suppress(ValueError, SyntaxError):
            found.setdefault(section, {})[setting.replace("_", "-")] = str(ast.literal_eval(quoted))
    order = ("global", "install", ":env:")
    return {setting: value for part in order for setting, value in found.get(part, {}).items()}


def _is_there(place: str) -> bool:
    """A folder that is named must exist; uv takes offence where pip only warns."""
    if place.startswith(("http://", "https://")):
        return True
    return Path(place.removeprefix("file://")).is_dir()
