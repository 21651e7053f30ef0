"""`{{$…}}` in commands, arguments, environment variables and constants."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from flowmaker.errors import FailedPrecondition, Unsupported
from flowmaker.pipelines.driver.job import local_path
from flowmaker.pipelines.driver.workspace import is_inside, path_inside
from flowmaker.pipelines.ir.parameters import whole
from flowmaker.pipelines.records.catalog import Document

_PLACEHOLDER = re.compile(r"\{\{\$(?P<path>(?:[^{}'\"]|'[^']*'|\"[^\"]*\")*)\}\}")
_PART = re.compile(
    r"\.(?P<side>inputs|outputs)\.(?P<kind>parameters|artifacts)"
    r"\[(?P<quote>['\"])(?P<name>.*?)(?P=quote)\]"
    r"(?:\.(?P<attribute>\w+)(?:\[(?P<mark>['\"])(?P<key>.*?)(?P=mark)\])?)?"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Placeholders:
    """Everything that a placeholder can stand for, at one place.

    Text is read once: what comes in for a placeholder is not searched for others.
    """

    #: The values of the input parameters.
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    #: RuntimeArtifacts by the input's and the output's name.
    input_artifacts: Mapping[str, list[Document]] = field(default_factory=dict[str, Any])
    output_artifacts: Mapping[str, list[Document]] = field(default_factory=dict[str, Any])
    #: The file for each output parameter.
    output_files: Mapping[str, str] = field(default_factory=dict[str, str])
    #: The values of `{{$.<name>}}`.
    job: Mapping[str, str] = field(default_factory=dict[str, str])
    executor_input: Document | None = None
    #: The folder of the task, under which artifacts have their paths.
    work: str = ""

    def text(self, template: str) -> str:
        """`template` with a value for each placeholder.

        Raises:
            FailedPrecondition: one has no value.
            Unsupported: one is of an unknown kind.
        """
        return _PLACEHOLDER.sub(lambda match: self._value(match["path"]), template)

    def inside(self, value: Any) -> Any:  # noqa: ANN401
        """`text`, for every string inside a JSON value, be it a key."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.inside(key): self.inside(each) for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType]
        if isinstance(value, list):
            return [self.inside(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
        return value

    def words(self, template: str) -> list[str]:
        """The arguments that one argument of the IR becomes: one, or with IfPresent any number."""
        structure = _structure(template)
        return [self.text(template)] if structure is None else self._words(structure)

    def _words(self, structure: Any) -> list[str]:  # noqa: ANN401
        if isinstance(structure, str):
            return [self.text(structure)]
        if isinstance(structure, list):
            return [word for each in structure for word in self._words(each)]  # pyright: ignore[reportUnknownVariableType]
        if "Concat" in structure:
            return ["".join(self._words(structure["Concat"]))]
        condition = structure["IfPresent"]
        branch = "Then" if self._is_present(condition["InputName"]) else "Else"
        return self._words(condition.get(branch) or [])

    def _is_present(self, name: str) -> bool:
        return self.parameters.get(name) is not None or bool(self.input_artifacts.get(name))

    def _value(self, path: str) -> str:
        if not path and self.executor_input is not None:
            return json.dumps(self.executor_input)
        if path == ".outputs.output_file" and self.executor_input is not None:
            return self.executor_input["outputs"]["outputFile"]
        if path.removeprefix(".") in self.job:
            return self.job[path.removeprefix(".")]
        part = _PART.fullmatch(path)
        if path == ".workspace_path":
            raise FailedPrecondition(f"The pipeline has no workspace that {{{{${path}}}}} could be")
        if part is None:
            raise Unsupported(f"Flowmaker does not know the placeholder {{{{${path}}}}}")
        if part["kind"] == "artifacts":
            return self._artifact(path, part)
        source = self.parameters if part["side"] == "inputs" else self.output_files
        if part["name"] not in source:
            raise FailedPrecondition(f"The placeholder {{{{${path}}}}} has no value here")
        return shown(source[part["name"]])

    def _artifact(self, path: str, part: re.Match[str]) -> str:
        side = self.input_artifacts if part["side"] == "inputs" else self.output_artifacts
        artifacts = side.get(part["name"])
        if not artifacts:
            raise FailedPrecondition(f"The placeholder {{{{${path}}}}} has no artifact here")
        first = artifacts[0]
        match part["attribute"]:
            case "uri":
                return first["uri"]
            case "path" if is_inside(first):
                return path_inside(first["uri"])
            case "path":
                return local_path(self.work, first["uri"])
            case "name":
                return first.get("name", "")
            case "metadata" if part["key"] is None:
                return json.dumps(first.get("metadata", {}))
            case "metadata" if part["key"] in first.get("metadata", {}):
                return shown(first["metadata"][part["key"]])
            case _:
                raise FailedPrecondition(f"The placeholder {{{{${path}}}}} has no value here")


def shown(value: Any) -> str:  # noqa: ANN401
    """A value as text, as KFP's launcher writes it.

    A string as it is, null as nothing, a number without an exponent, all else as JSON without a
    space, its keys in order. (Go writes <, > and & of that JSON as escapes, which mean the same.)
    """
    if value is None or isinstance(value, str):
        return value or ""
    value = whole(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return format(Decimal(repr(value)), "f")
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def _structure(template: str) -> Any:  # noqa: ANN401
    """The Concat or IfPresent that an argument is, or None when it is plain text."""
    if not template.startswith(("{", " ", "\n")):
        return None
    try:
        value = json.loads(template)
    except ValueError:
        return None
    return value if isinstance(value, dict) and _is_structure(value) else None  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def _is_structure(value: dict[str, Any]) -> bool:
    return len(value) == 1 and next(iter(value)) in ("Concat", "IfPresent")
