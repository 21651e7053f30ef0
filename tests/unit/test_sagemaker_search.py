"""SearchExpression: which documents it means."""

from datetime import UTC, datetime
from typing import Any

import pytest

from flowmaker.aws.errors import AwsError
from flowmaker.sagemaker.api.expression import matches, sort_key, values

JOB = {
    "TrainingJobName": "xgb-1",
    "TrainingTimeInSeconds": 90,
    "EnableNetworkIsolation": True,
    "CreationTime": datetime(2026, 3, 1, tzinfo=UTC),
    "HyperParameters": {"eta": "0.3"},
    "FinalMetricDataList": [{"MetricName": "validation:rmse", "Value": 0.25}],
    "InputDataConfig": [
        {"ChannelName": "train", "Place": {"S3Uri": "s3://b/train"}},
        {"ChannelName": "validation", "Place": {"S3Uri": "s3://b/held"}},
    ],
    "Tags": [{"Key": "team", "Value": "vision"}],
}


def found(name: str, operator: str, value: str | None = None) -> bool:
    one = {"Name": name, "Operator": operator} | ({"Value": value} if value is not None else {})
    return matches(JOB, {"Filters": [one]})


@pytest.mark.parametrize(
    ("name", "operator", "value", "expected"),
    [
        ("TrainingJobName", "Equals", "xgb-1", True),
        ("TrainingJobName", "Equals", "xgb", False),
        ("Metrics.validation:rmse", "LessThan", "0.5", True),
        ("Metrics.validation:rmse", "GreaterThan", "0.5", False),
        ("TrainingJobName", "NotEquals", "xgb", True),
        ("TrainingJobName", "NotEquals", "xgb-1", False),
        ("TrainingJobName", "Contains", "gb", True),
        ("TrainingJobName", "In", "a, xgb-1", True),
        ("TrainingJobName", "In", "a,b", False),
        ("TrainingTimeInSeconds", "GreaterThan", "9", True),
        ("TrainingTimeInSeconds", "LessThan", "100", True),
        ("TrainingTimeInSeconds", "GreaterThanOrEqualTo", "90", True),
        ("TrainingTimeInSeconds", "LessThanOrEqualTo", "89.5", False),
        ("TrainingTimeInSeconds", "GreaterThan", "long", False),
        ("EnableNetworkIsolation", "Equals", "true", True),
        ("CreationTime", "GreaterThan", "2026-02-01T00:00:00", True),
        ("CreationTime", "LessThan", "1767225600", False),
        ("HyperParameters.eta", "Equals", "0.3", True),
        ("FinalMetricDataList.validation:rmse", "LessThan", "0.3", True),
        ("Tags.team", "Equals", "vision", True),
        ("Tags.owner", "Exists", None, False),
        ("Tags.owner", "NotExists", None, True),
        ("FailureReason", "Exists", None, False),
        ("InputDataConfig.ChannelName", "Equals", "validation", True),
    ],
)
def test_filters(name: str, operator: str, value: str | None, *, expected: bool) -> None:
    assert found(name, operator, value) is expected


def test_filters_are_joined() -> None:
    right = {"Name": "TrainingJobName", "Operator": "Equals", "Value": "xgb-1"}
    wrong = {**right, "Value": "no"}
    assert not matches(JOB, {"Filters": [right, wrong]})
    assert matches(JOB, {"Filters": [right, wrong], "Operator": "Or"})
    assert matches(JOB, {"SubExpressions": [{"Filters": [wrong]}, {}], "Operator": "Or"})
    assert not matches(JOB, {"Filters": [right], "SubExpressions": [{"Filters": [wrong]}]})
    assert matches(JOB, {}), "nothing is asked for"


@pytest.mark.parametrize(("uri", "expected"), [("held", True), ("train", False)])
def test_a_nested_filter_is_of_one_item(uri: str, *, expected: bool) -> None:
    name = "InputDataConfig"
    filters = [
        {"Name": f"{name}.ChannelName", "Operator": "Equals", "Value": "validation"},
        {"Name": f"{name}.Place.S3Uri", "Operator": "Contains", "Value": uri},
    ]
    expression = {"NestedFilters": [{"NestedPropertyName": name, "Filters": filters}]}
    assert matches(JOB, expression) is expected


@pytest.mark.parametrize(
    ("one", "words"),
    [
        ({"Name": "A", "Operator": "Exists", "Value": "1"}, "has no Value"),
        ({"Name": "A", "Operator": "Equals"}, "needs a Value"),
    ],
)
def test_filters_that_say_nothing(one: dict[str, Any], words: str) -> None:
    with pytest.raises(AwsError, match=words):
        matches(JOB, {"Filters": [one]})


def test_documents_are_sorted_with_those_first_that_lack_the_property() -> None:
    documents: list[dict[str, Any]] = [{"n": 10}, {}, {"n": 9}]
    documents.sort(key=lambda one: sort_key(one, "n"))
    assert documents == [{}, {"n": 9}, {"n": 10}]
    assert list(values(JOB, "Nothing.here")) == []
