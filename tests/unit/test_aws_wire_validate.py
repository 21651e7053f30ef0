"""Parameters that break the model are refused in AWS's words."""

from typing import Any

import pytest

from flowmaker.aws.errors import AwsError
from flowmaker.aws.protocol import models
from flowmaker.aws.protocol.parse import parse
from flowmaker.aws.protocol.parse_json import parse_json
from flowmaker.aws.protocol.parse_query import parse_query
from flowmaker.aws.protocol.parse_xml import parse_document
from flowmaker.aws.protocol.patterns import matches, translated
from flowmaker.aws.protocol.request import Request
from flowmaker.aws.protocol.route import route
from flowmaker.aws.protocol.validate import validate

SERVICES = ["ecr", "iam", "logs", "s3", "sagemaker", "sagemaker-runtime", "sts"]


def faults(service: str, operation: str, parameters: dict[str, Any]) -> str:
    model = models.load(service)
    with pytest.raises(AwsError) as caught:
        validate(model, model.operation_model(operation), parameters)
    return caught.value.message


def test_words() -> None:
    assert faults("sagemaker", "DescribeTrainingJob", {"TrainingJobName": "a_b"}) == (
        "1 validation error detected: Value 'a_b' at 'trainingJobName' failed to satisfy "
        "constraint: Member must satisfy regular expression pattern: "
        "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"
    )
    assert faults("sagemaker", "DescribeTrainingJob", {}) == (
        "1 validation error detected: Value null at 'trainingJobName' failed to satisfy "
        "constraint: Member must not be null"
    )
    long = "a" * 64
    assert faults("sagemaker", "DescribeTrainingJob", {"TrainingJobName": long}) == (
        f"1 validation error detected: Value '{long}' at 'trainingJobName' failed to satisfy "
        "constraint: Member must have length less than or equal to 63"
    )


def test_every_fault_is_named_with_its_place() -> None:
    message = faults(
        "sagemaker",
        "AddTags",
        {"ResourceArn": "arn:x", "Tags": [{"Key": "k", "Value": "v"}, {"Key": "!"}]},
    )
    assert message.startswith("3 validation errors detected: Value 'arn:x' at 'resourceArn' ")
    assert "; Value null at 'tags.2.member.value' failed" in message
    assert "; Value '!' at 'tags.2.member.key' failed" in message


def test_numbers_and_enumerations() -> None:
    assert "Member must have value less than or equal to 100" in faults(
        "sagemaker", "ListTrainingJobs", {"MaxResults": 101}
    )
    assert "Member must have value greater than or equal to 1" in faults(
        "sagemaker", "ListTrainingJobs", {"MaxResults": 0}
    )
    assert "Member must satisfy enum value set: [Ascending, Descending]" in faults(
        "sagemaker", "ListTrainingJobs", {"SortOrder": "Up"}
    )


def test_maps_and_their_keys() -> None:
    message = faults("sagemaker", "DescribeTrainingJob", {"TrainingJobName": ""})
    assert "length greater than" in message or "pattern" in message


def test_what_is_right_passes() -> None:
    model = models.load("sagemaker")
    for name in ("a", "a-b", "a" * 63, "A-0--9"):
        operation = model.operation_model("DescribeTrainingJob")
        validate(model, operation, {"TrainingJobName": name})
    tag = {"Key": "Équipe/2 @x", "Value": "日本 -"}
    arn = "arn:aws:sagemaker:eu-west-1:000000000000:endpoint/e"
    validate(model, model.operation_model("AddTags"), {"ResourceArn": arn, "Tags": [tag]})


def test_every_pattern_of_the_models_can_be_used() -> None:
    for service in SERVICES:
        model: Any = models.load(service)
        for name in model.shape_names:
            pattern = model.shape_for(name).metadata.get("pattern")
            if pattern:
                assert translated(pattern), (service, name)


def test_java_patterns() -> None:
    assert matches(r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)", "Ünïcode 日本 ½")
    assert not matches(r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)", "Ü!")
    assert matches(r"\p{ASCII}*", "abc~")
    assert not matches(r"\p{ASCII}*", "ü")
    assert matches(r"\A\S[\p{Print}]*\z", "a b")
    assert not matches(r"[\w]+", "ü")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"TrainingJobName": 1}', "1 at 'trainingJobName' is not a valid string."),
        (b'{"TrainingJobName": {}}', "{} at 'trainingJobName' is not a valid string."),
        (b"[]", "[] at '' is not a valid structure."),
        (b"{", "The request's body is not valid JSON."),
        (b'{"trainingJobName": "x"}', "'trainingJobName' is not a parameter that is known"),
        (b'{"TrainingJobName": "\\ud800"}', "The request's body is not valid JSON."),
        (b"[" * 100000, "The request's body is not valid JSON."),
    ],
)
def test_json_of_another_type(body: bytes, message: str) -> None:
    shape = models.load("sagemaker").operation_model("DescribeTrainingJob").input_shape
    with pytest.raises(AwsError) as caught:
        parse_json(shape, body)
    assert message in caught.value.message


