"""What the IR said otherwise before KFP 2.0, put into today's words as it is read."""

from collections.abc import Iterator
from typing import Any

from flowmaker.pipelines.ir.parts import bind_parts
from flowmaker.pipelines.ir.protobuf import canonical
from flowmaker.pipelines.ir.reach import reach
from flowmaker.pipelines.ir.remembered import remembered
from flowmaker.pipelines.records.catalog import Document

#: PrimitiveType of ParameterSpec's `type`, by ParameterTypeEnum of `parameterType`.
_TYPES = {"INT": "NUMBER_INTEGER", "DOUBLE": "NUMBER_DOUBLE", "STRING": "STRING"}


@remembered
def pipeline_spec(document: Document) -> dict[str, Any]:
    """`document` in proto3 JSON and in today's words, when it is a PipelineSpec. For reading only.

    Raises:
        InvalidInput: it is none.
    """
    spec = canonical(document, "PipelineSpec", "The pipeline spec")
    for component in [spec.get("root", {}), *spec.get("components", {}).values()]:
        _type_parameters(component)
        for task in component.get("dag", {}).get("tasks", {}).values():
            for name, source in _parameters_of(task):
                task["inputs"]["parameters"][name] = _modern(source)
    for task in spec.get("root", {}).get("dag", {}).get("tasks", {}).values():
        for name, source in _parameters_of(task):
            # A runtime parameter is the pipeline's own: only the root can see it.
            parameter = source.get("runtimeValue", {}).get("runtimeParameter")
            if parameter:
                task["inputs"]["parameters"][name] = {"componentInputParameter": parameter}
    bind_parts(spec)
    reach(spec)
    return spec


def constant_of(value: Document) -> Any:  # noqa: ANN401
    """The constant of a ValueOrRuntimeParameter, or None."""
    if "constant" in value:
        return value["constant"]
    for kind, number in (("intValue", int), ("doubleValue", float), ("stringValue", str)):
        if kind in value.get("constantValue", {}):
            return number(value["constantValue"][kind])
    return None


def _type_parameters(component: dict[str, Any]) -> None:
    for side in ("inputDefinitions", "outputDefinitions"):
        for definition in component.get(side, {}).get("parameters", {}).values():
            if "parameterType" not in definition and definition.get("type") in _TYPES:
                definition["parameterType"] = _TYPES[definition.pop("type")]


def _parameters_of(task: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from list(task.get("inputs", {}).get("parameters", {}).items())


def _modern(source: dict[str, Any]) -> dict[str, Any]:
    value = source.get("runtimeValue", {})
    if "constantValue" not in value:
        return source
    return {**source, "runtimeValue": {"constant": constant_of(value)}}
