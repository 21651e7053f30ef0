"""Which operation a request is, in the way of the service's protocol."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote

from flowmaker.aws.errors import AwsError
from flowmaker.aws.protocol.models import OperationModel, ServiceModel, Shape
from flowmaker.aws.protocol.request import Request
from flowmaker.aws.protocol.target import object_path


@dataclass(frozen=True, kw_only=True, slots=True)
class Routed:
    """An operation, and the values that stand in the path."""

    operation: OperationModel
    labels: Mapping[str, str] = field(default_factory=dict[str, str])


def route(model: ServiceModel, request: Request, form: Mapping[str, str]) -> Routed:
    """The operation that is asked for; `form` is the decoded body of a query service.

    Raises:
        AwsError: no operation of the service's model is like that.
    """
    if model.protocol == "json":
        return Routed(operation=_by_target(model, request))
    if model.protocol == "query":
        return Routed(operation=_by_action(model, {**request.query, **form}))
    return _by_path(model, request)


def _by_target(model: ServiceModel, request: Request) -> OperationModel:
    target = request.headers.get("x-amz-target", "")
    prefix, _, name = target.rpartition(".")
    if prefix != model.metadata["targetPrefix"] or name not in model.operation_names:
        asked = f"operation {target!r}" if target else "operation without header X-Amz-Target"
        raise AwsError("UnknownOperationException", f"{model.service_name} has no {asked}.")
    return model.operation_model(name)


def _by_action(model: ServiceModel, form: Mapping[str, str]) -> OperationModel:
    action = form.get("Action", "")
    if not action:
        raise AwsError("MissingAction", "Action is missing from the request.")
    version = form.get("Version", model.api_version)
    if action not in model.operation_names or version != model.api_version:
        message = f"Could not find operation {action} for version {version}"
        raise AwsError("InvalidAction", message)
    return model.operation_model(action)


# --- REST: method, path, and the query's literals ---


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Pattern:
    """An operation's requestUri, ready to compare with."""

    operation: OperationModel
    method: str
    path: re.Pattern[str]
    #: Query members that the template fixes, e.g. `list-type=2`; empty value: only the name.
    literals: Mapping[str, str]
    #: Query and header members without which it is not this operation.
    required_query: frozenset[str]
    required_headers: frozenset[str]

    def score(self, request: Request) -> tuple[int, int, int] | None:
        """How well the request fits, best is greatest; None when it is another operation."""
        for name, value in self.literals.items():
            if name not in request.query or (value and request.query[name] != value):
                return None
        there = len(self.required_query & request.query.keys())
        there += len(self.required_headers & request.headers.keys())
        missing = len(self.required_query) + len(self.required_headers) - there
        return len(self.literals), there, -missing


@lru_cache(maxsize=64)
def _candidates(model: ServiceModel, method: str, *, has_query: bool) -> tuple[_Pattern, ...]:
    """Those that a request of the method may be: without a query none whose template has one."""
    return tuple(
        pattern
        for pattern in _patterns(model)
        if pattern.method == method and (has_query or not pattern.literals)
    )


@lru_cache(maxsize=8)
def _patterns(model: ServiceModel) -> tuple[_Pattern, ...]:
    operations = (model.operation_model(name) for name in model.operation_names)
    return tuple(_pattern(operation) for operation in operations if not operation.deprecated)


def _pattern(operation: OperationModel) -> _Pattern:
    path, _, query = operation.http["requestUri"].partition("?")
    literals = dict(part.partition("=")[::2] for part in query.split("&") if part)
    required: dict[str, set[str]] = {"querystring": set(), "header": set()}
    for name, member in _required_members(operation):
        location = member.serialization.get("location")
        if location in required:
            required[location].add(member.serialization.get("name", name))
    return _Pattern(
        operation=operation,
        method=operation.http["method"],
        path=_path_pattern(path),
        literals=literals,
        required_query=frozenset(required["querystring"]),
        required_headers=frozenset(name.lower() for name in required["header"]),
    )


def _required_members(operation: OperationModel) -> list[tuple[str, Shape]]:
    shape = operation.input_shape
    return [(name, shape.members[name]) for name in shape.required_members] if shape else []


def _path_pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+\+?)\}", template)
    for position in range(1, len(parts), 2):
        name = parts[position]
        parts[position] = f"(?P<{name.rstrip('+')}>{'.+' if name.endswith('+') else '[^/]+'})"
    for position in range(0, len(parts), 2):
        parts[position] = re.escape(parts[position])
    return re.compile("".join(parts), re.DOTALL)


def _by_path(model: ServiceModel, request: Request) -> Routed:
    if model.service_name == "s3":
        path, labels = _s3_path(request)
    else:
        path, labels = request.path, {}
    fitting: list[tuple[tuple[int, int, int], _Pattern, Mapping[str, str]]] = []
    for pattern in _candidates(model, request.method, has_query=bool(request.query_string)):
        match = pattern.path.fullmatch(path)
        score = pattern.score(request) if match else None
        if match and score:
            fitting.append((score, pattern, match.groupdict()))
    if not fitting:
        raise _no_such(model, request)
    # Equal scores: the model's first (ListBuckets before ListDirectoryBuckets).
    _, best, found = max(fitting, key=lambda entry: entry[0])
    _refuse_other_subresource(model, request, best)
    labels = labels or {name: unquote(value) for name, value in found.items()}
    return Routed(operation=best.operation, labels=labels)


def _s3_path(request: Request) -> tuple[str, dict[str, str]]:
    """A path of the templates' form, and the real names: a key may hold anything."""
    target = object_path(request)
    if target.key:
        return "/bucket/key", {"Bucket": target.bucket, "Key": target.key}
    if target.bucket:
        return "/bucket", {"Bucket": target.bucket}
    return "/", {}


def _refuse_other_subresource(model: ServiceModel, request: Request, best: _Pattern) -> None:
    """`DELETE /bucket?versioning` must not delete the bucket."""
    if request.query and not _other_subresources(model, best).isdisjoint(request.query):
        raise _no_such(model, request)


@lru_cache(maxsize=512)
def _other_subresources(model: ServiceModel, best: _Pattern) -> frozenset[str]:
    """Query names that make a request one of the service's other operations."""
    known = {name for pattern in _patterns(model) for name in pattern.literals}
    shape = best.operation.input_shape
    own = {
        member.serialization.get("name")
        for member in (shape.members.values() if shape else ())
        if member.serialization.get("location") == "querystring"
    }
    return frozenset(known - best.literals.keys() - own)


def _no_such(model: ServiceModel, request: Request) -> AwsError:
    if model.service_name == "s3":
        message = "The specified method is not allowed against this resource."
        return AwsError(
            "MethodNotAllowed", message, 405, Method=request.method, ResourceType="SERVICE"
        )
    asked = f"{request.method} {request.path}"
    return AwsError(
        "UnknownOperationException", f"{model.service_name} has no operation {asked}.", 404
    )
