"""The parameters of a pipeline: what is declared, and what an execution gives them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from flowmaker.sagemaker.records.pipeline import Parameter


def _boolean(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ValueError
    return text.lower() == "true"


#: A text as a value of each type, and the types that a default may have in JSON.
_TYPES: Mapping[str, tuple[Callable[[str], Any], tuple[type, ...]]] = {
    "String": (str, (str,)),
    "Integer": (int, (int,)),
    "Float": (float, (int, float)),
    "Boolean": (_boolean, (bool,)),
}


def declared(given: Iterable[Mapping[str, Any]]) -> dict[str, Parameter]:
    """The parameters that a definition declares.

    Raises:
        ValueError: one of them cannot be.
    """
    found: dict[str, Parameter] = {}
    for one in given:
        name, kind = str(one.get("Name") or ""), str(one.get("Type"))
        default = one.get("DefaultValue")
        if not name or kind not in _TYPES:
            raise ValueError(
                f"Parameters: {name or 'one without Name'} must have a Type of "
                f"{', '.join(_TYPES)}; it is {kind}"
            )
        if name in found:
            raise ValueError(f"Parameters: {name} is there more than once")
        choices: Any = one.get("EnumValues") or []
        if not isinstance(choices, list):
            raise ValueError(f"Parameters: EnumValues of {name} must be a list")  # noqa: TRY004
        parameter = Parameter(
            name=name, type=kind, default=default, allowed=tuple(cast("list[Any]", choices))
        )
        if default is not None:
            _check_default(parameter)
        found[name] = parameter
    return found


def values(declared: Mapping[str, Parameter], given: Mapping[str, str]) -> dict[str, Any]:
    """The value of each parameter, given some as texts.

    Raises:
        ValueError: one is unknown, has no value, or a value that it may not have.
    """
    unknown = sorted(given.keys() - declared.keys())
    if unknown:
        raise ValueError(f"The pipeline has no parameters {', '.join(unknown)}")
    missing = [name for name, one in declared.items() if one.default is None and name not in given]
    if missing:
        raise ValueError(f"Parameters without a default must be given: {', '.join(missing)}")
    return {
        name: _value(one, given[name]) if name in given else one.default
        for name, one in declared.items()
    }


def _value(parameter: Parameter, text: str) -> Any:  # noqa: ANN401 - of the parameter's type
    convert, _ = _TYPES[parameter.type]
    try:
        value = convert(text)
    except ValueError:
        raise ValueError(
            f"{parameter.name} must be of type {parameter.type}; it is {text!r}"
        ) from None
    _check_allowed(parameter, value)
    return value


def _check_default(parameter: Parameter) -> None:
    _, types = _TYPES[parameter.type]
    default = parameter.default
    if not isinstance(default, types) or (isinstance(default, bool) and bool not in types):
        raise ValueError(
            f"Parameters: the default of {parameter.name} must be of type {parameter.type}; it is "
            f"{default!r}"
        )
    _check_allowed(parameter, default)


def _check_allowed(parameter: Parameter, value: Any) -> None:  # noqa: ANN401
    if parameter.allowed and value not in parameter.allowed:
        choices = ", ".join(map(str, parameter.allowed))
        raise ValueError(f"{parameter.name} must be one of {choices}; it is {value}")