@pytest.mark.parametrize("number", [b"1e400", b"2147483648", b"1.5", b"true", b'"1"', b"9" * 5000])
def test_numbers_that_are_no_integers(number: bytes) -> None:
    shape = models.load("sagemaker").operation_model("ListTrainingJobs").input_shape
    with pytest.raises(AwsError) as caught:
        parse_json(shape, b'{"MaxResults": ' + number + b"}")
    assert caught.value.code == "SerializationException"


def test_json_null_is_absent() -> None:
    shape = models.load("sagemaker").operation_model("ListTrainingJobs").input_shape
    assert parse_json(shape, b'{"NextToken": null}') == {}
    assert parse_json(shape, b"") == {}


@pytest.mark.parametrize(
    "form",
    [
        {"UserName": "u", "Nonsense": "1"},
        {"UserName": "u", "Tags.member.1.Nonsense": "1"},
        {"UserName": "u", "Tags.entry.1.Key": "1"},
        {"UserName": "u", "Tags.member.x.Key": "1"},
        {"UserName.member.1": "u"},
        {"UserName": "u", "Tags.member.1": "1"},
    ],
)
def test_forms_that_are_no_request(form: dict[str, str]) -> None:
    shape = models.load("iam").operation_model("CreateUser").input_shape
    with pytest.raises(AwsError):
        parse_query(shape, form)


def test_an_empty_list_in_a_form() -> None:
    shape = models.load("iam").operation_model("CreateUser").input_shape
    form = {"Action": "CreateUser", "Version": "x", "UserName": "u", "Tags": ""}
    assert parse_query(shape, form) == {"UserName": "u", "Tags": []}


BOMB = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>
<Tagging><TagSet><Tag><Key>&b;</Key><Value>v</Value></Tag></TagSet></Tagging>"""


@pytest.mark.parametrize(
    "body",
    [
        BOMB,
        b"<Tagging>",
        b"<Tagging><TagSet><Tag><Key>k</Key><Nonsense/></Tag></TagSet></Tagging>",
        b"<Tagging><TagSet><Tug><Key>k</Key></Tug></TagSet></Tagging>",
        b"<Tagging><TagSet><Tag><Key><a/></Key></Tag></TagSet></Tagging>",
        b"text",
        b"\xff\xfe",
    ],
)
def test_xml_that_is_not_of_the_schema(body: bytes) -> None:
    shape: Any = models.load("s3").operation_model("PutObjectTagging").input_shape
    with pytest.raises(AwsError) as caught:
        parse_document(shape.members["Tagging"], body)
    assert caught.value.code == "MalformedXML"


@pytest.mark.parametrize(
    ("operation", "parameters", "code"),
    [
        ("PutObject", {"Bucket": "b", "Key": "k", "ACL": "nonsense"}, "InvalidArgument"),
        ("CopyObject", {"Bucket": "b", "Key": "k"}, "InvalidRequest"),
        ("UploadPart", {"Bucket": "b", "Key": "k", "UploadId": "u"}, "InvalidArgument"),
        ("PutBucketTagging", {"Bucket": "b"}, "MissingRequestBodyError"),
        ("PutBucketTagging", {"Bucket": "b", "Tagging": {}}, "MalformedXML"),
        (
            "PutBucketVersioning",
            {"Bucket": "b", "VersioningConfiguration": {"Status": "On"}},
            "MalformedXML",
        ),
    ],
)
def test_s3_has_its_own_words(operation: str, parameters: dict[str, Any], code: str) -> None:
    model = models.load("s3")
    with pytest.raises(AwsError) as caught:
        validate(model, model.operation_model(operation), parameters)
    assert caught.value.code == code


def test_an_unknown_region_is_left_to_s3() -> None:
    model = models.load("s3")
    configuration = {"LocationConstraint": "us-east-1"}
    parameters = {"Bucket": "b", "CreateBucketConfiguration": configuration}
    validate(model, model.operation_model("CreateBucket"), parameters)


def test_words_in_headers_are_read_in_any_case() -> None:
    """As the C++ SDK, and so pyarrow, writes them."""
    model = models.load("s3")
    headers = (("host", "h"), ("x-amz-checksum-mode", "enabled"))
    request = Request(method="GET", path="/b/k", query_string="", header_list=headers)
    routed = route(model, request, {})
    parameters = parse(model, routed, request, b"", {})
    validate(model, routed.operation, parameters)
    assert parameters == {"Bucket": "b", "Key": "k", "ChecksumMode": "ENABLED"}
