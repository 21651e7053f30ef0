"""A task's container when its inputs are known, and what dsl.TaskConfig tells it of that."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flowmaker.pipelines.driver.job import Job
from flowmaker.pipelines.driver.placeholders import Placeholders
from flowmaker.pipelines.driver.resources import requirements
from flowmaker.pipelines.driver.workspace import claim_name, uses_workspace
from flowmaker.pipelines.ir.graph import Component, Container
from flowmaker.pipelines.ir.kubernetes import PARTS
from flowmaker.pipelines.ir.pipeline_config import WORKSPACE
from flowmaker.pipelines.records.run import Task

#: What the volume of a run's workspace is called.
_VOLUME = "kfp-workspace"
#: Toleration's fields, as Kubernetes names them.
_TOLERATION = ("key", "operator", "value", "effect", "tolerationSeconds")


def container_of(task: Task, component: Component, job: Job) -> Container:
    """The container of a task, with nothing left to fill in its image and its resources.

    What is only passed through (`apply_to_task=False`) is for the task to know, not to have.

    Raises:
        FailedPrecondition: a placeholder has no value.
    """
    container = component.container
    assert container is not None, component.name
    if not (component.passthroughs or container.resources or "{{" in container.image):
        return container
    fill = Placeholders(
        parameters=task.inputs.get("parameters", {}),
        input_artifacts=task.inputs.get("artifacts", {}),
        job=job.placeholders(task.name, task.task_id),
    )
    has = component.passthroughs
    return replace(
        container,
        image=fill.text(container.image),
        resources=fill.inside(container.resources) if has.get("RESOURCES", True) else {},
        env=container.env if has.get("ENV", True) else (),
        kubernetes={
            field: value
            for field, value in container.kubernetes.items()
            if has.get(PARTS.get(field, ""), True)
        },
    )


def task_config(task: Task, component: Component, job: Job, fill: Placeholders) -> dict[str, Any]:
    """What a parameter of type TASK_CONFIG gets: the parts that the component asks for."""
    container = component.container
    assert container is not None, component.name
    parts = {
        "RESOURCES": ("resources", lambda: requirements(fill.inside(container.resources))),
        "ENV": ("env", lambda: [{"name": name, "value": fill.text(value)} for name, value in env]),
        "KUBERNETES_NODE_SELECTOR": ("nodeSelector", lambda: _labels(container.kubernetes)),
        "KUBERNETES_TOLERATIONS": ("tolerations", lambda: _tolerations(container.kubernetes)),
    }
    env = container.env
    if job.has_workspace and uses_workspace(task.inputs, container):
        parts["KUBERNETES_VOLUMES"] = ("volumes", lambda: [_workspace(task.run_id)])
    found = {
        name: part() for field, (name, part) in parts.items() if field in component.passthroughs
    }
    if "volumes" in found:
        found["volumeMounts"] = [{"name": _VOLUME, "mountPath": WORKSPACE}]
    return {name: part for name, part in found.items() if part}


def _workspace(run_id: str) -> dict[str, Any]:
    return {"name": _VOLUME, "persistentVolumeClaim": {"claimName": claim_name(run_id)}}


def _labels(kubernetes: Mapping[str, Any]) -> dict[str, str]:
    return dict(kubernetes.get("nodeSelector", {}).get("labels", {}))


def _tolerations(kubernetes: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {field: each[field] for field in _TOLERATION if field in each}
        for each in kubernetes.get("tolerations", ())
    ]
