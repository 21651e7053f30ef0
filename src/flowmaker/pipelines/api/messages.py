"""Request messages as KFP reads them: proto3 JSON, where a field that is not known is an error.

Fields come in snake_case or camelCase; null means not given. Fields that KFP calls output are
taken and dropped, as its API says, so that what was read can be sent back.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any, cast

from flowmaker.errors import InvalidInput, Unsupported

_CAPITAL = re.compile(r"[A-Z]")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.IGNORECASE)


class Kind(Enum):
    """What a field's value must be."""

    STRING = "a string"
    OBJECT = "an object"
    LIST = "a list"
    FLAG = "true or false"
    ANY = "anything"

    def holds(self, value: Any) -> bool:  # noqa: ANN401 - it is what is being found out
        if self is Kind.ANY:
            return True
        return isinstance(value, _TYPES[self])


_TYPES = {Kind.STRING: str, Kind.OBJECT: dict, Kind.LIST: list, Kind.FLAG: bool}


@dataclass(frozen=True, slots=True)
class Message:
    """A message's fields by their snake_case names."""

    name: str
    fields: Mapping[str, Kind]
    outputs: frozenset[str] = frozenset()
    #: Fields of KFP that Flowmaker refuses when they say something, each with the reason.
    refused: Mapping[str, str] = field(default_factory=dict[str, str])

    def read(self, document: Any) -> dict[str, Any]:  # noqa: ANN401
        """The fields that are given, by their snake_case names."""
        if not isinstance(document, dict):
            raise InvalidInput(f"{self.name}: this must be a JSON object.")
        found: dict[str, Any] = {}
        for given, value in cast("dict[str, Any]", document).items():
            name = snake_case(given)
            if name in found:
                raise InvalidInput(f"{self.name}: {name} is given twice.")
            if self._takes(given, name, value):
                found[name] = value
        return found

    def _takes(self, given: str, name: str, value: Any) -> bool:  # noqa: ANN401
        if name in self.outputs:
            return False
        if name in self.refused:
            if value:
                raise Unsupported(f"{self.name}: {name} is not supported: {self.refused[name]}.")
            return False
        kind = self.fields.get(name)
        if kind is None:
            raise InvalidInput(f"{self.name}: unknown field {given!r}.")
        if value is None:
            return False
        if not kind.holds(value):
            raise InvalidInput(f"{self.name}: {name} must be {kind.value}.")
        return True


def snake_case(name: str) -> str:
    """`pipelineSpec` as `pipeline_spec`; a name in snake_case stays as it is."""
    return _CAPITAL.sub(lambda found: "_" + found[0].lower(), name)


def parse_time(place: str, value: Any) -> datetime:  # noqa: ANN401
    """A time in RFC 3339, which is what proto3 JSON has."""
    if isinstance(value, str) and _RFC3339.fullmatch(value):
        # Python reads up to microseconds; what is finer than that is cut off.
        text = re.sub(r"(\.\d{6})\d+", r"\1", value)
        try:
            return datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise InvalidInput(f"{place}: {value!r} is no RFC 3339 time, e.g. 2026-01-31T12:00:00Z.")


#: Characters of a tag's key, and of its value.
LONGEST_TAG = 63


def tags(place: str, given: Any) -> dict[str, str]:  # noqa: ANN401 - it is what is being found out
    """The tags of a pipeline or a version.

    Raises:
        InvalidInput: one is no text, or too long.
    """
    if not isinstance(given, dict):
        raise InvalidInput(f"{place}: tags must be an object.")
    for key, value in cast("dict[str, Any]", given).items():
        if not isinstance(value, str):
            raise InvalidInput(f"{place}: the tag {key!r} must be a string.")
        if not key or max(len(key), len(value)) > LONGEST_TAG:
            raise InvalidInput(
                f"{place}: the tag {key!r}: a key has 1 to {LONGEST_TAG} characters, a value at "
                f"most {LONGEST_TAG}."
            )
    return cast("dict[str, str]", given)


