"""What botocore's clients write is what we read; what we write is what they read."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.awsrequest import HeadersDict, create_request_object, prepare_request_dict
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from flowmaker.aws.protocol import models, parse_query
from flowmaker.aws.protocol.parse import parse
from flowmaker.aws.protocol.request import Request
from flowmaker.aws.protocol.response import Response
from flowmaker.aws.protocol.route import route
from flowmaker.aws.protocol.serialize import serialize
from flowmaker.aws.service import Reply
from tests.fakes.aws_shapes import Values

SERVICES = ["ecr", "iam", "logs", "s3", "sagemaker", "sagemaker-runtime", "sts"]
#: Which have no place in a request's or an answer's text that botocore's codec alone can show.
NOT_HERE = {"s3": {"GetBucketLocation", "WriteGetObjectResponse", "ListDirectoryBuckets"}}


#: Random values per operation.
ROUNDS = 3


def cases(service: str) -> Iterator[tuple[Any, int]]:
    """Operations, each with some seeds."""
    model = models.load(service)
    for number, name in enumerate(model.operation_names):
        operation = model.operation_model(name)
        if name not in NOT_HERE.get(service, ()) and not operation.deprecated:
            for turn in range(ROUNDS):
                yield operation, number * ROUNDS + turn


def sent(service: str, operation: Any, parameters: dict[str, Any]) -> tuple[Request, bytes]:
    """The request as botocore's client puts it on the wire, without a signature."""
    serializer = create_serializer(models.load(service).protocol, include_validation=False)
    description = serializer.serialize_to_request(parameters, operation)
    prepare_request_dict(description, "http://127.0.0.1:8080", context={})
    prepared = create_request_object(description).prepare()
    url = urlsplit(prepared.url)
    headers = [
        (name.lower(), value if isinstance(value, str) else value.decode("latin-1"))
        for name, value in prepared.headers.items()
    ]
    body = prepared.body or b""
    request = Request(
        method=prepared.method,
        path=url.path,
        query_string=url.query,
        header_list=(("host", "127.0.0.1:8080"), *headers),
    )
    return request, body.encode() if isinstance(body, str) else bytes(body)


@pytest.mark.parametrize("service", SERVICES)
def test_requests(service: str) -> None:
    model = models.load(service)
    for operation, seed in cases(service):
        name = operation.name
        if operation.has_event_stream_input:
            continue
        shape = operation.input_shape
        values = Values(seed).structure(shape) if shape else {}
        if service == "s3":
            values |= {key: "name.x" for key in ("Bucket",) if key in shape.members}
        request, body = sent(service, operation, values)
        form = parse_query.read_form(body) if model.protocol == "query" else {}
        routed = route(model, request, form)
        assert routed.operation.name == name
        parsed = parse(model, routed, request, body, form)
        if "ContentLength" in (shape.members if shape else ()):
            values.setdefault("ContentLength", 0)  # the client adds it itself
        assert parsed == values, name


@pytest.mark.parametrize("service", SERVICES)
def test_answers(service: str) -> None:
    model = models.load(service)
    for operation, seed in cases(service):
        name = operation.name
        if operation.has_event_stream_output:
            continue
        shape = operation.output_shape
        values = Values(seed).structure(shape) if shape else {}
        answer = Reply(parameters=values, body=b"stream") if models.has_stream(shape) else values
        response = serialize(model, operation, answer, "request-id")
        assert parsed_by_client(operation, response, values) == values, name


def parsed_by_client(operation: Any, response: Response, values: dict[str, Any]) -> dict[str, Any]:
    """What a client makes of the response; adds to `values` what clients make of nothing."""
    shape = operation.output_shape
    payload = shape.serialization.get("payload") if shape else None
    streaming = operation.has_streaming_output
    wire = {
        "status_code": response.status,
        "headers": HeadersDict(response.headers),
        "body": "the connection" if streaming else response.body,
    }
    protocol = operation.service_model.protocol
    parsed = create_parser(protocol).parse(wire, shape)
    assert parsed.pop("ResponseMetadata")["RequestId"] == "request-id"
    if streaming:
        parsed[payload] = response.body
        values.setdefault(payload, b"stream")
    elif payload:
        values.setdefault(payload, {})
        parsed.setdefault(payload, {})
    for name, member in shape.members.items() if shape else ():
        if member.serialization.get("location") == "headers":
            values.setdefault(name, {})
    return parsed
