"""From a request to parameters, in the way of the service's protocol."""

from collections.abc import Mapping
from typing import Any

from flowmaker.aws.errors import AwsError
from flowmaker.aws.protocol.models import ServiceModel
from flowmaker.aws.protocol.parse_json import parse_json
from flowmaker.aws.protocol.parse_query import parse_query
from flowmaker.aws.protocol.parse_rest import parse_rest
from flowmaker.aws.protocol.request import Request
from flowmaker.aws.protocol.route import Routed


def parse(
    model: ServiceModel, routed: Routed, request: Request, body: bytes, form: Mapping[str, str]
) -> dict[str, Any]:
    """The operation's parameters as botocore's clients take them.

    Raises:
        AwsError: the request is not of the model's form, or has what the model does not know.
    """
    if routed.operation.has_event_stream_input:
        name = routed.operation.name
        raise AwsError("NotImplemented", f"{name} takes an event stream: not supported.", 501)
    if model.protocol == "json":
        return parse_json(routed.operation.input_shape, body)
    if model.protocol == "query":
        return parse_query(routed.operation.input_shape, {**request.query, **form})
    return parse_rest(routed, request, body, xml=model.protocol == "rest-xml")
