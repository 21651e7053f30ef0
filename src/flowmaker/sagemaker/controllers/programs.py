"""What a container image is here: an environment, and programs in it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowmaker.executors.executor import Environments, Mount
from flowmaker.sagemaker.container import layered
from flowmaker.sagemaker.images import Image, JobImages

#: A log is read while it is written.
_ENVIRONMENT = {"PYTHONUNBUFFERED": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """An image, ready to run."""

    environment: Path
    image: Image

    def argv(self, command: str) -> tuple[str, ...]:
        """What `docker run IMAGE train` is, or `… serve`."""
        return self.image.train if command == "train" else self.image.serve

    def variables(self) -> Mapping[str, str]:
        """What the image sets for its programs."""
        return _ENVIRONMENT if self.image.has_pip else {}

    async def layer(self, place: Path) -> tuple[Path, tuple[Mount, ...]]:
        """The environment for one process, and what it needs to see of it.

        Where the image has pip, a layer of the process's own at `place`.
        """
        if not self.image.has_pip:
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
