"""Prepares a task to be run again in somebody's terminal: nothing of it is recorded."""

import asyncio
import shlex
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from flowmaker import ids
from flowmaker.errors import FailedPrecondition, InvalidInput, NotFound
from flowmaker.executors.executor import EnvironmentSpec, ProcessSpec
from flowmaker.pipelines.controllers.process import CALL, Processes
from flowmaker.pipelines.controllers.settings import RunSettings, job_of
from flowmaker.pipelines.ir.graph import graph_of
from flowmaker.pipelines.ir.supported import CREATE_PVC, DELETE_PVC
from flowmaker.pipelines.lifecycle.progress import Progress
from flowmaker.pipelines.records.run import Task
from flowmaker.pipelines.repository import runs
from flowmaker.store.database import Database

#: The beginning of the ids of debug sessions' processes; a task's begins with a UUID.
PREFIX = "debug-"
_DEBUGGING = "flowmaker.pipelines.launcher.debugging"
#: The task's command, for who has a shell: in the session's working folder.
COMMAND = "task.sh"
_RUN_LIGHTWEIGHT = "from flowmaker.pipelines.launcher.lightweight import run; run()"


class How(StrEnum):
    """What a session begins with. A container's command has no pdb: it runs as it is."""

    POST_MORTEM = "post-mortem"
    BREAK = "break"
    SHELL = "shell"


@dataclass(frozen=True, kw_only=True, slots=True)
class Debugging:
    """Debug sessions of one server's tasks."""

    database: Database
    processes: Processes
    settings: RunSettings
    #: Prepares the folder of a process that is not started (`LocalExecutor.reserve`).
    reserve: Callable[[ProcessSpec], Awaitable[Path]]

    async def __call__(self, run_id: str, task_id: str, how: str) -> Mapping[str, str]:
        """A session's `folder`, the `python` to run it with, and what is run.

        That `program` is `pdb`, `command` or `shell`.

        Raises:
            InvalidInput: `how` is unknown.
            FailedPrecondition: the task never had inputs.
            FlowmakerError: it cannot be started as asked.
        """
        manner = _manner(how)
        progress, task = await self._task(run_id, task_id)
        task = replace(task, process_id=f"{PREFIX}{ids.token().lower()}")
        wanted = self.processes.environment_of(progress, task)
        environment = await self._made(wanted)
        spec = await self.processes.prepare(
            progress, task, wanted, environment, worker=task.process_id
        )
        if manner is How.SHELL:
            return await self._shell(spec)
        if spec.call != CALL:
            return _session(await self.reserve(spec), Path(sys.executable), "command")
        function = "from_start" if manner is How.BREAK else "post_mortem"
        spec = replace(spec, call=f"{_DEBUGGING}:{function}")
        return _session(await self.reserve(spec), environment / "bin" / "python", "pdb")

    async def _shell(self, spec: ProcessSpec) -> Mapping[str, str]:
        is_python = spec.call == CALL
        command = ("python", "-c", _RUN_LIGHTWEIGHT, *spec.argv[1:]) if is_python else spec.argv
        folder = await self.reserve(replace(spec, argv=("sh", "-c", _SHELL), call="", preload=()))
        script = f"#!/bin/sh\nexec {shlex.join(command)}\n"
        await asyncio.to_thread(_write_program, folder / "work" / COMMAND, script)
        return _session(folder, Path(sys.executable), "shell")

    async def _task(self, run_id: str, task_id: str) -> tuple[Progress, Task]:
        run = await self.database.read(runs.get_run, run_id)
        if run is None:
            raise NotFound(f"There is no run {run_id!r}.")
        tasks = await self.database.read(runs.tasks_of, run_id)
        graph = await asyncio.to_thread(graph_of, run.pipeline_spec, run.platform_spec)
        progress = Progress(graph, job_of(run, graph, self.settings), run, tasks)
        task = progress.tasks[task_id]
        name = task.display_name or task.name
        if "artifacts" not in task.inputs:
            why = f": {task.error}" if task.error else ""
            raise FailedPrecondition(
                f"Task {name!r} cannot be run again: it never had its inputs. It is {task.state}"
                f"{why}."
            )
        container = graph.component(task.component).container
        if container is not None and container.image in (CREATE_PVC, DELETE_PVC):
            raise FailedPrecondition(
                f"Task {name!r} makes or deletes a volume claim: the server does that itself, and "
                "there is nothing to debug."
            )
        if container is None:
            raise FailedPrecondition(f"Task {name!r} is an importer: it runs nothing to debug.")
        return progress, task

    async def _made(self, wanted: EnvironmentSpec) -> Path:
        while True:
            changed = asyncio.Event()
            made = self.processes.environments.ready(wanted, changed.set)
            if made is not None:
                return made
            await changed.wait()


#: Bash where there is one; its prompt says where one is.
_SHELL = (
    "PS1='flowmaker-debug$ '; export PS1; "
    "if command -v bash >/dev/null; then exec bash --norc -i; else exec sh -i; fi"
)


def _write_program(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def _session(folder: Path, python: Path, program: str) -> Mapping[str, str]:
    return {"folder": str(folder), "python": str(python), "program": program}


def _manner(how: str) -> How:
    try:
        return How(how or How.POST_MORTEM)
    except ValueError:
        raise InvalidInput(f"how is one of {', '.join(How)}, not {how!r}.") from None
