"""The components CreatePVC and DeletePVC: tasks that run nothing, but make and remove claims."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowmaker.errors import FlowmakerError, InvalidInput
from flowmaker.pipelines.controllers.settings import RunSettings
from flowmaker.pipelines.ir.supported import CREATE_PVC, DELETE_PVC
from flowmaker.pipelines.lifecycle.progress import Progress
from flowmaker.pipelines.lifecycle.run import End
from flowmaker.pipelines.records.run import Task

#: Inputs of CreatePVC that only a cluster has something for.
_CLUSTERS = ("volume_name", "data_source")


@dataclass(frozen=True, kw_only=True, slots=True)
class Volumes:
    """Does what those tasks ask for. All of it may be done again after a crash."""

    settings: RunSettings

    async def ends(self, progress: Progress) -> list[End]:
        """The ends of all such tasks that wait; they take no place and no environment."""
        images = {
            name: component.container.image
            for name, component in progress.graph.components.items()
            if component.container and component.container.image in (CREATE_PVC, DELETE_PVC)
        }
        if not images:
            return []
        waiting = [progress.tasks[task_id] for task_id in progress.pending]
        return [
            await self._end(progress, task, images[task.component])
            for task in waiting
            if task.component in images
        ]

    async def _end(self, progress: Progress, task: Task, image: str) -> End:
        namespace = progress.run.namespace or self.settings.namespace
        given: Mapping[str, Any] = task.inputs["parameters"]
        try:
            if image == DELETE_PVC:
                return await self._delete(task, namespace, given["pvc_name"])
            name = _name(task, given)
            await self.settings.make_claim(namespace, name, _manifest(name, given), task.task_id)
        except FlowmakerError as error:
            return End(task_id=task.task_id, error=str(error))
        return End(task_id=task.task_id, outputs={"parameters": {"name": name}, "artifacts": {}})

    async def _delete(self, task: Task, namespace: str, name: str) -> End:
        if await self.settings.remove_claim(namespace, name, task.task_id):
            return End(task_id=task.task_id)
        return End(
            task_id=task.task_id,
            error=f"PersistentVolumeClaim {name!r} not found in namespace {namespace}: there is "
            f"nothing to delete. Those that are there: kubectl get pvc -n {namespace}",
        )


def _name(task: Task, given: Mapping[str, Any]) -> str:
    """As given, or one that no other claim has, as on a cluster."""
    name, suffix = given.get("pvc_name"), given.get("pvc_name_suffix")
    if name and suffix:
        raise InvalidInput("CreatePVC takes one of pvc_name and pvc_name_suffix, not both")
    return name or f"{task.task_id}{suffix or ''}"


def _manifest(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    for field in _CLUSTERS:
        if given.get(field):
            raise InvalidInput(f"CreatePVC with {field}: there are no volumes to take it from here")
    spec: dict[str, Any] = {
        "accessModes": given["access_modes"],
        "resources": {"requests": {"storage": given["size"]}},
    }
    if given.get("storage_class_name"):
        spec["storageClassName"] = given["storage_class_name"]
    return {"metadata": {"name": name, "annotations": given.get("annotations") or {}}, "spec": spec}
