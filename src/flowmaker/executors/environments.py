"""Python environments: each made once by uv, then never changed, and shared by all who need it."""

import asyncio
import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import uv

import flowmaker
from flowmaker import ids
from flowmaker.clock import Clock
from flowmaker.executors import installer, interpreters
from flowmaker.executors.executor import EnvironmentFailed, EnvironmentSpec
from flowmaker.executors.interpreters import Interpreter

#: How many are made at a time: an installation uses a whole core and all of the disk.
_AT_ONCE = 2
#: Whoever waited for an environment that failed is told so; who comes later than this starts anew.
_FAILURE_LASTS = timedelta(seconds=30)
_LAST_LINES = 15
_UNFINISHED = ".new-"
#: Options of pip that change nothing about what is installed, and that uv does not have.
_OPTIONS_OF_PIP_ALONE = frozenset(
    {"--disable-pip-version-check", "--no-warn-script-location", "--no-cache-dir", "--no-input",
     "--root-user-action=ignore", "--user", "--prefer-binary"}
)  # fmt: skip


@dataclass(slots=True)
class _Build:
    """An environment that is being made, and who waits for it."""

    waiting: list[Callable[[], None]] = field(default_factory=list[Callable[[], None]])
    task: asyncio.Task[None] | None = None


@dataclass(slots=True)
class _Failure:
    error: EnvironmentFailed
    at: datetime
    #: How many who waited have not been told yet.
    untold: int


