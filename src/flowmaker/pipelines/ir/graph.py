"""A pipeline as a graph of components: the IR with its references resolved, and frozen.

`graph_of` reads documents that `flowmaker.pipelines.ir.validate` let through; it checks nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from flowmaker.pipelines.ir.deprecated import pipeline_spec as modern
from flowmaker.pipelines.ir.importers import Importer, importer_of
from flowmaker.pipelines.ir.pipeline_config import PipelineConfig, pipeline_config_of
from flowmaker.pipelines.ir.protobuf import canonical
from flowmaker.pipelines.ir.remembered import remembered
from flowmaker.pipelines.records.catalog import Document

ROOT = "root"


@dataclass(frozen=True, kw_only=True, slots=True)
class ParameterDefinition:
    """A parameter that a component takes or gives."""

    name: str
    #: KFP's ParameterTypeEnum, e.g. `NUMBER_INTEGER`.
    type: str
    optional: bool = False
    #: There is a default, be it None.
    has_default: bool = False
    default: Any = None
    #: The only values allowed; empty: any.
    literals: tuple[Any, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ArtifactDefinition:
    """An artifact that a component takes or gives."""

    name: str
    #: KFP's ArtifactTypeSchema, e.g. `{"schemaTitle": "system.Dataset", "schemaVersion": …}`.
    type: Document
    optional: bool = False
    is_list: bool = False
    metadata: Document = field(default_factory=dict[str, Any])


@dataclass(frozen=True, kw_only=True, slots=True)
class Interface:
    """What goes in, or what comes out."""

    parameters: Mapping[str, ParameterDefinition]
    artifacts: Mapping[str, ArtifactDefinition]


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    """What an executor runs: PipelineContainerSpec, and what the platform spec adds to it."""

    label: str
    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    resources: Document
    #: kfp-kubernetes' KubernetesExecutorConfig, whole.
    kubernetes: Document = field(default_factory=dict[str, Any])


@dataclass(frozen=True, kw_only=True, slots=True)
class Loop:
    """ParameterIteratorSpec or ArtifactIteratorSpec, and IteratorPolicy."""

    #: The input of the component that each item becomes.
    item_input: str
    #: The items as JSON, or the input that has them.
    raw: str
    input_parameter: str
    #: Iterations at the same time; 0: all.
    limit: int
    #: The input whose artifacts are the items; empty when they are values.
    input_artifact: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """RetryPolicy, in seconds."""

    count: int
    backoff: float
    factor: float
    longest: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One task as its DAG declares it: PipelineTaskSpec."""

    name: str
    component: str
    display_name: str
    #: InputParameterSpec and InputArtifactSpec by the input's name.
    parameters: Mapping[str, Document]
    artifacts: Mapping[str, Document]
    #: The tasks of the same DAG that must have ended before it.
    upstream: frozenset[str]
    #: A condition in CEL on its inputs; empty: none.
    condition: str = ""
    #: It runs however its upstream ended: an exit handler, or `ignore_upstream_failure`.
    whatever_happened: bool = False
    loop: Loop | None = None
    retry: Retry | None = None
    #: CachingOptions: whether an earlier result may be taken, and the author's own key for it.
    caching: bool = False
    cache_key: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dag:
    """Tasks, and which of their outputs are the DAG's own."""

    nodes: Mapping[str, Node]
    #: Who waits for whom: `Node.upstream` turned round.
    downstream: Mapping[str, tuple[str, ...]]
    parameters: Mapping[str, Document]
    artifacts: Mapping[str, Document]


@dataclass(frozen=True, kw_only=True, slots=True)
class Component:
    """A DAG or a container, with what goes in and what comes out."""

    name: str
    inputs: Interface
    outputs: Interface
    dag: Dag | None = None
    container: Container | None = None
    importer: Importer | None = None
    #: TaskConfigPassthroughs: which parts of its configuration the task is told (dsl.TaskConfig),
    #: and whether they are applied to itself too.
    passthroughs: Mapping[str, bool] = field(default_factory=dict[str, bool])


@dataclass(frozen=True, kw_only=True, slots=True)
class Graph:
    """A whole pipeline."""

    name: str
    default_root: str
    root: Component
    components: Mapping[str, Component]
    config: PipelineConfig = field(default_factory=PipelineConfig)

    def component(self, name: str) -> Component:
        """By the name that a Task has: empty for the root."""
        return self.components[name] if name else self.root


def graph_of(pipeline_spec: Document, platform_spec: Document) -> Graph:
    """The graph of a pipeline that was validated."""
    spec = modern(pipeline_spec)
    executors = executors_of(spec)
    kubernetes = platform_executors(platform_spec)
    containers = {
        label: _container(label, executor["container"], kubernetes.get(label, {}))
        for label, executor in executors.items()
        if "container" in executor
    }
    importers = {
        label: executor["importer"]
        for label, executor in executors.items()
        if "importer" in executor
    }
    return Graph(
        name=spec.get("pipelineInfo", {}).get("name", ""),
        default_root=spec.get("defaultPipelineRoot", ""),
        root=_component("", spec["root"], containers, importers),
        components={
            name: _component(name, document, containers, importers)
            for name, document in spec.get("components", {}).items()
        },
        config=pipeline_config_of(platform_spec),
    )


def executors_of(spec: Document) -> Mapping[str, Document]:
    """The executors of a PipelineSpec by their labels. For reading only.

    Raises:
        InvalidInput: its deploymentSpec is none.
    """
    return _deployment(spec.get("deploymentSpec", {})).get("executors", {})


