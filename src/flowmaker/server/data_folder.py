"""The data folder: what is where, who holds it, and what others may read in it.

Removing the folder removes all of a server.
"""

import fcntl
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowmaker import ids
from flowmaker.errors import FailedPrecondition


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The paths in one data folder."""

    path: Path

    @property
    def database(self) -> Path:
        return self.path / "flowmaker.db"

    @property
    def objects(self) -> Path:
        return self.path / "objects"

    @property
    def jobs(self) -> Path:
        return self.path / "jobs"

    @property
    def environments(self) -> Path:
        return self.path / "envs"

    @property
    def volumes(self) -> Path:
        """A folder for each persistent volume claim, by its uid."""
        return self.path / "volumes"

    @property
    def images(self) -> Path:
        """What `flowmaker image add` registered."""
        return self.path / "images"

    @property
    def programs(self) -> Path:
        """Flowmaker's own programs, for environments that may import them."""
        return self.environments / "programs"

    @property
    def credentials(self) -> Path:
        """What `flowmaker env` gives out, as JSON."""
        return self.path / "credentials"

    @property
    def accounts(self) -> Path:
        """The root users' keys of the accounts beside the first, a file for each."""
        return self.path / "accounts"

    def account(self, name: str) -> Path:
        """The file of the account of that name, which is checked."""
        return self.accounts / name

    @property
    def kubeconfig(self) -> Path:
        return self.path / "kubeconfig"

    @property
    def worker_key(self) -> Path:
        """The key that the tokens of workers are made with."""
        return self.path / "worker.key"

    @property
    def administrator_key(self) -> Path:
        """What the commands of its owner present where KFP has several users."""
        return self.path / "administrator.key"

    @property
    def browser_key(self) -> Path:
        """What a browser presents to act for the folder's owner."""
        return self.path / "browser.key"

    @property
    def authority(self) -> Path:
        """The certificate authority of `flowmaker exec`."""
        return self.path / "authority"

    @property
    def server(self) -> Path:
        """Who serves it now, and where: `{"url": …, "pid": …}`."""
        return self.path / "server.json"

    @property
    def log(self) -> Path:
        """What a detached server prints."""
        return self.path / "server.log"

    @property
    def secrets(self) -> tuple[Path, ...]:
        """What no process of a user may read."""
        return (
            self.credentials,
            self.accounts,
            self.kubeconfig,
            self.worker_key,
            self.administrator_key,
            self.browser_key,
            self.authority,
            self.database,
            self.database.with_name(self.database.name + "-wal"),
            self.database.with_name(self.database.name + "-shm"),
        )

    def hold(self) -> int:
        """Take the folder for this process, until it ends. Returns the lock's file descriptor.

        Raises:
            FailedPrecondition: another server holds it; the message says which.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            running = self.running() or {}
            raise FailedPrecondition(
                f"{self.path} is served already, at {running.get('url', 'an unknown address')} by "
                f"process {running.get('pid', 'unknown')}. Stop that one with `flowmaker down "
                f"--data {self.path}`, or use another folder with --data."
            ) from None
        return lock

    def is_held(self) -> bool:
        """Whether a server holds it now."""
        try:
            lock = os.open(self.path / "lock", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False

    def running(self) -> Mapping[str, Any] | None:
        """Who serves it, as `server.json` says, or None when it does not say."""
        try:
            return json.loads(self.server.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    def protect_database(self) -> None:
        """Before it is opened: SQLite gives the files beside it the same mode."""
        self.database.touch(mode=0o600)
        self.database.chmod(0o600)

    def secret(self, path: Path) -> bytes:
        """The random secret in `path`, made at the first use."""
        with suppress(FileNotFoundError):
            return path.read_bytes()
        write_private(path, ids.token(52))
        return path.read_bytes()


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
