"""What of the IR this engine executes. All else is refused by name, never ignored.

Accepted though nothing comes of it, because the IR only permits it or a cluster would only use
it to choose a node: `cachingOptions` (a task may be taken from the cache; it is always executed),
`resources` (see the first line of a task's log), `description`, `imagePullPolicy`.
"""

from collections.abc import Callable, Mapping

from flowmaker.errors import InvalidInput, Unsupported
from flowmaker.pipelines.ir.conditions import condition, selector_keys
from flowmaker.pipelines.ir.protobuf import canonical
from flowmaker.pipelines.records.catalog import Document

#: Fields of PipelineTaskSpec.
_TASK = {
    "artifactIterator": "loops over artifacts (dsl.ParallelFor)",
}
_TASK_KNOWN = {
    "taskInfo",
    "inputs",
    "dependentTasks",
    "cachingOptions",
    "componentRef",
    "triggerPolicy",
    "parameterIterator",
    "iteratorPolicy",
    "retryPolicy",
}

#: Kinds of executors.
_EXECUTOR = {
    "importer": "importing artifacts (dsl.importer)",
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
}
_PARAMETER = {"TASK_CONFIG": "the configuration of a task (dsl.TaskConfig)"}

_SECRET_KNOWN = {"secretName", "secretNameParameter", "keyToEnv", "optional"}


def check_component(where: str, component: Document) -> None:
    """ComponentSpec."""
    for field in ("singlePlatformSpecs", "taskConfigPassthroughs"):
        if component.get(field):
            raise _unsupported(where, f"{field} of a component")
    if "dag" not in component and "executorLabel" not in component:
        raise InvalidInput(f"{where} has a component with neither a dag nor an executorLabel")


def check_parameter(where: str, name: str, definition: Document) -> None:
    """ParameterSpec of either side."""
    type_ = definition.get("parameterType", "")
    if type_ in _PARAMETER_TYPES:
        return
    if type_ in _PARAMETER:
        raise _unsupported(where, f"{_PARAMETER[type_]}, as {name!r} is")
    raise _unsupported(where, f"parameters without a parameterType, as {name!r} is")


def check_artifact(where: str, component: Document) -> None:
    """ArtifactSpecs of the outputs. Lists come of loops; nothing else can make one."""
    outputs = component.get("outputDefinitions", {}).get("artifacts", {})
    for name, definition in outputs.items():
        if definition.get("isArtifactList") and "dag" not in component:
            raise _unsupported(where, f"a list of artifacts as an output, {name!r}")


def check_task(where: str, task: Document) -> None:
    """PipelineTaskSpec."""
    for field in task:
        if field in _TASK:
            raise _unsupported(where, _TASK[field])
        if field not in _TASK_KNOWN:
            raise _unsupported(where, f"the field {field} of a task")
    if "cacheKey" in task.get("cachingOptions", {}):
        raise _unsupported(where, "a cache key of one's own (set_caching_options(cache_key=…))")
    _check_expression(where, task.get("triggerPolicy", {}).get("condition", ""), condition)
    for name, source in task.get("inputs", {}).get("parameters", {}).items():
        _check_source(where, name, source)


def check_loop(where: str, task: Document) -> str:
    """ParameterIteratorSpec. The input that each item becomes; empty when it is no loop."""
    if "parameterIterator" not in task:
        return ""
    iterator = task["parameterIterator"]
    items = iterator.get("items", {})
    source = items.get("inputParameter", "")
    if source and source not in task.get("inputs", {}).get("parameters", {}):
        raise InvalidInput(f"{where} goes over its input {source!r}, which it does not have")
    if not source and not items.get("raw"):
        raise InvalidInput(f"{where} is a loop over nothing")
    if not iterator.get("itemInput"):
        raise InvalidInput(f"{where} is a loop without an itemInput")
    return iterator["itemInput"]


def check_retry(where: str, task: Document, component: Document) -> None:
    """RetryPolicy."""
    if "retryPolicy" in task and "dag" in component:
        raise _unsupported(where, "retries of a whole pipeline (set_retry on a pipeline's task)")


def _check_expression(where: str, text: str, read: Callable[[str], object]) -> None:
    """An expression is read now, so that it is understood when it is its turn."""
    try:
        read(text) if text else None
    except InvalidInput as error:
        raise Unsupported(f"{where}: {error}") from None


