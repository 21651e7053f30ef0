"""Parameters against the model, in the words that AWS uses."""

from collections.abc import Callable, Iterator, Mapping, Sized
from typing import Any, cast

from flowmaker.aws.errors import AwsError
from flowmaker.aws.protocol.models import (
    ListShape,
    MapShape,
    OperationModel,
    ServiceModel,
    Shape,
    Structure,
)
from flowmaker.aws.protocol.parse_json import join
from flowmaker.aws.protocol.parse_xml import malformed_xml
from flowmaker.aws.protocol.patterns import matches

#: Values are repeated in messages up to this length.
_SHOWN = 200
#: Shapes for which a service has an error of its own (`InvalidLocationConstraint`), or that it
#: takes in more forms than its model: a bucket's ARN has no region, and the slash of a copy's
#: source may be encoded, too.
_LEFT_TO_THE_SERVICE = {"BucketLocationConstraint", "CopySource", "S3ResourceArn"}


def validate(model: ServiceModel, operation: OperationModel, parameters: Mapping[str, Any]) -> None:
    """Required members, enumerations, patterns, lengths and ranges.

    Raises:
        AwsError: naming each parameter that is wrong and what it must be.
    """
    shape = operation.input_shape
    if shape is None:
        return
    if model.service_name == "s3":
        _validate_s3(shape, parameters)
        return
    faults = list(_structure(shape, parameters, ""))
    if faults:
        count = "1 validation error" if len(faults) == 1 else f"{len(faults)} validation errors"
        raise AwsError("ValidationException", f"{count} detected: {'; '.join(faults)}")


def _fault(value: str, where: str, constraint: str) -> str:
    return f"Value {value} at '{where}' failed to satisfy constraint: {constraint}"


def _shown(shape: Shape, value: Any) -> str:  # noqa: ANN401
    if shape.metadata.get("sensitive"):
        return "at a sensitive parameter"
    text = str(value)
    return f"'{text[:_SHOWN]}{'…' if len(text) > _SHOWN else ''}'"


def _structure(shape: Shape, value: Any, where: str) -> Iterator[str]:  # noqa: ANN401
    structure = cast("Structure", shape)
    if shape.metadata.get("document"):
        return
    streaming = structure.serialization.get("payload")
    for name in structure.required_members:
        absent = value.get(name) is None
        if absent and not (name == streaming and _is_stream(structure.members[name])):
            yield _fault("null", join(where, name), "Member must not be null")
    for name, item in value.items():
        yield from _faults(structure.members[name], item, join(where, name))


def _is_stream(shape: Shape) -> bool:
    return bool(shape.serialization.get("streaming"))


def _list(shape: Shape, value: Any, where: str) -> Iterator[str]:  # noqa: ANN401
    yield from _length(shape, value, where)
    for number, item in enumerate(value, 1):
        yield from _faults(cast("ListShape", shape).member, item, f"{where}.{number}.member")


def _map(shape: Shape, value: Any, where: str) -> Iterator[str]:  # noqa: ANN401
    entries = cast("MapShape", shape)
    yield from _length(shape, value, where)
    for key, item in value.items():
        yield from _faults(entries.key, key, where)
        yield from _faults(entries.value, item, f"{where}.{key}.member")


def _string(shape: Shape, value: str, where: str) -> Iterator[str]:
    metadata = shape.metadata
    too_long = False
    for fault in _length(shape, value, where):
        too_long = True
        yield fault
    if "enum" in metadata and value not in metadata["enum"]:
        allowed = ", ".join(metadata["enum"])
        yield _fault(
            _shown(shape, value), where, f"Member must satisfy enum value set: [{allowed}]"
        )
    pattern = metadata.get("pattern")
    if pattern and not too_long and not matches(pattern, value):
        constraint = f"Member must satisfy regular expression pattern: {pattern}"
        yield _fault(_shown(shape, value), where, constraint)


def _length(shape: Shape, value: Sized, where: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and len(value) < least:
        constraint = f"Member must have length greater than or equal to {least}"
        yield _fault(_shown(shape, value), where, constraint)
    if most is not None and len(value) > most:
        constraint = f"Member must have length less than or equal to {most}"
        yield _fault(_shown(shape, value), where, constraint)


def _number(shape: Shape, value: float, where: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and value < least:
        constraint = f"Member must have value greater than or equal to {least}"
        yield _fault(_shown(shape, value), where, constraint)
    if most is not None and value > most:
        constraint = f"Member must have value less than or equal to {most}"
        yield _fault(_shown(shape, value), where, constraint)


_CHECKS: dict[str, Callable[[Shape, Any, str], Iterator[str]]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "blob": _length,
    "integer": _number,
    "long": _number,
    "float": _number,
    "double": _number,
}


def _faults(shape: Shape, value: Any, where: str) -> Iterator[str]:  # noqa: ANN401
    check = None if shape.name in _LEFT_TO_THE_SERVICE else _CHECKS.get(shape.type_name)
    return check(shape, value, where) if check else iter(())


# --- S3 has words of its own ---


def _validate_s3(shape: Structure, parameters: Mapping[str, Any]) -> None:
    for name in shape.required_members:
        member = shape.members[name]
        if parameters.get(name) is None and not _is_stream(member):
            raise _s3_missing(name, member)
    for name, value in parameters.items():
        member = shape.members[name]
        faults = list(_faults(member, value, name))
        if faults and "location" in member.serialization:
            raise AwsError(
                "InvalidArgument",
                f"Invalid argument: {faults[0]}",
                ArgumentName=member.serialization.get("name", name),
                ArgumentValue=str(value)[:_SHOWN],
            )
        if faults:
            raise malformed_xml()


def _s3_missing(name: str, member: Shape) -> AwsError:
    where = member.serialization.get("location")
    wire_name = member.serialization.get("name", name)
    if where == "header":
        return AwsError("InvalidRequest", f"Missing required header for this request: {wire_name}")
    if where == "querystring":
        return AwsError("InvalidArgument", f"Missing required query parameter: {wire_name}")
    return AwsError("MissingRequestBodyError", "Request Body is empty")
