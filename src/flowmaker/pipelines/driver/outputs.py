"""What a task gave: KFP's ExecutorOutput, or else the files of its output parameters."""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from flowmaker.errors import FailedPrecondition
from flowmaker.pipelines.ir.documents import check
from flowmaker.pipelines.ir.graph import Interface, ParameterDefinition
from flowmaker.pipelines.ir.parameters import checked
from flowmaker.pipelines.records.catalog import Document

#: As Go reads a bool.
_BOOLEANS = {
    **dict.fromkeys(("1", "t", "T", "true", "True", "TRUE"), True),
    **dict.fromkeys(("0", "f", "F", "false", "False", "FALSE"), False),
}


#: What a file may say of a number: JSON's own notation and a little more, such as `007` and `.5`.
_NUMBERS: Mapping[str, Callable[[str], float]] = {"NUMBER_INTEGER": int, "NUMBER_DOUBLE": float}


def parameters_of(
    interface: Interface, executor_output: Document, texts: Mapping[str, str]
) -> dict[str, Any]:
    """The output parameters. What the ExecutorOutput has wins over a parameter's file.

    Args:
        interface: What the component declares.
        executor_output: The ExecutorOutput's JSON; empty when none was written.
        texts: The contents of the files that were written, by the parameter's name.

    Raises:
        FlowmakerError: one is missing, or not of its type.
    """
    values = executor_output.get("parameterValues", {})
    outputs: dict[str, Any] = {}
    for name, definition in interface.parameters.items():
        if name in values:
            outputs[name] = _checked(definition, values[name])
        elif name in texts:
            outputs[name] = _checked(definition, _parsed(definition, texts[name]))
        else:
            raise FailedPrecondition(f"The task ended without giving output parameter {name!r}")
    return outputs


def artifacts_of(
    interface: Interface, declared: Mapping[str, list[Document]], executor_output: Document
) -> dict[str, list[dict[str, Any]]]:
    """The output artifacts, with the name, URI and metadata that the task gave them.

    One for each output; of an output that is a list as many as the task says.

    Raises:
        InvalidInput: metadata is not JSON.
    """
    outputs: dict[str, list[dict[str, Any]]] = {}
    for name, artifacts in declared.items():
        given: list[Document] = (
            executor_output.get("artifacts", {}).get(name, {}).get("artifacts", [])
        )
        if not interface.artifacts[name].is_list:
            given = given[:1]
        outputs[name] = [_changed(artifacts[0], each) for each in given or [{}]]
    return outputs


def _changed(artifact: Document, given: Document) -> dict[str, Any]:
    """`artifact` with what the task said of it. Metadata is added to, as KFP does."""
    metadata = _in_json(given.get("metadata") or {})
    check(metadata, f"The metadata of {artifact['name']!r}")
    return {
        **artifact,
        "metadata": {**artifact["metadata"], **metadata},
        "uri": given.get("uri") or artifact["uri"],
        "name": given.get("name") or artifact["name"],
    }


def _in_json(value: Any) -> Any:  # noqa: ANN401
    """`value` with NaN and infinities, which JSON has not, as protobuf writes them."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"
    if isinstance(value, dict):
        return {key: _in_json(each) for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return [_in_json(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
    return value


def _checked(definition: ParameterDefinition, value: Any) -> Any:  # noqa: ANN401
    check(value, f"Output parameter {definition.name!r}")
    return checked(definition, value, f"Output parameter {definition.name!r}")


def _parsed(definition: ParameterDefinition, text: str) -> Any:  # noqa: ANN401
    """The value that a container wrote to a file."""
    if definition.type == "STRING":
        return text
    try:
        if definition.type == "BOOLEAN":
            return _BOOLEANS[text.strip()]
        if definition.type in _NUMBERS:
            return _finite(_NUMBERS[definition.type](text))
        return json.loads(text)
    except (KeyError, ValueError, RecursionError):
        raise FailedPrecondition(
            f"Output parameter {definition.name!r} is of type {definition.type}, "
            f"but the task wrote {text[:80]!r}"
        ) from None


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError(number)
    return number
