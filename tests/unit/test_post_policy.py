"""What the policy of a form lets it be."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from flowmaker.aws.auth import post_policy
from flowmaker.aws.errors import AwsError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY = {"key": "user/a.txt"}


def policy(*conditions: object, expiration: Any = "2026-01-01T01:00:00Z") -> str:
    document = {"expiration": expiration, "conditions": list(conditions)}
    return base64.b64encode(json.dumps(document).encode()).decode()


def check(text: str, **fields: str) -> post_policy.Sizes:
    return post_policy.check(text, fields, "bucket", NOW)


@pytest.mark.parametrize(
    ("condition", "fields"),
    [
        ({"key": "user/a.txt"}, KEY),
        (["eq", "$Key", "user/a.txt"], KEY),
        (["starts-with", "$key", "user/"], KEY),
        (["starts-with", "$key", ""], KEY),
        (["starts-with", "$content-type", "image/"], {"content-type": "image/png, image/gif"}),
        ({"bucket": "bucket"}, {}),
        ({"bucket": "bucket"}, {"x-ignore-this": "1", "policy": "", "signature": "", "file": ""}),
    ],
)
def test_what_a_condition_lets_through(condition: object, fields: dict[str, str]) -> None:
    assert check(policy(condition), **fields) == post_policy.Sizes()


@pytest.mark.parametrize(
    ("condition", "fields", "said"),
    [
        ({"key": "other"}, KEY, 'Policy Condition failed: ["eq", "$key", "other"]'),
        ({"key": "user/a.txt"}, {}, "Policy Condition failed"),
        (["starts-with", "$key", "a"], KEY, 'failed: ["starts-with", "$key", "a"]'),
        (["starts-with", "$content-type", "image/"], {"content-type": "image/a,text/b"}, "failed"),
        ({"bucket": "another"}, {}, "failed"),
        ({"bucket": "bucket"}, {**KEY, "acl": "private"}, "Extra input fields: key, acl"),
    ],
)
def test_what_it_does_not(condition: object, fields: dict[str, str], said: str) -> None:
    with pytest.raises(AwsError) as refused:
        check(policy(condition), **fields)
    assert refused.value.code == "AccessDenied"
    assert said in refused.value.message


def test_how_large_the_file_may_be() -> None:
    assert check(policy(["content-length-range", 1, "10"])) == post_policy.Sizes(least=1, most=10)


def test_a_policy_ends() -> None:
    with pytest.raises(AwsError, match="Policy expired"):
        check(policy(expiration="2026-01-01T00:00:00Z"))


@pytest.mark.parametrize(
    "text",
    [
        "no base64!",
        base64.b64encode(b"no JSON").decode(),
        base64.b64encode(b"[]").decode(),
        base64.b64encode(b'{"expiration": "2027-01-01T00:00:00Z"}').decode(),
        policy(expiration=None),
        policy(expiration="soon"),
        policy("key"),
        policy(["like", "$key", "a"]),
        policy(["eq", "key", "a"]),
        policy(["eq", "$key"]),
        policy(["eq", "$key", 1]),
        policy({"key": ["a"]}),
        policy(["content-length-range", 1]),
        policy(["content-length-range", "a", "b"]),
    ],
)
def test_what_is_no_policy(text: str) -> None:
    with pytest.raises(AwsError) as refused:
        check(text, **KEY)
    assert refused.value.code == "InvalidPolicyDocument"
