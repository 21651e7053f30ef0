"""Models of services, read from botocore's data when they are first needed."""

import threading
from collections.abc import Mapping
from typing import Any, Protocol, cast

from botocore.loaders import Loader
from botocore.model import ServiceModel as BotocoreModel

#: Services whose name in a credential scope is not botocore's name of them.
SIGNING_NAMES = {
    "sagemaker-runtime": "sagemaker",
    "sagemaker-metrics": "sagemaker",
    "cloudwatch": "monitoring",
    "s3control": "s3",
}

#: Those that are spoken here, in the order in which clients choose of several.
_PROTOCOLS = ("json", "rest-json", "rest-xml", "query")


class Shape(Protocol):
    """The part of botocore's shapes that is used here, with types."""

    name: str
    #: structure, list, map, string, integer, long, float, double, boolean, blob, timestamp.
    type_name: str
    serialization: Mapping[str, Any]
    metadata: Mapping[str, Any]


class Structure(Shape, Protocol):
    members: Mapping[str, Shape]
    required_members: list[str]


class ListShape(Shape, Protocol):
    member: Shape


class MapShape(Shape, Protocol):
    key: Shape
    value: Shape


class OperationModel(Protocol):
    name: str
    #: method, requestUri, and responseCode if not 200.
    http: Mapping[str, Any]
    input_shape: Structure | None
    output_shape: Structure | None
    deprecated: bool
    has_event_stream_input: bool
    has_event_stream_output: bool
    metadata: Mapping[str, Any]


class ServiceModel(Protocol):
    service_name: str
    metadata: Mapping[str, Any]
    operation_names: list[str]
    #: `query`, `json`, `rest-json` or `rest-xml`.
    protocol: str
    api_version: str

    def operation_model(self, operation_name: str) -> OperationModel: ...

    def shape_for(self, shape_name: str) -> Shape: ...

    def shape_for_error_code(self, error_code: str) -> Structure | None: ...


_loader = Loader()
_models: dict[str, ServiceModel] = {}
_lock = threading.Lock()


def load(service: str) -> ServiceModel:
    """The model of a service by botocore's name; operations are parsed one by one when asked for.

    The first time it reads and unpacks a file (up to 0.1 s): call it in a thread.
    """
    model = _models.get(service)
    if model is None:
        with _lock:
            model = _models.get(service) or _read(service)
            _models[service] = model
    return model


def loaded(service: str) -> ServiceModel | None:
    """The model if it has been read already: no waiting."""
    return _models.get(service)


def _read(service: str) -> ServiceModel:
    loader = cast("Any", _loader)  # botocore has no types
    description = loader.load_service_model(service, "service-2")
    metadata = description["metadata"]
    if metadata["protocol"] not in _PROTOCOLS:
        # What clients choose instead: they know more than the first, too.
        spoken = next(one for one in _PROTOCOLS if one in metadata["protocols"])
        description = {**description, "metadata": {**metadata, "protocol": spoken}}
    return cast("ServiceModel", BotocoreModel(description, service))


def has_stream(shape: Structure | None) -> bool:
    """Whether the payload is a stream: botocore's own answer is yes for every blob."""
    payload = shape.serialization.get("payload") if shape else None
    return bool(shape and payload and shape.members[payload].serialization.get("streaming"))


def signing_name(service: str) -> str:
    """What a credential scope calls the service."""
    return SIGNING_NAMES.get(service, service)
