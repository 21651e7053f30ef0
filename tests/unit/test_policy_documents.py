"""Documents that IAM refuses are refused, in its words and with the place."""

import json
from typing import Any

import pytest

from flowmaker.aws.auth import managed_policies
from flowmaker.aws.auth.policy import Kind, parse
from flowmaker.aws.errors import AwsError

GOOD: dict[str, Any] = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
TRUST: dict[str, Any] = {
    "Effect": "Allow",
    "Principal": {"Service": "sagemaker.amazonaws.com"},
    "Action": "sts:AssumeRole",
}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in GOOD.items() if key != name}


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("x", "Syntax errors in policy."),
        ({**GOOD, "Effect": "allow"}, "Effect must be Allow or Deny"),
        ({**GOOD, "Efect": "Allow"}, "there is no element Efect"),
        (without("Action"), "Policy statement must contain actions."),
        (without("Resource"), "Policy statement must contain resources."),
        ({**GOOD, "NotAction": "s3:*"}, "Action and NotAction exclude each other"),
        ({**GOOD, "Action": "GetObject"}, "must be prefaced by a vendor"),
        ({**GOOD, "Action": 5}, "Action must be a string or a list of strings"),
        ({**GOOD, "Resource": "my-bucket"}, 'my-bucket must be in ARN format or "*"'),
        ({**GOOD, "Principal": "*"}, "should not specify a principal"),
        ({**GOOD, "Sid": "not good"}, "must be alpha-numeric"),
        (
            {**GOOD, "Condition": {"StringSame": {"a:b": "c"}}},
            "Invalid Condition type : StringSame",
        ),
        ({**GOOD, "Condition": "x"}, "Condition must be a JSON object"),
        ([{**GOOD, "Sid": "A"}, {**GOOD, "Sid": "A"}], "must be unique"),
    ],
)
def test_refused(statement: Any, words: str) -> None:
    text = json.dumps({"Version": "2012-10-17", "Statement": statement})
    with pytest.raises(AwsError) as raised:
        parse(text)
    assert raised.value.code == "MalformedPolicyDocument"
    assert words in raised.value.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "This policy contains invalid Json"),
        ("[]", "must be a JSON object"),
        ("{}", "Missing required field Statement"),
        ('{"Statement": []}', "Missing required field Statement"),
        ('{"Version": "2026-01-01", "Statement": []}', "valid version string"),
        ('{"Statement": [], "Statment": []}', "There is no element Statment"),
        ('{"Statement": [], "Statement": []}', "twice"),
        ("[" * 100_000, "invalid Json"),
    ],
)
def test_refused_as_a_whole(text: str, words: str) -> None:
    with pytest.raises(AwsError) as raised:
        parse(text)
    assert words in raised.value.message


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ({**TRUST, "Resource": "*"}, "Has prohibited field Resource"),
        ({**TRUST, "Action": "s3:GetObject"}, "may only specify STS AssumeRole actions"),
        ({"Effect": "Allow", "Action": "sts:AssumeRole"}, "Missing required field Principal"),
        ({**TRUST, "Principal": {"AWS": "ann"}}, 'Invalid principal in policy: "AWS":"ann"'),
        ({**TRUST, "Principal": {"Services": "x"}}, "Invalid principal in policy"),
        ({**TRUST, "Principal": "ann"}, "Invalid principal in policy"),
    ],
)
def test_refused_as_trust(statement: Any, words: str) -> None:
    with pytest.raises(AwsError) as raised:
        parse(json.dumps({"Statement": statement}), Kind.TRUST)
    assert words in raised.value.message


def test_what_aws_publishes_is_read_as_it_stands() -> None:
    """Guards the layout of the data, and that the parser refuses nothing that AWS accepts."""
    names: list[str] = []
    for number, policy in enumerate(managed_policies.every()):
        names.append(policy.name)
        if number % 10 == 0:
            parse.__wrapped__(managed_policies.document(policy.arn))
    assert len(names) > 1000
    assert {
        "AdministratorAccess",
        "AmazonSageMakerFullAccess",
        "AmazonS3FullAccess",
        "AmazonEKSWorkerNodePolicy",
        "AmazonEC2ContainerRegistryReadOnly",
        "AmazonEKS_CNI_Policy",
    } <= set(names)


def test_one_of_them_is_found_by_its_arn() -> None:
    text = managed_policies.document("arn:aws:iam::aws:policy/AmazonSageMakerFullAccess")
    assert text is not None
    assert len(json.loads(text)["Statement"]) > 20
    assert managed_policies.find("arn:aws:iam::aws:policy/NoSuchPolicy") is None
    assert managed_policies.find("arn:aws:iam::aws:policy/wrong-path/AmazonS3FullAccess") is None