@remembered
def _deployment(document: Document) -> Document:
    return canonical(document, "PipelineDeploymentConfig", "deploymentSpec")


def platform_executors(platform_spec: Document) -> Mapping[str, Document]:
    """The Kubernetes configuration of each executor, by its label."""
    kubernetes = platform_spec.get("platforms", {}).get("kubernetes", {})
    return kubernetes.get("deploymentSpec", {}).get("executors", {})


def interface_of(document: Document) -> Interface:
    """A ComponentInputsSpec or ComponentOutputsSpec."""
    return Interface(
        parameters={
            name: ParameterDefinition(
                name=name,
                type=definition.get("parameterType", ""),
                # A parameter with a default need not be given, whatever the IR says of it.
                optional=definition.get("isOptional", False) or "defaultValue" in definition,
                has_default="defaultValue" in definition,
                default=definition.get("defaultValue"),
                literals=tuple(definition.get("literals", ())),
            )
            for name, definition in document.get("parameters", {}).items()
        },
        artifacts={
            name: ArtifactDefinition(
                name=name,
                type=definition.get("artifactType", {}),
                optional=definition.get("isOptional", False),
                is_list=definition.get("isArtifactList", False),
                metadata=definition.get("metadata", {}),
            )
            for name, definition in document.get("artifacts", {}).items()
        },
    )


def _component(
    name: str,
    document: Document,
    containers: Mapping[str, Container],
    importers: Mapping[str, Document],
) -> Component:
    label = document.get("executorLabel", "")
    return Component(
        name=name,
        inputs=interface_of(document.get("inputDefinitions", {})),
        outputs=interface_of(document.get("outputDefinitions", {})),
        dag=_dag(document["dag"]) if "dag" in document else None,
        container=containers.get(label),
        importer=importer_of(importers[label], document) if label in importers else None,
        passthroughs={
            each.get("field", ""): each.get("applyToTask", False)
            for each in document.get("taskConfigPassthroughs", ())
        },
    )


def _dag(document: Document) -> Dag:
    # In the order of their names, which is the SDK's own: protobuf gives maps in any order.
    nodes = {name: _node(name, task) for name, task in sorted(document.get("tasks", {}).items())}
    downstream: dict[str, list[str]] = {name: [] for name in nodes}
    for node in nodes.values():
        for name in node.upstream:
            downstream[name].append(node.name)
    outputs = document.get("outputs", {})
    return Dag(
        nodes=nodes,
        downstream={name: tuple(names) for name, names in downstream.items()},
        parameters=outputs.get("parameters", {}),
        artifacts=outputs.get("artifacts", {}),
    )


def _node(name: str, task: Document) -> Node:
    inputs = task.get("inputs", {})
    return Node(
        name=name,
        component=task["componentRef"]["name"],
        display_name=task.get("taskInfo", {}).get("name", "") or name,
        parameters=inputs.get("parameters", {}),
        artifacts=inputs.get("artifacts", {}),
        upstream=frozenset(task.get("dependentTasks", ())) | frozenset(producers(inputs)),
        condition=task.get("triggerPolicy", {}).get("condition", ""),
        whatever_happened=task.get("triggerPolicy", {}).get("strategy")
        == "ALL_UPSTREAM_TASKS_COMPLETED",
        loop=_loop(task),
        retry=_retry(task["retryPolicy"]) if "retryPolicy" in task else None,
        caching=task.get("cachingOptions", {}).get("enableCache", False),
        cache_key=task.get("cachingOptions", {}).get("cacheKey", ""),
    )


def _loop(task: Document) -> Loop | None:
    iterator = task.get("parameterIterator", task.get("artifactIterator"))
    if iterator is None:
        return None
    return Loop(
        item_input=iterator.get("itemInput", ""),
        raw=iterator.get("items", {}).get("raw", ""),
        input_parameter=iterator.get("items", {}).get("inputParameter", ""),
        limit=task.get("iteratorPolicy", {}).get("parallelismLimit", 0),
        input_artifact=iterator.get("items", {}).get("inputArtifact", ""),
    )


def _retry(policy: Document) -> Retry:
    return Retry(
        count=policy.get("maxRetryCount", 0),
        backoff=_seconds(policy.get("backoffDuration", "")),
        factor=policy.get("backoffFactor", 0.0) or 2.0,
        longest=_seconds(policy.get("backoffMaxDuration", "")) or 3600.0,
    )


def _seconds(duration: str) -> float:
    """A google.protobuf.Duration, which JSON writes as `1.5s`."""
    return float(duration.removesuffix("s") or 0)


def producers(inputs: Document) -> Iterator[str]:
    """The tasks whose outputs a TaskInputsSpec takes."""
    for source in inputs.get("parameters", {}).values():
        for kind in ("taskOutputParameter", "taskFinalStatus"):
            if kind in source:
                yield source[kind].get("producerTask", "")
    for source in inputs.get("artifacts", {}).values():
        if "taskOutputArtifact" in source:
            yield source["taskOutputArtifact"].get("producerTask", "")


def _container(label: str, document: Document, kubernetes: Document) -> Container:
    return Container(
        label=label,
        image=document.get("image", ""),
        command=tuple(document.get("command", ())),
        args=tuple(document.get("args", ())),
        env=tuple((each["name"], each.get("value", "")) for each in document.get("env", ())),
        resources=document.get("resources", {}),
        kubernetes=kubernetes,
    )
