"""A task's container when its inputs are known, and what dsl.TaskConfig tells it of that."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flowmaker.pipelines.driver import pod
from flowmaker.pipelines.driver.job import Job
from flowmaker.pipelines.driver.placeholders import Placeholders
from flowmaker.pipelines.driver.resources import requirements
from flowmaker.pipelines.driver.workspace import claim_name, uses_workspace
from flowmaker.pipelines.ir.graph import Component, Container
from flowmaker.pipelines.ir.pipeline_config import WORKSPACE
from flowmaker.pipelines.records.catalog import Document
from flowmaker.pipelines.records.run import Task

#: What the volume of a run's workspace is called.
_VOLUME = "kfp-workspace"
#: The fields of dsl.TaskConfig, as they are in JSON.
_NAMES = (
    "affinity",
    "tolerations",
    "nodeSelector",
    "env",
    "volumes",
    "volumeMounts",
    "resources",
)


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
    )


def configurations_of(
    task: Task, component: Component, job: Job, kubernetes: Document
) -> dict[str, Any]:
    """The values of the parameters of type dsl.TaskConfig.

    `kubernetes` is the resolved KubernetesExecutorConfig, whole.
    """
    fill = Placeholders(
        parameters=task.inputs["parameters"], job=job.placeholders(task.name, task.task_id)
    )
    return {
        name: _task_config(task, component, job, fill, kubernetes)
        for name, definition in component.inputs.parameters.items()
        if definition.type == "TASK_CONFIG"
    }


def _task_config(
    task: Task, component: Component, job: Job, fill: Placeholders, kubernetes: Document
) -> dict[str, Any]:
    """What a parameter of type TASK_CONFIG gets: the parts that the component asks for.

    `kubernetes` is the resolved KubernetesExecutorConfig, whole. As KFP's driver writes it, there
    are all names: what the component does not ask for is None, resources are an object.
    """
    container = component.container
    assert container is not None, component.name
    asked = component.passthroughs
    config: dict[str, Any] = dict.fromkeys(_NAMES)
    config["resources"] = {}
    if "RESOURCES" in asked:
        config["resources"] = requirements(fill.inside(container.resources))
    if "ENV" in asked:
        own = [_variable(name, fill.text(value)) for name, value in container.env]
        config["env"] = [*own, *pod.variables(kubernetes)]
    if "KUBERNETES_AFFINITY" in asked:
        config["affinity"] = pod.affinity(kubernetes) or None
    if "KUBERNETES_NODE_SELECTOR" in asked:
        config["nodeSelector"] = dict(kubernetes.get("nodeSelector", {}).get("labels", {})) or None
    if "KUBERNETES_TOLERATIONS" in asked:
        config["tolerations"] = pod.tolerations(kubernetes) or None
    if "KUBERNETES_VOLUMES" in asked:
        shared = job.has_workspace and uses_workspace(task.inputs, container)
        first = [_workspace(task.run_id)] if shared else []
        mount = [{"name": _VOLUME, "mountPath": WORKSPACE}] if shared else []
        config["volumes"] = [*first, *pod.volumes(kubernetes)] or None
        config["volumeMounts"] = [*mount, *pod.volume_mounts(kubernetes)] or None
    return config


def _variable(name: str, value: str) -> Mapping[str, str]:
    return {"name": name, "value": value} if value else {"name": name}


def _workspace(run_id: str) -> dict[str, Any]:
    return {"name": _VOLUME, "persistentVolumeClaim": {"claimName": claim_name(run_id)}}
