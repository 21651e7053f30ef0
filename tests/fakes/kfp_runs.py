"""Pipelines run through the real kfp.Client, and what their components really did.

A component says what it saw by printing `RESULT ` and JSON; that is read from its log.
"""

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kfp
from kfp import compiler
from kfp_server_api import V2beta1Run

from tests.house import House

MARK = "RESULT "


@dataclass(frozen=True)
class Ran:
    """A run that has ended."""

    run: V2beta1Run
    data: Path

    @property
    def id(self) -> str:
        return self.run.run_id

    @property
    def tasks(self) -> list[Any]:
        return self.run.run_details.task_details

    @property
    def error(self) -> str:
        return self.run.error.message if self.run.error else ""

    def states(self) -> dict[str, str]:
        return {task.display_name: task.state for task in self.tasks}

    def log(self, name: str) -> str:
        """What all attempts of the task of that name printed, and of its iterations."""
        ids = [task.task_id for task in self.tasks if task.display_name == name]
        folders = [folder for each in ids for folder in sorted(self.data.glob(f"jobs/{each}-*"))]
        return "".join((folder / "log").read_text() for folder in folders)

    def results(self, name: str) -> list[Any]:
        """What the task said each time that it ran."""
        lines = [line for line in self.log(name).splitlines() if line.startswith(MARK)]
        return [json.loads(line.removeprefix(MARK)) for line in lines]

    def result(self, name: str) -> Any:
        (only,) = self.results(name)
        return only


def ran(server: House, pipeline: Any, folder: Path, seconds: float = 60, **options: Any) -> Ran:
    """Compile the pipeline, run it, and wait for its end."""
    package = folder / "pipeline.yaml"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiler.Compiler().compile(pipeline, str(package))
    return ran_package(server, package, seconds, **options)


def ran_package(
    server: House,
    package: Path,
    seconds: float = 60,
    arguments: Mapping[str, Any] | None = None,
    **options: Any,
) -> Ran:
    """Run a package, and wait for its end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = kfp.Client(host=server.url)
        made = client.create_run_from_pipeline_package(
            str(package), arguments=dict(arguments or {}), enable_caching=False, **options
        )
        client.wait_for_run_completion(made.run_id, timeout=seconds, sleep_duration=0.05)
        return Ran(client.get_run(made.run_id), server.data)
