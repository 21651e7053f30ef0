"""What goes into a task: from its DAG's inputs, from its siblings' outputs, or by default."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flowmaker.errors import FailedPrecondition
from flowmaker.pipelines.driver.placeholders import Placeholders
from flowmaker.pipelines.ir.conditions import selected
from flowmaker.pipelines.ir.graph import Interface
from flowmaker.pipelines.ir.parameters import check_literal, normalised
from flowmaker.pipelines.records.catalog import Document

#: There is no value, which is not the value None.
ABSENT: Any = object()


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """What can be seen from inside a DAG."""

    #: The DAG's own inputs.
    inputs: Document
    #: The outputs of those of its tasks that succeeded, by the task's name.
    outputs: Mapping[str, Document]
    #: The PipelineTaskFinalStatus of those that ended, by the task's name.
    statuses: Mapping[str, Document] = field(default_factory=dict[str, Document])
    #: The placeholders of the run and of the task.
    job: Mapping[str, str]


def resolve(
    parameters: Mapping[str, Document],
    artifacts: Mapping[str, Document],
    component: Interface,
    scope: Scope,
) -> dict[str, Any]:
    """The inputs of a task, as `Task.inputs` holds them.

    Inputs that the component does not declare are kept: constants refer to them.

    Raises:
        FailedPrecondition: an input that must have a value has none.
        InvalidInput: a value is none of those that its parameter allows.
    """
    values = _values(parameters, component, scope)
    for name, definition in component.parameters.items():
        if name in values:
            values[name] = normalised(definition.type, values[name])
            check_literal(definition, values[name], f"Input parameter {name!r}")
        elif not definition.optional:
            raise FailedPrecondition(f"Input parameter {name!r} has no value")
    found = {name: artifact(source, scope) for name, source in artifacts.items()}
    given = {name: each for name, each in found.items() if each is not ABSENT}
    for name, definition in component.artifacts.items():
        if name not in given and not definition.optional:
            raise FailedPrecondition(f"Input artifact {name!r} has no value")
    return {"parameters": values, "artifacts": given}


def _values(
    parameters: Mapping[str, Document], component: Interface, scope: Scope
) -> dict[str, Any]:
    """The parameters that have a value: one that is given, or else the default."""
    found = {name: parameter(source, scope) for name, source in parameters.items()}
    values = {name: value for name, value in found.items() if value is not ABSENT}
    for name, definition in component.parameters.items():
        if name not in values and definition.has_default:
            values[name] = definition.default
    _fill_constants(values, parameters, scope)
    return values


def parameter(source: Document, scope: Scope) -> Any:  # noqa: ANN401
    """The value of an InputParameterSpec, or ABSENT. A constant keeps its placeholders."""
    value = _given(source, scope)
    selector = source.get("parameterExpressionSelector", "")
    return selected(selector, value) if selector and value is not ABSENT else value


def _given(source: Document, scope: Scope) -> Any:  # noqa: ANN401
    if "taskFinalStatus" in source:
        return scope.statuses.get(source["taskFinalStatus"]["producerTask"], ABSENT)
    if "componentInputParameter" in source:
        return scope.inputs["parameters"].get(source["componentInputParameter"], ABSENT)
    if "taskOutputParameter" in source:
        selector = source["taskOutputParameter"]
        outputs = scope.outputs.get(selector["producerTask"], {})
        return outputs.get("parameters", {}).get(selector["outputParameterKey"], ABSENT)
    return source["runtimeValue"]["constant"]


def artifact(source: Document, scope: Scope) -> Any:  # noqa: ANN401
    """The artifacts of an InputArtifactSpec, or ABSENT."""
    if "componentInputArtifact" in source:
        return scope.inputs["artifacts"].get(source["componentInputArtifact"], ABSENT)
    selector = source["taskOutputArtifact"]
    outputs = scope.outputs.get(selector["producerTask"], {})
    return outputs.get("artifacts", {}).get(selector["outputArtifactKey"], ABSENT)


def dag_outputs(
    parameters: Mapping[str, Document],
    artifacts: Mapping[str, Document],
    outputs: Mapping[str, Document],
) -> dict[str, Any]:
    """What a DAG gives: outputs of its tasks; of several (dsl.OneOf) that of the one that ran.

    An output that no task gave, because it was skipped, is left out.
    """
    given: dict[str, Any] = {"parameters": {}, "artifacts": {}}
    for name, output in parameters.items():
        selectors = output.get("valueFromOneof", {}).get("parameterSelectors")
        for selector in selectors or [output["valueFromParameter"]]:
            produced = outputs.get(selector["producerSubtask"], {}).get("parameters", {})
            if selector["outputParameterKey"] in produced:
                given["parameters"].setdefault(name, produced[selector["outputParameterKey"]])
    for name, output in artifacts.items():
        for selector in output["artifactSelectors"]:
            produced = outputs.get(selector["producerSubtask"], {}).get("artifacts", {})
            if selector["outputArtifactKey"] in produced:
                given["artifacts"].setdefault(name, produced[selector["outputArtifactKey"]])
    return given


def _fill_constants(
    values: dict[str, Any], parameters: Mapping[str, Document], scope: Scope
) -> None:
    """Put values for the placeholders in the constants, as in f"got {task.output}"."""
    fill = Placeholders(parameters=dict(values), job=scope.job)
    for name, source in parameters.items():
        if "runtimeValue" in source:
            values[name] = fill.inside(values[name])
