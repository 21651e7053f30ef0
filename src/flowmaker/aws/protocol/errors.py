"""AwsError in the form of each protocol, with the code that the protocol's services use."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from flowmaker.aws.errors import AwsError
from flowmaker.aws.protocol import write_xml
from flowmaker.aws.protocol.response import Response
from flowmaker.aws.protocol.serialize import request_id_header

#: One meaning, one row: what query services call it, JSON services, and S3.
_NAMES: tuple[tuple[str, str, str], ...] = (
    ("AccessDenied", "AccessDeniedException", "AccessDenied"),
    ("ValidationError", "ValidationException", "InvalidRequest"),
    ("InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId"),
    ("SignatureDoesNotMatch", "InvalidSignatureException", "SignatureDoesNotMatch"),
    ("IncompleteSignature", "IncompleteSignatureException", "AuthorizationHeaderMalformed"),
    (
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "AccessDenied",
    ),
    ("ExpiredToken", "ExpiredTokenException", "ExpiredToken"),
    ("SignatureDoesNotMatch", "InvalidSignatureException", "RequestTimeTooSkewed"),
    ("SignatureDoesNotMatch", "InvalidSignatureException", "XAmzContentSHA256Mismatch"),
    ("RequestEntityTooLarge", "RequestEntityTooLargeException", "EntityTooLarge"),
    ("InvalidAction", "UnknownOperationException", "NotImplemented"),
    ("MalformedInput", "SerializationException", "InvalidArgument"),
    ("InternalFailure", "InternalFailure", "InternalError"),
    ("ServiceUnavailable", "ServiceUnavailableException", "ServiceUnavailable"),
    ("Throttling", "ThrottlingException", "SlowDown"),
)
_COLUMNS = {"query": 0, "ec2": 0, "json": 1, "rest-json": 1, "rest-xml": 2}

#: Services whose word for invalid parameters is their own.
_VALIDATION = {
    "ecr": "InvalidParameterException",
    "logs": "InvalidParameterException",
    "sagemaker-runtime": "ValidationError",
}

#: Services that call one of these otherwise.
_OWN = {("sagemaker-runtime", "ServiceUnavailableException"): "ServiceUnavailable"}

#: Statuses where a protocol's is not the error's own.
_STATUS = {
    ("json", "AccessDeniedException"): 400,
    ("json", "UnrecognizedClientException"): 400,
    ("json", "InvalidSignatureException"): 400,
    ("json", "ExpiredTokenException"): 400,
    ("json", "UnknownOperationException"): 400,
    ("query", "InvalidAction"): 400,
    ("ec2", "InvalidAction"): 400,
    ("rest-xml", "ExpiredToken"): 400,
    ("rest-xml", "NotImplemented"): 501,
    ("rest-xml", "EntityTooLarge"): 400,
    ("rest-xml", "XAmzContentSHA256Mismatch"): 400,
    ("rest-xml", "AuthorizationHeaderMalformed"): 400,
}

#: S3 answers HEAD without a body, so that clients know only the status and its phrase.
_S3_CONTENT = {"Content-Type": "application/xml"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where an error happened, as much as is known by then."""

    service: str
    protocol: str
    request_id: str
    method: str = "POST"
    #: The raw path, which S3 repeats.
    path: str = "/"


def error_response(error: AwsError, place: Place) -> Response:
    code = code_for(error.code, place.protocol, place.service)
    status = _STATUS.get((place.protocol, code), error.status)
    headers = request_id_header(place.protocol, place.request_id)
    if place.protocol == "query":
        body = _query_body(code, status, error, place)
        return Response(status=status, headers=headers | {"Content-Type": "text/xml"}, body=body)
    if place.protocol == "ec2":
        body = _ec2_body(code, error, place)
        return Response(status=status, headers=headers | {"Content-Type": "text/xml"}, body=body)
    if place.protocol == "rest-xml":
        body = b"" if place.method == "HEAD" else _s3_body(code, error, place)
        return Response(
            status=status, headers={**headers, **_S3_CONTENT, **error.headers}, body=body
        )
    content = "application/json" if place.protocol == "rest-json" else "application/x-amz-json-1.1"
    headers |= {"Content-Type": content, "x-amzn-ErrorType": code}
    return Response(status=status, headers=headers, body=_json_body(code, error))


def code_for(code: str, protocol: str, service: str) -> str:
    """The service's own word for what `code` means; a code of its own stays as it is."""
    column = _COLUMNS.get(protocol, 1)
    for row in _NAMES:
        if code in row:
            code = row[column]
            break
    code = _OWN.get((service, code), code)
    return _VALIDATION.get(service, code) if code == "ValidationException" else code


def _json_body(code: str, error: AwsError) -> bytes:
    members: Mapping[str, object] = {"__type": code, "message": error.message} | error.members
    if "Message" in members:  # ModelError and others spell it so
        members = {key: value for key, value in members.items() if key != "message"}
    return json.dumps(members).encode()


def _query_body(code: str, status: int, error: AwsError, place: Place) -> bytes:
    fields = {"Type": "Receiver" if status >= 500 else "Sender", "Code": code}  # noqa: PLR2004
    inner = _elements(fields | {"Message": error.message} | error.members)
    request_id = write_xml.element("RequestId", place.request_id)
    space = write_xml.namespace(_QUERY_NAMESPACES.get(place.service, ""))
    body = write_xml.element("Error", inner) + request_id
    return write_xml.element("ErrorResponse", body, space).encode()


def _ec2_body(code: str, error: AwsError, place: Place) -> bytes:
    """As EC2 writes it: what asks for it first, as Terraform does, tries again for minutes else."""
    inner = _elements({"Code": code, "Message": error.message})
    errors = write_xml.element("Errors", write_xml.element("Error", inner))
    request_id = write_xml.element("RequestID", place.request_id)
    return (write_xml.DECLARATION + write_xml.element("Response", errors + request_id)).encode()


_QUERY_NAMESPACES = {
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
}


def _s3_body(code: str, error: AwsError, place: Place) -> bytes:
    fields = {"Code": code, "Message": error.message} | error.members
    fields |= {"Resource": place.path, "RequestId": place.request_id, "HostId": place.request_id}
    body = write_xml.element("Error", _elements(fields))
    if place.service == "s3control":
        ids = {"RequestId": place.request_id, "HostId": place.request_id}
        body = write_xml.element("ErrorResponse", body + _elements(ids))
    return (write_xml.DECLARATION + body).encode()


def _elements(fields: Mapping[str, object]) -> str:
    return "".join(
        write_xml.element(name, write_xml.escape(str(value))) for name, value in fields.items()
    )
