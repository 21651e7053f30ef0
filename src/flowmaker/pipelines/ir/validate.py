"""Whether a pipeline can run here: well-formed, its references right, nothing in it unknown.

All that can be known before a run is said before it: a reference to a task that is not there
should not show an hour later, when it is that task's turn.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from flowmaker.errors import InvalidInput
from flowmaker.pipelines.ir import supported
from flowmaker.pipelines.ir.accelerators import check as check_accelerators
from flowmaker.pipelines.ir.deprecated import pipeline_spec as modern
from flowmaker.pipelines.ir.graph import executors_of, platform_executors, producers
from flowmaker.pipelines.ir.kubernetes import check_kubernetes
from flowmaker.pipelines.ir.pipeline_config import check_workspace_mount, pipeline_config_of
from flowmaker.pipelines.records.catalog import Document

KnownImage = Callable[[str], object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """What pipelines find where they run."""

    #: Raises Unsupported for an image that no environment stands for.
    known_image: KnownImage
    #: How many accelerators of each kind there are.
    accelerators: Mapping[str, int] = field(default_factory=dict[str, int])


def validate(
    pipeline_spec: Document,
    platform_spec: Document,
    known_image: KnownImage,
    accelerators: Mapping[str, int] | None = None,
) -> None:
    """Refuse a pipeline that this engine cannot execute to the letter.

    Args:
        pipeline_spec: A PipelineSpec in proto3 JSON.
        platform_spec: The second document of a compiled package, `{"platforms": …}`, or empty.
        known_image: Raises Unsupported for an image that no environment stands for.
        accelerators: How many of each kind there are; None where that does not matter yet.

    Raises:
        InvalidInput: it is not well-formed; the message says where.
        Unsupported: it uses a feature that is not executed yet; the message names both.
    """
    spec = modern(pipeline_spec)
    if not spec.get("pipelineInfo", {}).get("name"):
        raise InvalidInput("The pipeline spec has no pipelineInfo.name")
    supported.check_schema(spec.get("schemaVersion", ""))
    if "dag" not in spec.get("root", {}):
        raise InvalidInput("The pipeline spec has no root.dag: there is nothing to run")
    executors = executors_of(spec)
    supported.check_platform(platform_spec)
    kubernetes = platform_executors(platform_spec)
    has_workspace = pipeline_config_of(platform_spec).workspace is not None
    seen: set[str] = set()
    for place in list(_places(spec)):  # all of them first: then every component is there
        _check_interface(place)
        if "dag" in place.component:
            _check_dag(place, spec.get("components", {}))
        elif place.name not in seen:
            seen.add(place.name)
            label = place.component.get("executorLabel", "")
            if label not in executors:
                raise InvalidInput(f"{place} has executor {label!r}, which deploymentSpec lacks")
            supported.check_executor(str(place), executors[label], known_image)
            _check_accelerators(place, executors[label], accelerators)
            _check_importer(place, executors[label], has_workspace=has_workspace)
            check_kubernetes(str(place), kubernetes.get(label, {}))
            if has_workspace:
                check_workspace_mount(str(place), kubernetes.get(label, {}))


@dataclass(frozen=True, slots=True)
class _Place:
    """A component where it is used."""

    #: The component's key; empty for the root.
    name: str
    component: Document
    #: The tasks from the root down to it.
    path: tuple[str, ...]

    def __str__(self) -> str:
        return f"Task {'/'.join(self.path)!r}" if self.path else "The root DAG"


def _places(spec: Document) -> Iterator[_Place]:
    """The root and every task, each component once for each DAG that uses it."""
    components = spec.get("components", {})
    open_: list[tuple[_Place, tuple[str, ...]]] = [(_Place("", spec["root"], ()), ())]
    expanded: set[str] = set()
    while open_:
        place, within = open_.pop()
        yield place
        if place.name in expanded:
            continue
        expanded.add(place.name)
        for name, task in place.component.get("dag", {}).get("tasks", {}).items():
            path = (*place.path, name)
            key = task.get("componentRef", {}).get("name", "")
            if key not in components:
                raise InvalidInput(f"Task {'/'.join(path)!r} has component {key!r}: there is none")
            if key in within:
                raise InvalidInput(f"Task {'/'.join(path)!r} is inside its own component {key!r}")
            open_.append((_Place(key, components[key], path), (*within, key)))


def _check_accelerators(place: _Place, executor: Document, there: Mapping[str, int] | None) -> None:
    # Those that it is only told of are for what it starts elsewhere.
    if there is None or "RESOURCES" in supported.only_told(place.component):
        return
    try:
        check_accelerators(executor.get("container", {}).get("resources", {}), there)
    except InvalidInput as error:
        raise type(error)(f"{place}: {error}") from None


def _check_importer(place: _Place, executor: Document, *, has_workspace: bool) -> None:
    outputs = place.component.get("outputDefinitions", {}).get("artifacts", {})
    if "importer" in executor and len(outputs) != 1:
        raise InvalidInput(f"{place} is an importer, but does not give one artifact")
    if executor.get("importer", {}).get("downloadToWorkspace") and not has_workspace:
        raise InvalidInput(
            f"{place} downloads to the workspace, and the pipeline has none: "
            "dsl.PipelineConfig(workspace=dsl.WorkspaceConfig(size=...))"
        )


def _check_interface(place: _Place) -> None:
    for side in ("inputDefinitions", "outputDefinitions"):
        for name, definition in place.component.get(side, {}).get("parameters", {}).items():
            supported.check_parameter(str(place), name, definition)
    supported.check_component(str(place), place.component)


def _check_dag(place: _Place, components: Mapping[str, Document]) -> None:
    dag = place.component["dag"]
    tasks = dag.get("tasks", {})
    if not tasks:
        raise InvalidInput(f"{place} has no tasks")
    for name, task in tasks.items():
        where = f"Task {'/'.join((*place.path, name))!r}"
        supported.check_task(where, task)
        for other in (*task.get("dependentTasks", ()), *producers(task.get("inputs", {}))):
            if other not in tasks:
                raise InvalidInput(f"{where} waits for task {other!r}, which its DAG lacks")
        _check_inputs(where, task, place.component, components, tasks)
    _check_acyclic(place, tasks)
    _check_dag_outputs(place, dag, components)


def _check_inputs(
    where: str,
    task: Document,
    parent: Document,
    components: Mapping[str, Document],
    tasks: Mapping[str, Document],
) -> None:
    """Each source exists, and each input that must have one has one."""
    component = components[task["componentRef"]["name"]]
    wanted = component.get("inputDefinitions", {})
    item = supported.check_loop(where, task)
    for kind, output, inherited in (
        ("parameters", "taskOutputParameter", "componentInputParameter"),
        ("artifacts", "taskOutputArtifact", "componentInputArtifact"),
    ):
        given = task.get("inputs", {}).get(kind, {})
        outer = parent.get("inputDefinitions", {}).get(kind, {})
        for name, source in given.items():
            what = f"{where}: input {name!r}"
            if not source:
                raise InvalidInput(f"{what} has no source")
            if inherited in source and source[inherited] not in outer:
                raise InvalidInput(f"{what} takes {source[inherited]!r}, which its DAG lacks")
            if output in source:
                producer = tasks[source[output].get("producerTask", "")]
                _check_output(what, producer, source[output], kind, components)
        for name, definition in wanted.get(kind, {}).items():
            needed = not definition.get("isOptional", False) and "defaultValue" not in definition
            if needed and name not in given and name != item:
                raise InvalidInput(f"{where} gives its component no {name!r}, which is required")


def _check_output(
    what: str,
    producer: Document,
    selector: Document,
    kind: str,
    components: Mapping[str, Document],
) -> None:
    key = selector.get("outputParameterKey", selector.get("outputArtifactKey", ""))
    outputs = components[producer["componentRef"]["name"]].get("outputDefinitions", {})
    if key not in outputs.get(kind, {}):
        task = selector.get("producerTask", selector.get("producerSubtask", ""))
        raise InvalidInput(f"{what} takes {key!r} of task {task!r}, which has no such output")


def _check_dag_outputs(place: _Place, dag: Document, components: Mapping[str, Document]) -> None:
    for kind in ("parameters", "artifacts"):
        for name, output in dag.get("outputs", {}).get(kind, {}).items():
            selectors = list(_selectors(output))
            if not selectors:
                raise InvalidInput(f"{place}: output {name!r} comes from nowhere")
            for selector in selectors:
                producer = dag["tasks"].get(selector.get("producerSubtask", ""))
                what = f"{place}: output {name!r}"
                if producer is None:
                    raise InvalidInput(
                        f"{what} comes from task {selector.get('producerSubtask')!r}: there is none"
                    )
                _check_output(what, producer, selector, kind, components)


def _selectors(output: Document) -> Iterator[Document]:
    if "valueFromParameter" in output:
        yield output["valueFromParameter"]
    yield from output.get("valueFromOneof", {}).get("parameterSelectors", ())
    yield from output.get("artifactSelectors", ())


def _check_acyclic(place: _Place, tasks: Mapping[str, Any]) -> None:
    waiting = {
        name: {*task.get("dependentTasks", ()), *producers(task.get("inputs", {}))}
        for name, task in tasks.items()
    }
    while ready := [name for name, upstream in waiting.items() if not upstream & waiting.keys()]:
        for name in ready:
            del waiting[name]
    if waiting:
        raise InvalidInput(f"{place}: the tasks {sorted(waiting)} wait for each other")
