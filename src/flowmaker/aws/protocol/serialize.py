"""From an answer to a response, in the way of the service's protocol."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from flowmaker.aws.protocol import event_stream, write_xml
from flowmaker.aws.protocol.models import OperationModel, ServiceModel, Structure
from flowmaker.aws.protocol.response import Response
from flowmaker.aws.protocol.write_json import write_json
from flowmaker.aws.protocol.write_rest import write_rest
from flowmaker.aws.service import Answer, Reply


def serialize(
    model: ServiceModel, operation: OperationModel, answer: Answer, request_id: str
) -> Response:
    """The response to a client: members that are absent or None do not appear in it.

    Raises:
        TypeError: the answer is not of the model's form (a mistake in the handler).
    """
    reply = answer if isinstance(answer, Reply) else Reply(parameters=answer or {})
    response = _by_protocol(model, operation, reply, request_id)
    return Response(
        status=reply.status or response.status,
        headers={
            **response.headers,
            **request_id_header(model.protocol, request_id),
            **reply.headers,
        },
        body=response.body,
        length=reply.length,
    )


def request_id_header(protocol: str, request_id: str) -> dict[str, str]:
    name = "x-amz-request-id" if protocol == "rest-xml" else "x-amzn-RequestId"
    return {name: request_id}


def _by_protocol(
    model: ServiceModel, operation: OperationModel, reply: Reply, request_id: str
) -> Response:
    if reply.body is not None and model.protocol in ("json", "query"):
        message = f"{operation.name} has no payload: its handler may not answer with a body"
        raise TypeError(message)
    if model.protocol == "json":
        version = model.metadata["jsonVersion"]
        return Response(
            headers={"Content-Type": f"application/x-amz-json-{version}"},
            body=_json_body(operation, reply.parameters),
        )
    if model.protocol == "query":
        return Response(
            headers={"Content-Type": "text/xml"},
            body=_query_body(model, operation, reply.parameters, request_id),
        )
    response = write_rest(model, operation, reply.parameters, reply.body)
    return _with_events(operation, response, reply) if reply.events else response


def _with_events(operation: OperationModel, response: Response, reply: Reply) -> Response:
    assert operation.output_shape is not None, "an event stream is a member of the output"
    (stream,) = (
        member
        for member in operation.output_shape.members.values()
        if member.serialization.get("eventstream")
    )
    assert reply.events is not None, "the caller looked"
    return replace(
        response,
        headers={**response.headers, "Content-Type": event_stream.CONTENT_TYPE},
        body=event_stream.encoded(cast("Structure", stream), reply.events),
    )


def _json_body(operation: OperationModel, answer: Mapping[str, Any]) -> bytes:
    """An operation without output has an empty body, as AWS's own answer."""
    if operation.output_shape is None and not answer:
        return b""
    return write_json(operation.output_shape, answer)


def _query_body(
    model: ServiceModel, operation: OperationModel, answer: Mapping[str, Any], request_id: str
) -> bytes:
    shape = operation.output_shape
    result = ""
    if shape is not None:
        wrapper = shape.serialization.get("resultWrapper", f"{operation.name}Result")
        result = write_xml.element(wrapper, write_xml.members(shape, answer))
    metadata = write_xml.element("ResponseMetadata", write_xml.element("RequestId", request_id))
    space = write_xml.namespace(model.metadata.get("xmlNamespace", ""))
    return write_xml.element(f"{operation.name}Response", result + metadata, space).encode()
