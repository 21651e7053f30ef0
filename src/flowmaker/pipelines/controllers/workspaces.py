"""The workspaces of runs: made with the run, and filled by importers that download to them."""

import asyncio
import shutil
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from flowmaker.errors import FailedPrecondition, FlowmakerError
from flowmaker.objects.objects import ObjectStore
from flowmaker.pipelines.controllers.artifacts import link_inputs, local_mounts
from flowmaker.pipelines.controllers.settings import RunSettings
from flowmaker.pipelines.driver.importing import imported
from flowmaker.pipelines.driver.job import local_path
from flowmaker.pipelines.driver.workspace import ARTIFACTS, claim_name
from flowmaker.pipelines.ir.graph import Graph
from flowmaker.pipelines.lifecycle.progress import Progress
from flowmaker.pipelines.lifecycle.run import End
from flowmaker.pipelines.records.run import Run, Task


class Workspaces:
    """Does it while the run goes on: a download may take long. Done again it is the same."""

    def __init__(
        self,
        settings: RunSettings,
        objects: ObjectStore,
        hint_of: Callable[[str], Callable[[], None]],
    ) -> None:
        self._settings = settings
        self._objects = objects
        self._hint_of = hint_of
        #: The downloads of each run, by the ids of their tasks.
        self._downloads: defaultdict[str, dict[str, asyncio.Task[End]]] = defaultdict(dict)

    async def ensure(self, run: Run, graph: Graph) -> None:
        """Make the workspace of a run that has one.

        Raises:
            FlowmakerError: it cannot be made as asked.
        """
        if graph.config.workspace is not None:
            name = claim_name(run.run_id)
            manifest = graph.config.workspace.manifest(name)
            await self._settings.make_claim(self._namespace(run), name, manifest, run.run_id)

    async def ends(self, progress: Progress) -> list[End]:
        """The ends of importers whose artifact is there now; begins with those that are new."""
        if progress.graph.config.workspace is None:
            return []
        downloads = self._downloads[progress.run.run_id]
        for task_id in progress.pending:
            task = progress.tasks[task_id]
            importer = progress.graph.component(task.component).importer
            if importer is not None and task_id not in downloads:
                downloads[task_id] = asyncio.create_task(self._download(progress, task))
                hint = self._hint_of(progress.run.run_id)
                downloads[task_id].add_done_callback(lambda _, hint=hint: hint())
        done = [task_id for task_id, download in downloads.items() if download.done()]
        return [downloads.pop(task_id).result() for task_id in done]

    def drop(self, run_id: str) -> None:
        """A run is over, or is to be read again."""
        for download in self._downloads.pop(run_id, {}).values():
            download.cancel()

    async def _download(self, progress: Progress, task: Task) -> End:
        importer = progress.graph.component(task.component).importer
        assert importer is not None, task.name
        try:
            job = progress.job.placeholders(task.name, task.task_id)
            outputs = imported(importer, task.inputs, job)
            namespace, name = self._namespace(progress.run), claim_name(task.run_id)
            folder = await self._settings.claim(namespace, name)
            if folder is None:
                raise FailedPrecondition(f"PersistentVolumeClaim {name!r} is not there any more")
            (artifact,) = outputs["artifacts"][importer.output]
            aside = folder.with_name(f"{folder.name}.{task.task_id}")
            await self._fetch(artifact["uri"], folder, aside)
        except (FlowmakerError, OSError) as error:
            return End(task_id=task.task_id, error=str(error))
        return End(task_id=task.task_id, outputs=outputs)

    async def _fetch(self, uri: str, folder: Path, aside: Path) -> None:
        """Put a copy of what is at `uri` into the workspace, by way of the folder `aside`.

        Raises:
            FailedPrecondition: it is nowhere to be had, or the workspace leads elsewhere.
        """
        try:
            if uri.startswith("/"):
                local_mounts([uri], self._settings.hidden)
            else:
                await link_inputs(self._objects, [uri], aside, {uri})
            source = Path(local_path(str(aside), uri))
            target = folder / ARTIFACTS / local_path("", uri).lstrip("/")
            await asyncio.to_thread(_copy, uri, source, target, folder)
        finally:
            await asyncio.to_thread(shutil.rmtree, aside, ignore_errors=True)

    def _namespace(self, run: Run) -> str:
        return run.namespace or self._settings.namespace


def _copy(uri: str, source: Path, target: Path, folder: Path) -> None:
    """Copies, not links: tasks may write to what is in their workspace."""
    if not source.exists():
        raise FailedPrecondition(f"Artifact {uri} is not there, so it cannot be downloaded")
    # A task may have put a symbolic link into the workspace.
    if not target.resolve().is_relative_to(folder.resolve()):
        raise FailedPrecondition(f"{target.name} in the workspace leads out of it")
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(
            source, target, symlinks=True, copy_function=shutil.copyfile, dirs_exist_ok=True
        )
    else:
        shutil.copyfile(source, target)
