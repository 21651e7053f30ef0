"""Values of parameters: JSON, of the type that the IR declares."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from flowmaker.errors import InvalidInput
from flowmaker.pipelines.ir.graph import ParameterDefinition, interface_of
from flowmaker.pipelines.records.catalog import Document


def check_parameters(pipeline_spec: Document, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The value of every parameter of the pipeline: as given, or else by default.

    An optional parameter without a value and without a default is left out.

    Raises:
        InvalidInput: one is unknown, missing, of the wrong type or not one of its literals.
    """
    root = pipeline_spec.get("root", {})
    definitions = interface_of(root.get("inputDefinitions", {})).parameters
    for name in parameters:
        if name not in definitions:
            known = ", ".join(sorted(definitions)) or "none"
            raise InvalidInput(f"The pipeline has no parameter {name!r}; it has: {known}")
    values: dict[str, Any] = {}
    for name, definition in definitions.items():
        if name in parameters and not (parameters[name] is None and definition.optional):
            values[name] = checked(definition, parameters[name], f"Parameter {name!r}")
        elif definition.has_default:
            values[name] = checked(definition, definition.default, f"Parameter {name!r}")
        elif not definition.optional:
            raise InvalidInput(
                f"Parameter {name!r} ({definition.type}) has no default; give it a value"
            )
    return values


def checked(definition: ParameterDefinition, value: Any, where: str) -> Any:  # noqa: ANN401
    """`value`, with its whole numbers as integers, when it is of the declared type.

    Raises:
        InvalidInput: it is not, or it is none of the literals.
    """
    accepts = _ACCEPTS.get(definition.type)
    if accepts is not None and not accepts(value):
        raise InvalidInput(
            f"{where} is of type {definition.type}, but its value is "
            f"{_shown(value)}, a {_kind(value)}{_way_out(definition, value)}"
        )
    normal = normalised(definition.type, value)
    check_literal(definition, normal, where)
    return normal


def _way_out(definition: ParameterDefinition, value: Any) -> str:  # noqa: ANN401
    """What to write for a text that looks like something else, as `kfp run create` reads it."""
    if definition.type != "STRING" or not isinstance(value, (bool, int, float)):
        return ""
    word = f'"{json.dumps(value)}"'
    return f": write {word} (kfp run create: '{definition.name}={word}')"


def check_literal(definition: ParameterDefinition, value: Any, where: str) -> None:  # noqa: ANN401
    """Refuse a value that is none of those that the definition allows.

    Raises:
        InvalidInput: it is none of the literals.
    """
    if definition.literals and value not in [whole(each) for each in definition.literals]:
        allowed = ", ".join(_shown(whole(each)) for each in definition.literals)
        raise InvalidInput(f"{where} is {_shown(value)}; it must be one of {allowed}")


def normalised(type_: str, value: Any) -> Any:  # noqa: ANN401
    """`value` as a task of the declared type expects it.

    A protobuf Struct knows doubles only, so 3 comes as 3.0. Go's protojson, through which a
    value reaches a task on a cluster, writes whole doubles without a fraction: so do we, except
    where a double is what is declared.
    """
    if type_ == "NUMBER_DOUBLE":
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return whole(value)


def whole(value: Any) -> Any:  # noqa: ANN401
    """`value` with every whole number in it as an integer."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: whole(each) for key, each in value.items()}  # type: ignore[reportUnknownVariableType]
    if isinstance(value, (list, tuple)):
        return [whole(each) for each in value]  # type: ignore[reportUnknownVariableType]
    return value


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"  # noqa: PLR2004 - a line


def _kind(value: object) -> str:
    return _JSON_NAMES.get(type(value), type(value).__name__)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_integer(value: object) -> bool:
    return _is_number(value) and float(value).is_integer()  # type: ignore[arg-type]


_ACCEPTS: Mapping[str, Callable[[Any], bool]] = {
    "STRING": lambda value: isinstance(value, str),
    "NUMBER_INTEGER": _is_integer,
    "NUMBER_DOUBLE": _is_number,
    "BOOLEAN": lambda value: isinstance(value, bool),
    "LIST": lambda value: isinstance(value, list),
    "STRUCT": lambda value: isinstance(value, Mapping),
}

_JSON_NAMES: Mapping[type[Any], str] = {
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    list: "list",
    dict: "struct",
    type(None): "null",
}