class UvEnvironments:
    """Implements `Environments` in a folder of this machine."""

    def __init__(self, folder: Path, programs: Path, clock: Clock) -> None:
        """Keep environments in `folder`.

        `programs` is made to hold Flowmaker's own package alone, for specs that say `programs`.
        """
        # Resolved: processes are shown these very paths, and a link may lead out of what they see.
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder.resolve()
        self._programs = programs.resolve()
        self._clock = clock
        self._uv = Path(uv.find_uv_bin())
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._settings: asyncio.Task[dict[str, str]] | None = None
        self._places: dict[EnvironmentSpec, Path] = {}
        self._builds: dict[EnvironmentSpec, _Build] = {}
        self._failures: dict[EnvironmentSpec, _Failure] = {}
        self._pythons: dict[str, Interpreter] = {}

    async def start(self) -> None:
        """Remove what an earlier server left half made."""
        await asyncio.to_thread(self._sweep)

    async def close(self) -> None:
        """Give up what is being made."""
        tasks = [build.task for build in self._builds.values()]
        for task in (*tasks, self._settings):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    def ready(self, spec: EnvironmentSpec, then: Callable[[], None]) -> Path | None:
        made = self._find(spec)
        if made is not None:
            return made
        self._tell_failure(spec)
        build = self._builds.get(spec)
        if build is None:
            build = self._builds[spec] = _Build()
            build.task = asyncio.create_task(self._build(spec, build))
        build.waiting.append(then)
        return None

    def note(self, spec: EnvironmentSpec) -> str:
        python = self._python(spec)
        return python.note if python else f"looking for Python {spec.python}"

    def _find(self, spec: EnvironmentSpec) -> Path | None:
        place = self._places.get(spec)
        if place is None:
            python = self._python(spec)
            if python is None:
                return None
            place = self._places[spec] = self._place(spec, python)
        return place if place.exists() else None

    def _python(self, spec: EnvironmentSpec) -> Interpreter | None:
        if interpreters.is_own(spec.python):
            return interpreters.own()
        return self._pythons.get(spec.python)

    def _place(self, spec: EnvironmentSpec, python: Interpreter) -> Path:
        wanted = asdict(spec)
        for later in ("source", "base"):  # so that what was made before there were any stays known
            if not wanted[later]:
                del wanted[later]
        identity = json.dumps([wanted, str(python.executable), python.version, str(self._programs)])
        return self._folder / hashlib.sha256(identity.encode()).hexdigest()[:32]

    def _tell_failure(self, spec: EnvironmentSpec) -> None:
        failure = self._failures.get(spec)
        if failure is None:
            return
        failure.untold -= 1
        stale = self._clock.now() - failure.at > _FAILURE_LASTS
        if failure.untold <= 0 or stale:
            del self._failures[spec]
        if not stale:
            raise failure.error

    async def _build(self, spec: EnvironmentSpec, build: _Build) -> None:
        try:
            async with self._turns:
                await self._make(spec)
        except EnvironmentFailed as error:
            self._remember(spec, error, len(build.waiting))
        except Exception as error:  # noqa: BLE001 - whoever waits is told, whatever happened
            said = f"cannot make an environment: {type(error).__name__}: {error}"
            self._remember(spec, EnvironmentFailed(said), len(build.waiting))
        finally:
            del self._builds[spec]
        for then in build.waiting:
            then()

    def _remember(self, spec: EnvironmentSpec, error: EnvironmentFailed, waiting: int) -> None:
        self._failures[spec] = _Failure(error=error, at=self._clock.now(), untold=waiting)

    async def _make(self, spec: EnvironmentSpec) -> None:
        env = await self._installer_settings()
        python = self._python(spec)
        if python is None:
            python = await interpreters.find(self._uv, spec.python, env)
            self._pythons[spec.python] = python
        place = self._place(spec, python)
        if place.exists():
            return
        await asyncio.to_thread(self._prepare)
        new = self._folder / f"{_UNFINISHED}{ids.token()}"
        try:
            with _held(new) as lock:
                await self._install(spec, python, new, (env, lock))
                await asyncio.to_thread(self._finish, spec, new)
                _put(new, place)
        finally:
            await asyncio.to_thread(shutil.rmtree, new, ignore_errors=True)

    async def _install(
        self,
        spec: EnvironmentSpec,
        python: Interpreter,
        new: Path,
        how: tuple[dict[str, str], int],
    ) -> None:
        env, lock = how
        # Relocatable: it is renamed when it is whole, and its scripts must not name this place.
        venv = ["venv", "--no-project", "--relocatable", "--allow-existing", "--python"]
        begin = [[*venv, str(python.executable), str(new)]]
        if spec.base is not None:
            begin = []
            await self._make(spec.base)
            await asyncio.to_thread(_copy, self._place(spec.base, python), new)
        for arguments in (*begin, *_installations(spec, new)):
            code, said = await installer.run([self._uv, *arguments], env, keep_open=[lock])
            if code != 0:
                raise EnvironmentFailed(_explained(spec, python, said))

    def _finish(self, spec: EnvironmentSpec, new: Path) -> None:
        """Make Flowmaker's own programs importable, without the server's other packages.

        And the user's source, where there is one.
        """
        packages = next((new / "lib").glob("python3.*/site-packages"))
        if spec.source:
            _write(packages / "source.pth", f"{spec.source}\n")
        if spec.programs:
            _write(packages / "flowmaker-programs.pth", f"{self._programs}\n")

    async def _installer_settings(self) -> dict[str, str]:
        if self._settings is None:
            self._settings = asyncio.create_task(installer.settings(self._folder / ".cache"))
        return await asyncio.shield(self._settings)

    def _prepare(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._programs.mkdir(parents=True, exist_ok=True)
        link, package = self._programs / "flowmaker", Path(flowmaker.__file__).parent
        if not link.is_symlink() or link.readlink() != package:
            new = link.with_name(f"flowmaker.{ids.token()}")
            new.symlink_to(package)
            new.replace(link)

    def _sweep(self) -> None:
        for unfinished in self._folder.glob(f"{_UNFINISHED}*"):
            # Held: somebody, or an installer that outlived a killed server, still writes there.
            with contextlib.suppress(OSError), _held(unfinished):
                shutil.rmtree(unfinished, ignore_errors=True)


@contextlib.contextmanager
def _held(folder: Path) -> Generator[int]:
    """The folder, made if need be, locked for as long as it is worked on.

    Raises:
        BlockingIOError: somebody else holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield lock
    finally:
        os.close(lock)


def _copy(base: Path, new: Path) -> None:
    """Fill a new environment with another's files, without their bytes. Installers replace files.

    Nobody writes into them: so both keep what they have.
    """
    shutil.copytree(base, new, symlinks=True, copy_function=os.link, dirs_exist_ok=True)


def _write(path: Path, text: str) -> None:
    """A new file: the one that is there may be another environment's too."""
    path.unlink(missing_ok=True)
    path.write_text(text, encoding="utf-8")


def _put(new: Path, place: Path) -> None:
    """Rename it; unless another, that was made at the same time, is there."""
    try:
        new.rename(place)
    except OSError:
        if not place.exists():
            raise


def _installations(spec: EnvironmentSpec, new: Path) -> list[list[str]]:
    """The calls of uv that install what the spec lists, in order."""
    options = [o for o in spec.install_options if o not in _OPTIONS_OF_PIP_ALONE]
    parts = [
        ("lock.txt", spec.lock, ["--require-hashes", *options]),
        ("requirements.txt", "\n".join(spec.requirements), options),
        ("no-deps.txt", "\n".join(spec.no_deps), [*options, "--no-deps"]),
    ]
    install = ["pip", "install", "--compile-bytecode", "--python", str(new / "bin" / "python")]
    commands: list[list[str]] = []
    for name, text, extra in parts:
        if text:
            _write(new / name, f"{text}\n")
            commands.append([*install, *extra, "-r", str(new / name)])
    return commands


def _explained(spec: EnvironmentSpec, python: Interpreter, said: str) -> str:
    wanted = " ".join(spec.requirements + spec.no_deps) or "the locked requirements"
    last = [line for line in said.strip().splitlines() if line.strip()][-_LAST_LINES:]
    return "\n".join([f"cannot install {wanted} on Python {python.version}:", *last])
