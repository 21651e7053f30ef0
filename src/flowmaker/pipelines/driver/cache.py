"""What a task's result depends on, and what of it is kept for tasks that would do the same.

See docs/caching.md for the rules and their reasons.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from flowmaker.pipelines.driver.job import Job
from flowmaker.pipelines.driver.workspace import uses_workspace
from flowmaker.pipelines.ir.graph import Component, Container, Node
from flowmaker.pipelines.records.catalog import Document
from flowmaker.pipelines.records.run import Task

#: URIs of objects whose contents can be told: those of this server.
OURS = ("s3://", "minio://")
#: Configuration of the platform whose contents cannot be told, or change behind its name.
_UNKNOWABLE = ("pvcMount", "configMapAsEnv", "configMapAsVolume")
#: Commands that stand for something else than a program: they make and delete volumes.
_STUBS = "argostub/"


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheEntry:
    """The result of a task, for another that would do the same."""

    key: str
    run_id: str
    task_id: str
    created_at: datetime
    #: `Task.outputs`.
    outputs: Document
    #: What the objects were that the outputs name, by their URIs.
    contents: Mapping[str, str]
    #: What the things outside were that the outputs name, as `RunSettings.effects` tells it.
    effects: Mapping[str, str]


def may_cache(task: Task, component: Component, node: Node | None) -> bool:
    """Whether the author allows it, and all that the task depends on can be told."""
    container = component.container
    if node is None or not node.caching or container is None:
        return False
    if node.cache_key:
        return True
    if container.image.startswith(_STUBS) or any(
        each in container.kubernetes for each in _UNKNOWABLE
    ):
        return False
    return not uses_workspace(task.inputs, container) and all(
        artifact["uri"].startswith(OURS)
        for artifacts in task.inputs["artifacts"].values()
        for artifact in artifacts
    )


def own_key(namespace: str, pipeline: str, node: Node) -> str:
    """The key that the author gave: it alone counts, for this task of pipelines of this name."""
    return digest(["own", namespace, pipeline, node.component, node.cache_key])


def key(
    task: Task,
    component: Component,
    job: Job,
    *,
    contents: Mapping[str, str],
    surroundings: Document,
) -> str:
    """The key of a task: the same for all that do the same with the same.

    Args:
        task: It has its inputs.
        component: What it executes.
        job: Its run, for the placeholders in its command.
        contents: What is in the objects that `read_uris` names.
        surroundings: Its environment and its secrets, and whose it is.
    """
    container = component.container
    assert container is not None, component.name
    text = _text(container)
    own = {name: value for name, value in asdict(container).items() if name not in _NOT_RESULTS}
    places = job.placeholders(task.name, task.task_id)
    artifacts: Mapping[str, list[Document]] = task.inputs["artifacts"]
    material: dict[str, Any] = {
        "container": own,
        "places": {name: places[name] for name in places if f"{{{{$.{name}}}}}" in text},
        "parameters": task.inputs["parameters"],
        "artifacts": {
            name: [
                {
                    "contents": contents.get(each["uri"], ""),
                    "type": each.get("type", {}),
                    "metadata": each.get("metadata", {}),
                }
                for each in listed
            ]
            for name, listed in artifacts.items()
        },
        "contents": {uri: contents.get(uri, "") for uri in _parameter_uris(task)},
        "outputs": asdict(component.outputs),
        "surroundings": surroundings,
    }
    return digest(material)


def read_uris(task: Task) -> set[str]:
    """The URIs that a task may read: those of its artifacts, and those in its parameters."""
    artifacts: Mapping[str, list[Document]] = task.inputs["artifacts"]
    return {each["uri"] for listed in artifacts.values() for each in listed} | set(
        _parameter_uris(task)
    )


def written_uris(outputs: Document) -> set[str]:
    """The URIs that a result names: those of its artifacts, and those in its parameters."""
    artifacts: Mapping[str, list[Document]] = outputs["artifacts"]
    named = {each["uri"] for listed in artifacts.values() for each in listed}
    return named | {text for text in strings(outputs["parameters"]) if text.startswith(OURS)}


def strings(value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    """Every string in a JSON value, keys apart."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():  # pyright: ignore[reportUnknownVariableType]
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:  # pyright: ignore[reportUnknownVariableType]
            yield from strings(each)


def digest(material: Any) -> str:  # noqa: ANN401 - JSON
    text = json.dumps(material, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


#: Where a container runs and what it is called changes nothing of what it does.
_NOT_RESULTS = ("label", "resources")


def _text(container: Container) -> str:
    """All in which placeholders may be."""
    env = (value for _, value in container.env)
    return "\n".join((container.image, *container.command, *container.args, *env))


def _parameter_uris(task: Task) -> list[str]:
    """The URIs in parameters; what is called an output is where the task writes, not reads."""
    return sorted(
        text
        for name, value in task.inputs["parameters"].items()
        if "output" not in name.lower()
        for text in strings(value)
        if text.startswith(OURS)
    )
