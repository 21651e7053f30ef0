"""Real containers: an image of this machine's podman or docker, run in place of an environment.

The process that the supervisor starts is the engine's own client (`podman run …`), which prints
what the container prints and ends as it ends. The container is another's child with docker, and may
outlive its client with either engine: so it is stopped by its name, and removed by its name when
its client has ended, whatever ended that.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from flowmaker.errors import InvalidInput, Unsupported
from flowmaker.executors.executor import Container, Mount, ProcessSpec
from flowmaker.executors.sandbox import Confinement

CONTAINER = "container"
#: Programs that run containers, in the order in which they are looked for.
ENGINES = ("podman", "docker")
#: Seconds for a question to an engine.
_PATIENCE = 60.0
#: What an engine's client reads of its own user's environment.
_CLIENT = re.compile(r"HOME|PATH|LANG|TZ|(XDG|DOCKER|CONTAINERS?|DBUS)_\w+")
#: What would turn the client itself into something else: such variables are told by value.
_GUARDED = re.compile(rf"{_CLIENT.pattern}|(LD|GO|SSL|STORAGE|BUILDAH)\w*|TMPDIR|(?i:\w+_PROXY)")


def confine(spec: ProcessSpec, container: Container) -> Confinement:
    """The engine's own confinement.

    Raises:
        Unsupported: the engine is not there, or cannot do what is asked.
    """
    if not spec.network and (spec.inlet or spec.network_of):
        what = "a model server" if spec.inlet else "several instances"
        raise Unsupported(
            f"the image {container.image} is a real container of {container.engine}, in which "
            f"{what} cannot have network isolation"
        )
    engine = program(container.engine)
    name = _name(spec.id)
    return Confinement(
        level=CONTAINER,
        terminate=[engine, "kill", "--signal", "TERM", name],
        remove=[engine, "rm", "--force", name],
    )


def argv(spec: ProcessSpec, container: Container) -> list[str]:
    """The engine's command that runs it, and ends as it does."""
    user = _user(container.engine)
    entrypoint = container.entrypoint
    return [
        program(container.engine),
        "run",
        "--pull=never",
        f"--name={_name(spec.id)}",
        # What it prints is kept by whoever reads it, once.
        "--log-driver=none",
        # Whoever removes it has waited as long as it was given.
        "--stop-timeout=0",
        "--security-opt=label=disable",
        *([f"--user={user}"] if user else []),
        *_network(spec),
        *(f"--add-host={name}:{address}" for name, address in spec.hosts.items()),
        *(f"--volume={_volume(mount)}" for mount in spec.mounts),
        *(f"--env={_variable(name, value)}" for name, value in spec.env.items()),
        *([f"--entrypoint={entrypoint[0]}"] if entrypoint else []),
        container.image,
        *entrypoint[1:],
        *spec.argv,
    ]


def environment(spec: ProcessSpec) -> dict[str, str]:
    """The client's environment: its user's, and the container's variables to be passed on."""
    passed = {name: value for name, value in spec.env.items() if not _GUARDED.fullmatch(name)}
    return passed | client_environment()


def client_environment() -> dict[str, str]:
    """What an engine's client needs to know of the user that it works for."""
    return {name: value for name, value in os.environ.items() if _CLIENT.fullmatch(name)}


def program(engine: str) -> str:
    """The path of an engine.

    Raises:
        Unsupported: it is not there.
    """
    found = shutil.which(engine)
    if found is None:
        raise Unsupported(f"real containers need {engine}, and it is not on the server's PATH")
    return found


def engine_of(image: str) -> str:
    """Which engine has the image.

    Raises:
        InvalidInput: none has; the message says what each said.
    """
    there = [engine for engine in ENGINES if shutil.which(engine)]
    if not there:
        raise InvalidInput(
            "--container: neither podman nor docker is here. Install one, or leave --container out "
            "and say what the image stands for with --requirements and --source."
        )
    said: list[str] = []
    for engine in there:
        answer = _asked(engine, image)
        if not answer:
            return engine
        said.append(f"{engine}: {answer}")
    raise InvalidInput(
        f"--container: no image {image} is here. Build it, or pull it first with: "
        f"{there[0]} pull {image}. ({'; '.join(said)})"
    )


def _asked(engine: str, image: str) -> str:
    """Why an engine has not got an image; empty if it has."""
    command = [engine, "image", "inspect", image]
    try:
        answer = subprocess.run(  # noqa: S603 - our own arguments
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            text=True,
            timeout=_PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if answer.returncode == 0:
        return ""
    lines = [line for line in answer.stderr.splitlines() if line.strip()]
    return lines[-1].strip() if lines else f"exit code {answer.returncode}"


def _name(process_id: str) -> str:
    return f"flowmaker-{process_id}"


def _user(engine: str) -> str:
    """Who runs in it: docker's root is the machine's, whose files nobody else could remove."""
    return f"{os.geteuid()}:{os.getegid()}" if engine == "docker" and os.geteuid() else ""


def _network(spec: ProcessSpec) -> Sequence[str]:
    """The machine's network, in which its instances and AWS are; a published port; or none."""
    if spec.inlet:
        return [f"--publish=127.0.0.1:{spec.inlet}:{spec.inlet_to or spec.inlet}"]
    return ["--network=host" if spec.network else "--network=none"]


def _volume(mount: Mount) -> str:
    return f"{mount.source}:{mount.target}{':ro' if mount.read_only else ''}"


def _variable(name: str, value: str) -> str:
    """By its name alone where it can be: then its value is not among the machine's processes."""
    return f"{name}={value}" if _GUARDED.fullmatch(name) else name


def remove_left(folder: Path) -> None:
    """Remove the container of a process whose supervisor was killed, if it has one.

    `folder` is the process's.
    """
    try:
        spec = cast("Mapping[str, Any]", json.loads((folder / "spec.json").read_bytes()))
    except (FileNotFoundError, ValueError):
        return
    if command := spec.get("remove"):
        subprocess.run(  # noqa: S603 - what we wrote ourselves
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            env=client_environment(),
        )
