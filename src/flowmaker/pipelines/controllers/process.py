"""The process of a task: what to start, what to prepare for it, and what it left."""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from flowmaker.errors import FailedPrecondition, FlowmakerError, Unsupported
from flowmaker.executors.executor import (
    Environments,
    EnvironmentSpec,
    Executor,
    Observation,
    ProcessSpec,
    ProcessState,
)
from flowmaker.executors.images import Images
from flowmaker.executors.room import Amount
from flowmaker.objects.objects import ObjectStore
from flowmaker.pipelines.controllers.accelerators import Accelerators
from flowmaker.pipelines.controllers.artifacts import link_inputs, local_mounts, publish
from flowmaker.pipelines.controllers.platform import Platform, config_of
from flowmaker.pipelines.controllers.room import asked
from flowmaker.pipelines.controllers.settings import RunSettings
from flowmaker.pipelines.driver.configuration import container_of
from flowmaker.pipelines.driver.job import local_path, remote_uri
from flowmaker.pipelines.driver.outputs import artifacts_of, parameters_of
from flowmaker.pipelines.driver.platform import applied
from flowmaker.pipelines.driver.program import Program, expanded, program_of
from flowmaker.pipelines.driver.resources import limits, requirements
from flowmaker.pipelines.driver.workspace import is_inside
from flowmaker.pipelines.ir.accelerators import wanted as accelerators_of
from flowmaker.pipelines.ir.graph import Container
from flowmaker.pipelines.ir.lightweight import recognise
from flowmaker.pipelines.lifecycle.failure import Failed, ended, left_wrong, lost
from flowmaker.pipelines.lifecycle.progress import Progress
from flowmaker.pipelines.lifecycle.run import End
from flowmaker.pipelines.records.catalog import Document
from flowmaker.pipelines.records.run import Run, Task

CALL = "flowmaker.pipelines.launcher.lightweight:run"
#: What BusyBox's shell is called.
_SHELLS = ("sh", "/bin/sh", "ash", "/bin/ash")
_PRELOAD = ("flowmaker.pipelines.launcher.warm",)
#: Bytes from the end of a log that an error is made of.
_QUOTED = 16384
#: Bytes of outputs that are read on the event loop.
_AT_ONCE = 65536


@dataclass(frozen=True, kw_only=True, slots=True)
class Processes:
    """Starts tasks, and takes in what they left."""

    executor: Executor
    environments: Environments
    images: Images
    objects: ObjectStore
    settings: RunSettings
    accelerators: Accelerators
    #: What runs, by the process's id: it says where its outputs are.
    programs: dict[str, Program] = field(default_factory=dict[str, Program])

    def environment(self, container: Container) -> EnvironmentSpec:
        """The environment that a container runs in.

        Raises:
            Unsupported: its image names none, or none that packages can be added to.
        """
        base = self.images.resolve(container.image).environment
        lightweight = recognise(container.command)
        if lightweight is None:
            return base
        if base.lock and lightweight.requirements:
            raise Unsupported(
                f"Image {container.image} is a locked environment: a lightweight component "
                f"cannot install {', '.join(lightweight.requirements)} in it"
            )
        return replace(
            base,
            requirements=(*base.requirements, *lightweight.requirements),
            no_deps=(*base.no_deps, *lightweight.no_deps),
            install_options=(*base.install_options, *lightweight.install_options),
            programs=True,
        )

    def environment_of(self, progress: Progress, task: Task) -> EnvironmentSpec:
        """The environment of a task's container."""
        component = progress.graph.component(task.component)
        return self.environment(container_of(task, component, progress.job))

    async def prepare(
        self,
        progress: Progress,
        task: Task,
        wanted: EnvironmentSpec,
        environment: Path,
        *,
        worker: str = "",
    ) -> ProcessSpec:
        """The process of a task, staged; its inputs and the folders for its outputs are made.

        It runs in `environment`, which is the one that was `wanted`.
        `worker` is the name under which it asks for the worker's identity; else the task's id.

        Raises:
            FlowmakerError: it cannot be started as asked.
        """
        component = progress.graph.component(task.component)
        container = container_of(task, component, progress.job)
        folder = self.executor.folder(task.process_id)
        work = folder / "work"
        config = config_of(progress, task)
        program = program_of(task, component, progress.job, str(work), config)
        self.programs[task.process_id] = program
        own = applied(component, config)
        given = await Platform(self.settings, progress, task, own).given(folder)
        env = await self._variables(progress.run, task, program, worker)
        artifacts = (artifact for each in task.inputs["artifacts"].values() for artifact in each)
        uris = [artifact["uri"] for artifact in artifacts if not is_inside(artifact)]
        image = self.images.resolve(container.image)
        notes = [image.note or self.environments.note(wanted)]
        notes += [*_asked(container.resources, self.settings.room.capacity), *given.notes]
        cores, memory = limits(container.resources)
        env |= self.accelerators.variables(task.process_id, accelerators_of(container.resources))
        # As on a cluster, what the platform gives comes last and wins.
        env |= given.env
        process = replace(
            _warm(program) if program.lightweight else self._command(program, container, env),
            id=task.process_id,
            environment=environment,
            env=env,
            mounts=(*local_mounts(uris, self.settings.hidden), *given.mounts),
            timeout=given.timeout,
            memory_limit=memory,
            cpu_limit=cores,
            hidden=self.settings.hidden,
        )
        log = self.executor.log(task.process_id)

        def prepare() -> None:
            _prepare(program, work, log, notes)
            self.accelerators.write(task.process_id)

        await self.executor.stage(process, prepare)
        await link_inputs(self.objects, uris, work, program.reads)
        return process

    async def end(self, progress: Progress, task: Task, seen: Observation) -> End:
        """How the process of a task ended; its outputs are published."""
        program = self.programs.pop(task.process_id, None)
        if seen.state is ProcessState.LOST or seen.outcome is None:
            return End(task_id=task.task_id, error=lost(_failed(progress, task)))
        log = self.executor.log(task.process_id)
        if not seen.outcome.succeeded:
            said = await asyncio.to_thread(_end_of, log)
            code, reason = seen.outcome.exit_code, seen.outcome.reason
            error = ended(_failed(progress, task), code, reason, said)
            return End(task_id=task.task_id, error=error)
        try:
            return End(task_id=task.task_id, outputs=await self._outputs(progress, task, program))
        except FlowmakerError as wrong:
            said = await asyncio.to_thread(_end_of, log)
            error = left_wrong(_failed(progress, task), str(wrong), said)
            return End(task_id=task.task_id, error=error)

    def forget(self, process_id: str) -> None:
        """Nobody asks how it ended."""
        self.programs.pop(process_id, None)

    async def _outputs(self, progress: Progress, task: Task, program: Program | None) -> Document:
        component = progress.graph.component(task.component)
        work = self.executor.folder(task.process_id) / "work"
        config = config_of(progress, task)
        program = program or program_of(task, component, progress.job, str(work), config)
        # A thread takes longer to come to it than a small file to be read.
        small = _written_size(program) <= _AT_ONCE
        written, texts = _written(program) if small else await asyncio.to_thread(_written, program)
        artifacts = artifacts_of(component.outputs, program.output_artifacts, written)
        for each in artifacts.values():
            for artifact in each:
                source = Path(local_path(str(work), artifact["uri"]))
                artifact["uri"] = remote_uri(str(work), artifact["uri"])
                await publish(self.objects, artifact["uri"], source, work)
        parameters = parameters_of(component.outputs, written, texts)
        return {"parameters": parameters, "artifacts": artifacts}

    async def _variables(
        self, run: Run, task: Task, program: Program, worker: str
    ) -> dict[str, str]:
        return {
            "KF_PIPELINES_ENDPOINT": self.settings.endpoint,
            "KFP_POD_NAME": task.process_id,
            "KFP_POD_UID": task.task_id,
            "KFP_RUN_ID": task.run_id,
            "NAMESPACE": run.namespace or self.settings.namespace,
            **await self.settings.worker_environment(worker or task.task_id),
            **program.env,
        }

    def _command(
        self, program: Program, container: Container, env: Mapping[str, str]
    ) -> ProcessSpec:
        """As Kubernetes has it: without a command, arguments go to the image's entrypoint."""
        image = self.images.resolve(container.image)
        words = tuple(expanded(word, env) for word in program.argv)
        argv = words if container.command else (*image.entrypoint, *words)
        if image.shell and argv and argv[0] in _SHELLS:
            argv = (*image.shell, *argv[1:])
        return ProcessSpec(id="", argv=argv, cwd=image.workdir)


