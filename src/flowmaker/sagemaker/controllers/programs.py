"""What a container image is here: an environment, and programs in it; or a real container."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flowmaker.executors.executor import Container, Environments, Mount
from flowmaker.sagemaker.container import layered
from flowmaker.sagemaker.images import Image, JobImages

#: What every program of a job is told, unless the job says otherwise. OpenMP's threads that wait
#: for each other leave the processor to others: on a busy machine those that spin take far longer.
SHARING = {"OMP_WAIT_POLICY": "PASSIVE"}
#: A log is read while it is written.
_ENVIRONMENT = {"PYTHONUNBUFFERED": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """An image, ready to run."""

    #: None: it is a real container.
    environment: Path | None
    image: Image

    def argv(self, command: str) -> tuple[str, ...]:
        """What `docker run IMAGE train` is, or `… serve`."""
        return self.image.train if command == "train" else self.image.serve

    def command(
        self, given: Mapping[str, Any], default: tuple[str, ...] = ()
    ) -> tuple[tuple[str, ...], Container | None]:
        """What is run: the arguments of an entrypoint and its container, or a whole command.

        `given` may have ContainerEntrypoint and ContainerArguments; `default` is run without them.
        """
        container = self.image.container
        if container is None:
            return commanded(given) or default, None
        entrypoint = tuple(given.get("ContainerEntrypoint", ()))
        arguments = tuple(given.get("ContainerArguments", ()))
        run = arguments if entrypoint or arguments else default
        return run, replace(container, entrypoint=entrypoint)

    def sealed(self, root: Path, *places: str) -> tuple[Mount, ...]:
        """What a container, whose root may write anything, must leave as it is: below `root`.

        Data that is in S3 is there as links to what is stored.
        """
        if self.image.container is None:
            return ()
        return tuple(
            Mount(source=root / place, target=f"/opt/ml/{place}", read_only=True)
            for place in places
            if (root / place).is_dir()
        )

    def variables(self) -> Mapping[str, str]:
        """What the image sets for its programs."""
        return _ENVIRONMENT if self.image.has_pip else {}

    async def layer(self, place: Path) -> tuple[Path | None, tuple[Mount, ...]]:
        """The environment for one process, and what it needs to see of it.

        Where the image has pip, a layer of the process's own at `place`.
        """
        if self.environment is None or not self.image.has_pip:
            return self.environment, ()
        made = await asyncio.to_thread(layered.lay, self.environment, place)
        return made, (Mount(source=made, target=str(made)),)


def commanded(given: Mapping[str, Any]) -> tuple[str, ...]:
    """What a request has instead of the image's own command, as `docker run --entrypoint` has it.

    `given` has ContainerEntrypoint and ContainerArguments; empty: neither.
    """
    return (*given.get("ContainerEntrypoint", ()), *given.get("ContainerArguments", ()))


def ready(environments: Environments, image: Image, then: Callable[[], None]) -> Program | None:
    """The image's program, or None while its environment is being made.

    `then()` is called when it is worth asking again.

    Raises:
        FlowmakerError: its environment cannot be made.
    """
    if image.container is not None:
        return Program(environment=None, image=image)
    environment = environments.ready(image.environment, then)
    return Program(environment=environment, image=image) if environment else None


def program(
    environments: Environments,
    image: str,
    then: Callable[[], None],
    *,
    images: JobImages | None = None,
    script: bool = False,
    requirements: Sequence[str] = (),
) -> Program | None:
    """The program of the image of that name, or None while its environment is being made.

    Raises:
        LookupError: no such image is known here.
        FlowmakerError: its environment cannot be made.
    """
    found = (images or JobImages()).find(image, script=script)
    if found is None:
        raise LookupError(image)
    return ready(environments, found.with_requirements(requirements), then)
