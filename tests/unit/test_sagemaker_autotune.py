"""The ranges that Autotune chooses, and what it leaves as it was given."""

from typing import Any

import pytest

from flowmaker.aws.errors import AwsError
from flowmaker.sagemaker.api.autotune import autotuned
from flowmaker.sagemaker.lifecycle import trial_requests
from flowmaker.sagemaker.records.tuning import NumberRange

XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
OWN = "000000000000.dkr.ecr.us-east-1.amazonaws.com/mine:1"


def request(
    image: str, ranges: dict[str, Any], static: dict[str, str] | None = None, mode: str = "Enabled"
) -> dict[str, Any]:
    return {
        "Autotune": {"Mode": mode},
        "HyperParameterTuningJobConfig": {"Strategy": "Random", "ParameterRanges": ranges},
        "TrainingJobDefinition": {
            "AlgorithmSpecification": {"TrainingImage": image},
            "StaticHyperParameters": static or {},
        },
    }


def auto(**hints: str) -> dict[str, Any]:
    return {"AutoParameters": [{"Name": name, "ValueHint": hint} for name, hint in hints.items()]}


def bounds(given: dict[str, Any]) -> dict[str, tuple[float, float]]:
    (search,) = trial_requests.searches(given)
    return {one.name: (one.low, one.high) for one in search.ranges if isinstance(one, NumberRange)}


def test_of_a_built_in_algorithm_the_tunable_get_a_range_and_the_rest_keep_their_example() -> None:
    found = dict(
        autotuned(request(XGBOOST, auto(eta="0.2", objective="reg:linear"), {"seed": "1"}))
    )
    assert bounds(found) == {"eta": (0.1, 0.5)}
    static = found["TrainingJobDefinition"]["StaticHyperParameters"]
    assert static == {"seed": "1", "objective": "reg:linear"}


def test_ranges_that_are_given_are_kept_beside_those_that_are_chosen() -> None:
    given = {"IntegerParameterRanges": [{"Name": "max_depth", "MinValue": "2", "MaxValue": "3"}]}
    found = dict(autotuned(request(XGBOOST, given | auto(eta="0.2"))))
    assert bounds(found) == {"max_depth": (2, 3), "eta": (0.1, 0.5)}
    assert bounds(dict(autotuned(request(XGBOOST, given)))) == {"max_depth": (2, 3)}


def test_where_nothing_may_be_tuned_of_what_is_named_all_else_is() -> None:
    found = bounds(dict(autotuned(request(XGBOOST, auto(objective="reg:linear"), {"eta": "1"}))))
    assert {"alpha", "num_round"} < found.keys()
    assert "eta" not in found, "it is static"


def test_numbers_of_an_own_image_are_searched_around_their_example() -> None:
    hints = auto(
        layers="20", rate="0.02", momentum="0.9", name="adam", sagemaker_port="80", zero="0"
    )
    found = dict(autotuned(request(OWN, hints)))
    assert bounds(found) == {
        "layers": (2, 200),
        "rate": (pytest.approx(0.002), pytest.approx(0.2)),
        "momentum": (pytest.approx(0.09), 1.0),
    }
    static = found["TrainingJobDefinition"]["StaticHyperParameters"]
    assert static == {"name": "adam", "sagemaker_port": "80", "zero": "0"}


def test_each_of_several_definitions_gets_ranges_of_its_own() -> None:
    one = request(XGBOOST, {})["TrainingJobDefinition"]
    both = [
        {**one, "DefinitionName": "a", "HyperParameterRanges": auto(eta="0.2")},
        {**one, "DefinitionName": "b", "HyperParameterRanges": auto(alpha="1")},
    ]
    asked = {**request(XGBOOST, {}), "TrainingJobDefinitions": both}
    del asked["TrainingJobDefinition"]
    searches = trial_requests.searches(autotuned(asked))
    assert [[one.name for one in search.ranges] for search in searches] == [["eta"], ["alpha"]]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (request(XGBOOST, auto(eta="0.2"), mode=""), "AutoParameters need Autotune"),
        (request(OWN, auto(name="adam")), "Autotune finds no hyperparameter to tune"),
    ],
)
def test_what_autotune_cannot_choose_is_refused(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(AwsError, match=words):
        autotuned(asked)
