"""Errors in the form and with the codes of each protocol."""

import json
from xml.etree import ElementTree as ET

import pytest

from flowmaker.aws.errors import AwsError, access_denied, validation
from flowmaker.aws.protocol.errors import Place, code_for, error_response


def place(service: str, protocol: str, method: str = "POST", path: str = "/") -> Place:
    return Place(service=service, protocol=protocol, request_id="id-1", method=method, path=path)


@pytest.mark.parametrize(
    ("code", "query", "json_code", "s3"),
    [
        ("AccessDeniedException", "AccessDenied", "AccessDeniedException", "AccessDenied"),
        ("AccessDenied", "AccessDenied", "AccessDeniedException", "AccessDenied"),
        ("ValidationException", "ValidationError", "ValidationException", "InvalidRequest"),
        (
            "InvalidClientTokenId",
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "InvalidAccessKeyId",
        ),
        (
            "SignatureDoesNotMatch",
            "SignatureDoesNotMatch",
            "InvalidSignatureException",
            "SignatureDoesNotMatch",
        ),
        ("ExpiredToken", "ExpiredToken", "ExpiredTokenException", "ExpiredToken"),
        ("InternalFailure", "InternalFailure", "InternalFailure", "InternalError"),
        ("NotImplemented", "InvalidAction", "UnknownOperationException", "NotImplemented"),
        ("NoSuchEntity", "NoSuchEntity", "NoSuchEntity", "NoSuchEntity"),
        ("ResourceInUse", "ResourceInUse", "ResourceInUse", "ResourceInUse"),
    ],
)
def test_codes(code: str, query: str, json_code: str, s3: str) -> None:
    assert code_for(code, "query", "iam") == query
    assert code_for(code, "json", "sagemaker") == json_code
    assert code_for(code, "rest-xml", "s3") == s3


def test_services_with_a_word_of_their_own() -> None:
    assert code_for("ValidationException", "json", "logs") == "InvalidParameterException"
    assert code_for("ValidationException", "rest-json", "sagemaker-runtime") == "ValidationError"


def test_json() -> None:
    response = error_response(validation("it is <wrong>"), place("sagemaker", "json"))
    assert response.status == 400
    assert response.headers["x-amzn-ErrorType"] == "ValidationException"
    assert response.headers["x-amzn-RequestId"] == "id-1"
    assert isinstance(response.body, bytes)
    assert json.loads(response.body) == {
        "__type": "ValidationException",
        "message": "it is <wrong>",
    }


def test_query() -> None:
    response = error_response(access_denied("no & never"), place("iam", "query"))
    assert response.status == 403
    assert isinstance(response.body, bytes)
    root = ET.fromstring(response.body)
    space = "{https://iam.amazonaws.com/doc/2010-05-08/}"
    assert root.tag == f"{space}ErrorResponse"
    assert root.findtext(f"{space}Error/{space}Code") == "AccessDenied"
    assert root.findtext(f"{space}Error/{space}Type") == "Sender"
    assert root.findtext(f"{space}Error/{space}Message") == "no & never"
    assert root.findtext(f"{space}RequestId") == "id-1"


def test_ec2_has_a_form_of_its_own() -> None:
    """What asks EC2 first, as Terraform does, must be able to read that there is none."""
    error = AwsError("NotImplemented", "there is no <ec2>", 501)
    response = error_response(error, place("", "ec2"))
    assert response.status == 400
    assert isinstance(response.body, bytes)
    root = ET.fromstring(response.body)
    assert root.tag == "Response"
    assert root.findtext("Errors/Error/Code") == "InvalidAction"
    assert root.findtext("Errors/Error/Message") == "there is no <ec2>"
    assert root.findtext("RequestID") == "id-1"


def test_s3() -> None:
    error = AwsError("NoSuchKey", "The specified key does not exist.", 404, Key="a<b")
    response = error_response(error, place("s3", "rest-xml", "GET", "/bucket/a%3Cb"))
    assert response.status == 404
    assert isinstance(response.body, bytes)
    root = ET.fromstring(response.body)
    assert {child.tag: child.text for child in root} == {
        "Code": "NoSuchKey",
        "Message": "The specified key does not exist.",
        "Key": "a<b",
        "Resource": "/bucket/a%3Cb",
        "RequestId": "id-1",
        "HostId": "id-1",
    }
    assert error_response(error, place("s3", "rest-xml", "HEAD")).body == b""