def _failed(progress: Progress, task: Task) -> Failed:
    component = progress.graph.component(task.component)
    container = container_of(task, component, progress.job)
    limit = requirements(container.resources).get("limits", {}).get("memory", "")
    return Failed(task=task, component=component.name, image=container.image, memory_limit=limit)


def _warm(program: Program) -> ProcessSpec:
    assert program.lightweight is not None
    argv = ("kfp", program.lightweight.source, *program.argv)
    return ProcessSpec(id="", argv=argv, call=CALL, preload=_PRELOAD)


def _asked(resources: Document, capacity: Amount) -> list[str]:
    """What is said of a task's requests and limits, in lines."""
    amount = asked(resources) if resources else None
    if not amount:
        return []
    there = capacity if amount.accelerators else replace(capacity, accelerators={})
    said = f"asks for {amount} of this machine's {there}"
    alone = "" if amount.fits(capacity) else ": no other that asks for room runs beside it"
    return [said + alone]


def _prepare(program: Program, work: Path, log: Path, notes: list[str]) -> None:
    """Folders for what the task writes, and the first lines of its log."""
    files = [program.output_file, *program.output_files.values()]
    files += [
        local_path(str(work), artifact["uri"])
        for each in program.output_artifacts.values()
        for artifact in each
    ]
    for parent in {Path(file).parent for file in files}:
        parent.mkdir(parents=True, exist_ok=True)
    if not log.exists():
        log.write_text("".join(f"[flowmaker] {note}\n" for note in notes if note))


def _written_size(program: Program) -> int:
    size = 0
    for file in (program.output_file, *program.output_files.values()):
        with contextlib.suppress(OSError):
            size += Path(file).stat().st_size
    return size


def _written(program: Program) -> tuple[dict[str, Any], dict[str, str]]:
    """The ExecutorOutput and the files of output parameters that a task wrote."""
    output = Path(program.output_file)
    try:
        written: Any = json.loads(output.read_text(encoding="utf-8")) if output.is_file() else {}
        texts = {
            name: Path(file).read_text(encoding="utf-8")
            for name, file in program.output_files.items()
            if Path(file).is_file()
        }
    except (ValueError, RecursionError) as error:
        raise FailedPrecondition(f"An output of the task cannot be read: {error}") from None
    return (written if isinstance(written, dict) else {}), texts  # pyright: ignore[reportUnknownVariableType]


def _end_of(log: Path) -> str:
    try:
        with log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _QUOTED))
            return file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