EXPERIMENT = Message(
    "experiment",
    {"display_name": Kind.STRING, "description": Kind.STRING, "namespace": Kind.STRING},
    frozenset({"experiment_id", "created_at", "storage_state", "last_run_created_at"}),
)
PIPELINE = Message(
    "pipeline",
    {
        "name": Kind.STRING,
        "display_name": Kind.STRING,
        "description": Kind.STRING,
        "namespace": Kind.STRING,
        "tags": Kind.OBJECT,
    },
    frozenset({"pipeline_id", "created_at", "error"}),
)
#: What can be changed of a pipeline or a version.
CHANGED = Message(
    "update",
    {"display_name": Kind.STRING, "tags": Kind.OBJECT},
    frozenset({"pipeline_id", "pipeline_version_id", "created_at", "error", "namespace"}),
)
VERSION = Message(
    "pipeline version",
    {
        "pipeline_id": Kind.STRING,
        "name": Kind.STRING,
        "display_name": Kind.STRING,
        "description": Kind.STRING,
        "package_url": Kind.OBJECT,
        "code_source_url": Kind.STRING,
        "tags": Kind.OBJECT,
    },
    frozenset({"pipeline_version_id", "created_at", "pipeline_spec", "error"}),
)
URL = Message("pipeline version.package_url", {"pipeline_url": Kind.STRING})
PIPELINE_AND_VERSION = Message(
    "request", {"pipeline": Kind.OBJECT, "pipeline_version": Kind.OBJECT}
)
RUN = Message(
    "run",
    {
        "experiment_id": Kind.STRING,
        "display_name": Kind.STRING,
        "description": Kind.STRING,
        "pipeline_version_id": Kind.STRING,
        "pipeline_spec": Kind.OBJECT,
        "pipeline_version_reference": Kind.OBJECT,
        "runtime_config": Kind.OBJECT,
        "service_account": Kind.STRING,
    },
    frozenset(
        {
            "run_id",
            "storage_state",
            "created_at",
            "scheduled_at",
            "finished_at",
            "state",
            "error",
            "run_details",
            "state_history",
            "plugins_output",
        }
    ),
    {
        "recurring_run_id": "only the recurring run itself makes its runs",
        "plugins_input": "Flowmaker has no plugins",
    },
)
REFERENCE = Message(
    "run.pipeline_version_reference",
    {"pipeline_id": Kind.STRING, "pipeline_version_id": Kind.STRING},
)
RUNTIME_CONFIG = Message(
    "run.runtime_config", {"parameters": Kind.OBJECT, "pipeline_root": Kind.STRING}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRequest:
    """A run that is asked for: of a spec that came with it, or of an uploaded version."""

    display_name: str
    experiment_id: str
    description: str
    service_account: str
    #: None when the run is of an uploaded version.
    pipeline_spec: Mapping[str, Any] | None
    pipeline_id: str
    pipeline_version_id: str
    parameters: Mapping[str, Any]
    pipeline_root: str


def run_request(document: Any) -> RunRequest:  # noqa: ANN401
    """What `POST /runs` asks for."""
    return run_of("run", RUN.read(document))


def run_of(name: str, run: Mapping[str, Any]) -> RunRequest:
    """The run that a message called `name` asks for, of its fields."""
    if not run.get("display_name"):
        raise InvalidInput(f"{name}: display_name is missing.")
    reference = REFERENCE.read(run.get("pipeline_version_reference", {}))
    # Deprecated in KFP, and still taken: the version without its pipeline.
    reference.setdefault("pipeline_version_id", run.get("pipeline_version_id", ""))
    is_reference = any(reference.values())
    if is_reference == ("pipeline_spec" in run):
        raise InvalidInput(
            f"{name}: exactly one of pipeline_spec and pipeline_version_reference must be given."
        )
    config = RUNTIME_CONFIG.read(run.get("runtime_config", {}))
    return RunRequest(
        display_name=run["display_name"],
        experiment_id=run.get("experiment_id", ""),
        description=run.get("description", ""),
        service_account=run.get("service_account", ""),
        pipeline_spec=run.get("pipeline_spec"),
        pipeline_id=reference.get("pipeline_id", ""),
        pipeline_version_id=reference["pipeline_version_id"],
        parameters=config.get("parameters", {}),
        pipeline_root=config.get("pipeline_root", ""),
    )
