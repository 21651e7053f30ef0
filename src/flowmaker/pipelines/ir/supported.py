"""What of the IR this engine executes. All else is refused by name, never ignored.

Accepted though nothing comes of it, because the IR only permits it: `description`, and limits in
`resources` (see the first line of a task's log); requests are waited for (docs/room.md). What of
kfp.kubernetes is executed is told by `flowmaker.pipelines.ir.kubernetes`.
"""

from collections.abc import Callable, Mapping

from flowmaker.errors import InvalidInput, Unsupported
from flowmaker.pipelines.ir.conditions import condition, selector_keys
from flowmaker.pipelines.ir.deprecated import constant_of
from flowmaker.pipelines.ir.importers import located
from flowmaker.pipelines.records.catalog import Document

#: Fields of PipelineTaskSpec.
_TASK: dict[str, str] = {}
_TASK_KNOWN = {
    "taskInfo",
    "inputs",
    "dependentTasks",
    "cachingOptions",
    "componentRef",
    "triggerPolicy",
    "parameterIterator",
    "artifactIterator",
    "iteratorPolicy",
    "retryPolicy",
}

#: Kinds of executors.
_EXECUTOR = {
    "resolver": "resolvers of artifacts",
    "customJob": "AI Platform custom jobs",
}

#: Types of parameters.
_PARAMETER_TYPES = {
    "STRING",
    "NUMBER_INTEGER",
    "NUMBER_DOUBLE",
    "BOOLEAN",
    "LIST",
    "STRUCT",
    "TASK_FINAL_STATUS",
    "TASK_CONFIG",
}

#: Beginnings of schemaVersion.
_SCHEMAS = ("2.0.", "2.1.")

#: The command of a containerised Python component.
CONTAINERISED = ["python3", "-m", "kfp.dsl.executor_main"]
#: The images of kfp.kubernetes.CreatePVC and DeletePVC. They name no environment: the server itself
#: does what they stand for.
CREATE_PVC, DELETE_PVC = "argostub/createpvc", "argostub/deletepvc"


def check_schema(version: str) -> None:
    """PipelineSpec.schemaVersion. What a later one means nobody knows yet."""
    if version and not version.startswith(_SCHEMAS):
        raise Unsupported(
            f"The pipeline spec has schemaVersion {version!r}; Flowmaker executes 2.1.0, which "
            "KFP 2 writes, and 2.0.0, which KFP 1.8 wrote"
        )


def check_component(where: str, component: Document) -> None:
    """ComponentSpec."""
    if component.get("singlePlatformSpecs"):
        raise unsupported(where, "singlePlatformSpecs of a component")
    if "dag" not in component and "executorLabel" not in component:
        raise InvalidInput(f"{where} has a component with neither a dag nor an executorLabel")


def check_parameter(where: str, name: str, definition: Document) -> None:
    """ParameterSpec of either side."""
    type_ = definition.get("parameterType", "")
    if type_ in _PARAMETER_TYPES:
        return
    raise unsupported(where, f"parameters without a parameterType, as {name!r} is")


def check_task(where: str, task: Document) -> None:
    """PipelineTaskSpec."""
    for field in task:
        if field in _TASK:
            raise unsupported(where, _TASK[field])
        if field not in _TASK_KNOWN:
            raise unsupported(where, f"the field {field} of a task")
    _check_expression(where, task.get("triggerPolicy", {}).get("condition", ""), condition)
    for name, source in task.get("inputs", {}).get("parameters", {}).items():
        check_source(where, name, source)


def check_loop(where: str, task: Document) -> str:
    """The iterator of a task. The input that each item becomes; empty when it is no loop."""
    iterator = task.get("parameterIterator", task.get("artifactIterator"))
    if iterator is None:
        return ""
    items = iterator.get("items", {})
    kind = "parameters" if "parameterIterator" in task else "artifacts"
    source = items.get("inputParameter", items.get("inputArtifact", ""))
    if source and source not in task.get("inputs", {}).get(kind, {}):
        raise InvalidInput(f"{where} goes over its input {source!r}, which it does not have")
    if not source and not items.get("raw"):
        raise InvalidInput(f"{where} is a loop over nothing")
    if not iterator.get("itemInput"):
        raise InvalidInput(f"{where} is a loop without an itemInput")
    return iterator["itemInput"]


def _check_expression(where: str, text: str, read: Callable[[str], object]) -> None:
    """An expression is read now, so that it is understood when it is its turn."""
    try:
        read(text) if text else None
    except InvalidInput as error:
        raise Unsupported(f"{where}: {error}") from None


