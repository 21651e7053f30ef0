"""Every operator of IAM's condition reference, with and without the key."""

import json

import pytest

from flowmaker.aws.auth.evaluate import Policies, Policy, Request, evaluate
from flowmaker.aws.auth.policy import parse
from flowmaker.aws.auth.principals import Caller

ARN = "arn:aws:s3:::b/k"


def holds(operator: str, wanted: object, *present: str) -> bool:
    """Whether `{operator: {"my:key": wanted}}` holds when the request has these values."""
    statement = {
        "Effect": "Allow",
        "Action": "*",
        "Resource": "*",
        "Condition": {operator: {"My:Key": wanted}},
    }
    text = json.dumps({"Version": "2012-10-17", "Statement": statement})
    context = {"aws:username": ("ann",)} | ({"my:key": present} if present else {})
    request = Request(caller=Caller(account="1", arn="a"), action="s3:GetObject", context=context)
    return evaluate(request, Policies(identity=(Policy("p", parse(text)),))).allowed


@pytest.mark.parametrize(
    ("operator", "wanted", "fits", "fits_not"),
    [
        ("StringEquals", ["a", "b"], "b", "B"),
        ("StringEquals", "${aws:username}", "ann", "${aws:username}"),
        ("StringEquals", "a*", "a*", "ab"),
        ("StringEqualsIgnoreCase", "Ab", "aB", "abc"),
        ("StringLike", "a*c?", "abbcd", "abc"),
        ("StringLike", "${aws:username}/*", "ann/x", "bob/x"),
        ("NumericEquals", 5, "5.0", "6"),
        ("NumericLessThan", "5", "4.9", "5"),
        ("NumericLessThanEquals", "5", "5", "5.1"),
        ("NumericGreaterThan", "5", "6", "5"),
        ("NumericGreaterThanEquals", "5", "5", "x"),
        ("DateEquals", "2026-01-01T00:00:00Z", "1767225600", "2026-01-01T00:00:01Z"),
        ("DateLessThan", "2026-01-01", "2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z"),
        ("DateLessThanEquals", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-02-01"),
        ("DateGreaterThan", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-01"),
        ("DateGreaterThanEquals", "2026-01-01T00:00:00Z", "2026-01-01", "never"),
        ("Bool", True, "true", "false"),
        ("Bool", "TRUE", "True", "1"),
        ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", "QmluYXJz"),
        ("IpAddress", ["10.0.0.0/8", "2001:db8::/32"], "10.1.2.3", "11.1.2.3"),
        ("IpAddress", "203.0.113.7", "203.0.113.7", "somewhere"),
        ("ArnLike", "arn:aws:s3:::*/k", ARN, "arn:aws:s3:::b/l"),
        ("ArnLike", "arn:aws:*:::b/*", ARN, "arn:aws:s3:x::b/k"),
        ("ArnEquals", "arn:aws:s3:::b/?", ARN, "arn:aws:s3:::b/kk"),
        ("ArnLike", "arn:aws:s3:::${aws:username}/*", "arn:aws:s3:::ann/k", ARN),
    ],
)
def test_operator(operator: str, wanted: object, fits: str, fits_not: str) -> None:
    assert holds(operator, wanted, fits)
    assert not holds(operator, wanted, fits_not)
    assert not holds(operator, wanted)
    assert holds(f"{operator}IfExists", wanted)
    assert holds(f"{operator}IfExists", wanted, fits)
    assert not holds(f"{operator}IfExists", wanted, fits_not)


@pytest.mark.parametrize(
    ("operator", "wanted", "value", "other"),
    [
        ("StringNotEquals", ["a", "b"], "a", "c"),
        ("StringNotEqualsIgnoreCase", "a", "A", "b"),
        ("StringNotLike", "a*", "ab", "b"),
        ("NumericNotEquals", 5, "5", "6"),
        ("DateNotEquals", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2027-01-01"),
        ("NotIpAddress", "10.0.0.0/8", "10.0.0.1", "11.0.0.1"),
        ("ArnNotLike", "arn:aws:s3:::b/*", ARN, "arn:aws:s3:::c/k"),
        ("ArnNotEquals", ARN, ARN, "arn:aws:s3:::c/k"),
    ],
)
def test_negated_operator_holds_without_the_key(
    operator: str, wanted: object, value: str, other: str
) -> None:
    assert not holds(operator, wanted, value)
    assert holds(operator, wanted, other)
    assert holds(operator, wanted)


@pytest.mark.parametrize(
    ("operator", "present", "expected"),
    [
        ("ForAllValues:StringEquals", ("a", "b"), True),
        ("ForAllValues:StringEquals", ("a", "c"), False),
        ("ForAllValues:StringEquals", (), True),
        ("ForAnyValue:StringEquals", ("c", "a"), True),
        ("ForAnyValue:StringEquals", ("c", "d"), False),
        ("ForAnyValue:StringEquals", (), False),
        ("ForAllValues:StringNotEquals", ("c", "d"), True),
        ("ForAllValues:StringNotEquals", ("a", "d"), False),
        ("ForAnyValue:StringNotEquals", ("a", "d"), True),
        ("ForAnyValue:StringNotEquals", ("a", "b"), False),
        ("ForAnyValue:StringNotEquals", (), False),
        ("ForAnyValue:StringLikeIfExists", (), True),
    ],
)
def test_sets(operator: str, present: tuple[str, ...], expected: bool) -> None:
    assert holds(operator, ["a", "b"], *present) is expected


@pytest.mark.parametrize(
    ("operator", "key", "value"),
    [
        ("NumericEquals", "aws:number", "5"),
        ("DateEquals", "aws:moment", "2026-01-01"),
        ("IpAddress", "aws:address", "10.0.0.1"),
        ("BinaryEquals", "aws:bytes", "QQ=="),
        ("StringEquals", "aws:text", "a"),
        ("Bool", "aws:flag", "true"),
    ],
)
def test_variables_are_those_of_texts_arns_and_booleans(
    operator: str, key: str, value: str
) -> None:
    statement = {
        "Effect": "Allow",
        "Action": "*",
        "Resource": "*",
        "Condition": {operator: {"my:key": f"${{{key}}}"}},
    }
    document = parse(json.dumps({"Version": "2012-10-17", "Statement": statement}))
    context = {key: (value,), "my:key": (value,)}
    request = Request(caller=Caller(account="1", arn="a"), action="x:Y", context=context)
    decision = evaluate(request, Policies(identity=(Policy("p", document),)))
    assert decision.allowed is (operator in ("StringEquals", "Bool"))


def test_null_asks_for_presence() -> None:
    assert holds("Null", "true")
    assert not holds("Null", "true", "x")
    assert holds("Null", False, "x")
    assert not holds("Null", "false")


def test_all_conditions_must_hold() -> None:
    statement = {
        "Effect": "Allow",
        "Action": "*",
        "Resource": "*",
        "Condition": {"StringEquals": {"k:a": "1", "k:b": "2"}, "Bool": {"k:c": "true"}},
    }
    document = parse(json.dumps({"Statement": [statement]}))
    context = {"k:a": ("1",), "k:b": ("2",), "k:c": ("true",)}
    for left_out in (None, "k:a", "k:b", "k:c"):
        some = {key: value for key, value in context.items() if key != left_out}
        request = Request(caller=Caller(account="1", arn="a"), action="x:Y", context=some)
        decision = evaluate(request, Policies(identity=(Policy("p", document),)))
        assert decision.allowed is (left_out is None)