def _check_source(where: str, name: str, source: Document) -> None:
    _check_expression(where, source.get("parameterExpressionSelector", ""), selector_keys)
    value = source.get("runtimeValue")
    if value is not None and "constant" not in value:
        raise _unsupported(where, f"a runtimeValue without a constant, as input {name!r} has")
    if not source:
        raise InvalidInput(f"{where}: input {name!r} has no source")


def check_executor(where: str, executor: Document, known_image: Callable[[str], object]) -> None:
    """ExecutorSpec."""
    for field, feature in _EXECUTOR.items():
        if field in executor:
            raise _unsupported(where, feature)
    container = executor.get("container")
    if container is None:
        raise InvalidInput(f"{where} has an executor without a container")
    if "lifecycle" in container:
        raise _unsupported(where, "lifecycle hooks of a container")
    if "accelerator" in container.get("resources", {}):
        raise _unsupported(where, "accelerators (set_accelerator_type, set_accelerator_limit)")
    _check_image(where, container.get("image", ""), known_image)
    if not container.get("command") and not container.get("args"):
        raise _unsupported(where, "an image that is given neither a command nor arguments")


def _check_image(where: str, image: str, known_image: Callable[[str], object]) -> None:
    if not image:
        raise InvalidInput(f"{where} has no image")
    if "{{$" in image:
        raise _unsupported(where, f"an image that is only known when it runs ({image})")
    try:
        known_image(image)
    except InvalidInput as error:
        raise type(error)(f"{where}: {error}") from None


def check_platform(platform_spec: Document) -> None:
    """PlatformSpec: the second document of a package."""
    if not isinstance(platform_spec, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidInput("The platform spec is not an object")
    for field in platform_spec:
        if field != "platforms":
            raise InvalidInput(f"The platform spec has a field {field!r}; it may have: platforms")
    platforms = _mapping(platform_spec, "platforms")
    for platform in platforms:
        if platform != "kubernetes":
            raise Unsupported(f"Flowmaker does not execute platform {platform!r} yet")
    kubernetes = _mapping(platforms, "kubernetes")
    for field in kubernetes:
        if field not in ("deploymentSpec", "platform") and kubernetes[field]:
            raise Unsupported(
                f"Flowmaker does not execute {field} of the Kubernetes platform spec yet"
            )
    _mapping(_mapping(kubernetes, "deploymentSpec"), "executors")


def check_kubernetes(where: str, executor: Document) -> None:
    """KubernetesExecutorConfig."""
    if not isinstance(executor, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidInput(f"{where} has a Kubernetes configuration that is not an object")
    for field in executor:
        if field not in ("secretAsEnv", "imagePullPolicy"):
            raise _unsupported(where, f"{field} (kfp.kubernetes)")
    for secret in _listed(where, executor, "secretAsEnv"):
        for field in secret:
            if field not in _SECRET_KNOWN:
                raise _unsupported(where, f"{field} of a secret (kfp.kubernetes)")
        _check_secret(where, secret)


def _check_secret(where: str, secret: Document) -> None:
    source = secret.get("secretNameParameter")
    if source is not None:
        what = "secretNameParameter"
        _check_source(where, what, canonical(source, "TaskInputsSpec.InputParameterSpec", what))
    elif not isinstance(secret.get("secretName"), str) or not secret["secretName"]:
        raise InvalidInput(f"{where} takes environment variables from a secret with no name")
    for pair in _listed(where, secret, "keyToEnv"):
        if not {"secretKey", "envVar"} <= pair.keys():
            raise InvalidInput(f"{where}: an entry of keyToEnv lacks its secretKey or envVar")


def _listed(where: str, document: Document, field: str) -> list[Document]:
    value = document.get(field, [])
    if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):  # pyright: ignore[reportUnknownVariableType]
        raise InvalidInput(f"{where} has a {field} that is not a list of objects")
    return value  # pyright: ignore[reportUnknownVariableType]


def _mapping(document: Document, field: str) -> Document:
    value = document.get(field, {})
    if not isinstance(value, Mapping):
        raise InvalidInput(f"The platform spec has a {field} that is not an object")
    return value  # pyright: ignore[reportUnknownVariableType]


def _unsupported(where: str, feature: str) -> Unsupported:
    return Unsupported(f"{where} uses {feature}: Flowmaker does not execute that yet")
