"""What a container image is here: an environment, and a program in it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flowmaker.executors.executor import Environments, EnvironmentSpec
from flowmaker.sagemaker.algorithms import registry


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """A built-in algorithm, ready to run."""

    environment: Path
    module: str

    def argv(self, command: str) -> tuple[str, ...]:
        """What `docker run IMAGE command` is."""
        return ("python", "-m", self.module, command)


def program(environments: Environments, image: str, then: Callable[[], None]) -> Program | None:
    """The image's program, or None while its environment is being made.

    `then()` is called when it is worth asking again.

    Raises:
        LookupError: no such image is known here.
        FlowmakerError: its environment cannot be made.
    """
    builtin = registry.find(image)
    if builtin is None:
        raise LookupError(image)
    spec = EnvironmentSpec(lock=builtin.lock, programs=True)
    environment = environments.ready(spec, then)
    return Program(environment=environment, module=builtin.module) if environment else None
