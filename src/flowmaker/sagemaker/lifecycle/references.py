"""References in a pipeline's definition: what they refer to, and what that is."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

_TOKEN = re.compile(
    r"\.?(?P<name>[^.\[\]'\"]+)|\[(?P<place>\d+)\]|\[(?P<q>['\"])(?P<key>.*?)(?P=q)\]"
)
#: What an item of a list is called by: `Outputs['report']`.
_NAMES = ("OutputName", "InputName", "ChannelName", "VariantName", "Name", "Key")


class Unresolved(Exception):  # noqa: N818 - it is what the step fails with
    """A reference leads nowhere; the message is for people."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """All that references may refer to."""

    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    #: `PipelineExecutionId` …
    execution: Mapping[str, str] = field(default_factory=dict[str, str])
    experiment: Mapping[str, str] = field(default_factory=dict[str, str])
    #: What the jobs of steps are described as, by step.
    properties: Mapping[str, Mapping[str, Any]] = field(
        default_factory=dict[str, Mapping[str, Any]]
    )
    #: The output and the path of property files, by step and name.
    files: Mapping[tuple[str, str], tuple[str, str]] = field(
        default_factory=dict[tuple[str, str], tuple[str, str]]
    )
    #: The content of JSON files, by S3 URI.
    documents: Mapping[str, str] = field(default_factory=dict[str, str])


def resolve(value: Any, facts: Facts) -> Any:  # noqa: ANN401 - JSON
    """The value, with everything that it refers to in place.

    Raises:
        Unresolved: something that it refers to is not there.
    """
    if isinstance(value, list):
        return [resolve(item, facts) for item in cast("list[Any]", value)]
    if not isinstance(value, Mapping):
        return value
    mapping = cast("Mapping[str, Any]", value)
    if set(mapping) == {"Get"}:
        return _got(mapping["Get"], facts)
    if set(mapping) == {"Std:Join"}:
        joined = mapping["Std:Join"]
        texts = (text(resolve(one, facts)) for one in joined["Values"])
        return str(joined.get("On", "")).join(texts)
    if set(mapping) == {"Std:JsonGet"}:
        return _from_json(mapping["Std:JsonGet"], facts)
    return {name: resolve(item, facts) for name, item in mapping.items()}


def referred(value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    """What `Get` names, wherever it stands in the value."""
    if isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from referred(item)
    elif isinstance(value, Mapping):
        mapping = cast("Mapping[str, Any]", value)
        if set(mapping) == {"Get"} and isinstance(mapping["Get"], str):
            yield mapping["Get"]
        for item in mapping.values():
            yield from referred(item)


def malformed(value: Any) -> str:  # noqa: ANN401 - JSON
    """What is wrong with the references in a value; empty if nothing is."""
    if isinstance(value, list):
        faults = (malformed(item) for item in cast("list[Any]", value))
        return next((fault for fault in faults if fault), "")
    if not isinstance(value, Mapping):
        return ""
    mapping = cast("Mapping[str, Any]", value)
    fault = _malformed(mapping)
    return fault or malformed(list(mapping.values()))


def _malformed(mapping: Mapping[str, Any]) -> str:
    """What is wrong with this one, if it is a reference."""
    function = next((name for name in mapping if name == "Get" or name.startswith("Std:")), "")
    given: Any = mapping.get(function)
    if function in {"", "Get"}:
        return "" if not function or isinstance(given, str) else f"Get must name one: {given!r}"
    if len(mapping) > 1 or not isinstance(given, Mapping):
        return f"{function} must stand alone, with an object of what it takes"
    taken = cast("Mapping[str, Any]", given)
    if function == "Std:Join" and isinstance(taken.get("Values"), list):
        return ""
    if function == "Std:JsonGet" and isinstance(taken.get("Path"), str):
        file = taken.get("PropertyFile")
        if "S3Uri" in taken or (isinstance(file, Mapping) and "Get" in file):
            return ""
        return "Std:JsonGet needs PropertyFile or S3Uri"
    needs = {"Std:Join": "needs a list of Values", "Std:JsonGet": "needs a Path"}
    return f"{function} {needs.get(function, 'is not supported by Flowmaker')}"


def files_wanted(value: Any, facts: Facts) -> Iterator[str]:  # noqa: ANN401 - JSON
    """The S3 URIs of the JSON files that resolving the value needs.

    Raises:
        Unresolved: it does not show which.
    """
    if isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from files_wanted(item, facts)
    elif isinstance(value, Mapping):
        mapping = cast("Mapping[str, Any]", value)
        if set(mapping) == {"Std:JsonGet"}:
            yield _uri(mapping["Std:JsonGet"], facts)
        else:
            for item in mapping.values():
                yield from files_wanted(item, facts)


def text(value: Any) -> str:  # noqa: ANN401 - JSON
    """A value as a part of a text."""
    if isinstance(value, str):
        return value
    return json.dumps(value)


def follow(value: Any, path: str, what: str) -> Any:  # noqa: ANN401 - JSON
    """The member of `value` that `path` leads to: `Outputs['report'].S3Output.S3Uri`, `a[0].b`.

    Raises:
        Unresolved: it leads nowhere.
    """
    rest, end = path.removeprefix("$"), 0
    while end < len(rest):
        token = _TOKEN.match(rest, end)
        if token is None:
            raise Unresolved(f"{what}: {path!r} is no path")
        step = int(token["place"]) if token["place"] else (token["name"] or token["key"])
        value = _member(value, step, f"{what} has no {path}")
        end = token.end()
    return value


def _member(value: Any, step: str | int, refusal: str) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, Mapping) and step in value:
        return cast("Mapping[Any, Any]", value)[step]
    if isinstance(value, list):
        items = cast("list[Any]", value)
        if isinstance(step, int) and step < len(items):
            return items[step]
        called = [cast("Mapping[str, Any]", one) for one in items if isinstance(one, Mapping)]
        for item in called:
            if any(item.get(name) == step for name in _NAMES):
                return item
    raise Unresolved(refusal)


def _got(name: Any, facts: Facts) -> Any:  # noqa: ANN401 - JSON
    kind, _, rest = str(name).partition(".")
    if kind == "Steps":
        step, path = split_step(rest)
        if step not in facts.properties:
            raise Unresolved(f"{name}: the step {step} has not run")
        return follow(facts.properties[step], path, f"the step {step}")
    known: Mapping[str, Any] = {
        "Parameters": facts.parameters,
        "Execution": facts.execution,
        "PipelineExperimentConfig": facts.experiment,
    }.get(kind, {})
    if rest not in known:
        raise Unresolved(f"{name} refers to nothing that this execution has")
    return known[rest]


def split_step(rest: str) -> tuple[str, str]:
    """The step of `NAME.Path` or `NAME['path']`, and the path."""
    found = re.match(r"[A-Za-z0-9_-]+", rest)
    name = found[0] if found else ""
    return name, rest[len(name) :]


def _from_json(asked: Mapping[str, Any], facts: Facts) -> Any:  # noqa: ANN401 - JSON
    uri = _uri(asked, facts)
    if uri not in facts.documents:
        raise Unresolved(f"the JSON file {uri} could not be read")
    try:
        document = json.loads(facts.documents[uri])
    except ValueError as error:
        raise Unresolved(f"{uri} is no JSON: {error}") from None
    return follow(document, str(asked.get("Path", "")), uri)


def _uri(asked: Mapping[str, Any], facts: Facts) -> str:
    """Where the file of a JsonGet is."""
    if "S3Uri" in asked:
        return text(resolve(asked["S3Uri"], facts))
    step, path = split_step(str(asked["PropertyFile"]["Get"]).removeprefix("Steps."))
    name = path.removeprefix(".PropertyFiles.")
    if (step, name) not in facts.files:
        raise Unresolved(f"the step {step} has no property file {name}")
    output, file = facts.files[step, name]
    where = f"ProcessingOutputConfig.Outputs['{output}'].S3Output.S3Uri"
    folder = follow(facts.properties.get(step, {}), where, f"the step {step}")
    return f"{folder.rstrip('/')}/{file}"