def check_source(where: str, name: str, source: Document) -> None:
    """InputParameterSpec."""
    _check_expression(where, source.get("parameterExpressionSelector", ""), selector_keys)
    value = source.get("runtimeValue")
    if value is not None and "constant" not in value:
        raise unsupported(where, f"a runtimeValue without a constant, as input {name!r} has")
    if not source:
        raise InvalidInput(f"{where}: input {name!r} has no source")


def only_told(component: Document) -> set[str]:
    """The parts of its configuration that a component is told, but does not get itself."""
    return {
        each.get("field", "")
        for each in component.get("taskConfigPassthroughs", ())
        if not each.get("applyToTask", False)
    }


def check_executor(
    where: str,
    executor: Document,
    known_image: Callable[[str], object],
) -> None:
    """ExecutorSpec."""
    for field, feature in _EXECUTOR.items():
        if field in executor:
            raise unsupported(where, feature)
    if "importer" in executor:
        _check_importer(where, executor["importer"])
        return
    container = executor.get("container")
    if container is None:
        raise InvalidInput(f"{where} has an executor without a container")
    if "lifecycle" in container:
        raise unsupported(where, "lifecycle hooks of a container")
    _check_image(where, container, known_image)


def _check_importer(where: str, importer: Document) -> None:
    """ImporterSpec."""
    uri = importer.get("artifactUri", {})
    if "runtimeParameter" in uri:
        return
    try:
        located(str(constant_of(uri) or ""))
    except InvalidInput as error:
        raise type(error)(f"{where}: {error}") from None


def _check_image(where: str, container: Document, known_image: Callable[[str], object]) -> None:
    image = container.get("image", "")
    command = container.get("command", [])
    if not image:
        raise InvalidInput(f"{where} has no image")
    if image in (CREATE_PVC, DELETE_PVC):
        return
    if "{{$" in image:
        return  # It is looked for when the task's inputs are known.
    try:
        known = known_image(image)
    except InvalidInput as error:
        if command == CONTAINERISED:
            raise _containerised(where, image) from None
        raise type(error)(f"{where}: {error}") from None
    if command == CONTAINERISED and getattr(known, "kind", "") == "python":
        raise _containerised(where, image)
    if not command and not container.get("args") and not getattr(known, "entrypoint", ()):
        raise Unsupported(
            f"{where} gives image {image} neither a command nor arguments, and what it would do "
            "by itself is not known here"
        )


def _containerised(where: str, image: str) -> Unsupported:
    return Unsupported(
        f"{where} is a containerised Python component (target_image): its source is in image "
        f"{image}, and no images are pulled here. Say where the source is: flowmaker image add "
        f"{image} --source DIR --requirements FILE (DIR has the kfp_config.ini of kfp component "
        "build). Or leave target_image away: it is a lightweight component then"
    )


def check_platform(platform_spec: Document) -> None:
    """PlatformSpec: the second document of a package."""
    if not isinstance(platform_spec, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidInput("The platform spec is not an object")
    _check_fields("The platform spec", platform_spec, ("platforms",))
    platforms = _mapping(platform_spec, "platforms")
    for platform in platforms:
        if platform != "kubernetes":
            raise Unsupported(f"Flowmaker does not execute platform {platform!r} yet")
    kubernetes = _mapping(platforms, "kubernetes")
    for field in kubernetes:
        if field not in ("deploymentSpec", "platform", "pipelineConfig") and kubernetes[field]:
            raise Unsupported(
                f"Flowmaker does not execute {field} of the Kubernetes platform spec yet"
            )
    deployment = _mapping(kubernetes, "deploymentSpec")
    _check_fields("The platform spec's deploymentSpec", deployment, ("executors",))
    _mapping(deployment, "executors")


def _check_fields(where: str, document: Document, known: tuple[str, ...]) -> None:
    for field in document:
        if field not in known:
            may = ", ".join(known)
            raise InvalidInput(f"{where} has a field {field!r}; it may have: {may}")


def _mapping(document: Document, field: str) -> Document:
    value = document.get(field, {})
    if not isinstance(value, Mapping):
        raise InvalidInput(f"The platform spec has a {field} that is not an object")
    return value  # pyright: ignore[reportUnknownVariableType]


def unsupported(where: str, feature: str) -> Unsupported:
    """The refusal of a feature, by its name."""
    return Unsupported(f"{where} uses {feature}: Flowmaker does not execute that yet")
