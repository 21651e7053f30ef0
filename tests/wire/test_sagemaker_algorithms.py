"""Amazon's own algorithms, from the SDK's classes to their predictors' answers."""

from pathlib import Path

import pytest

from tests.house import House

SCRIPT = Path(__file__).with_name("sagemaker_algorithms_script.py")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

#: By algorithm and part of the answer, a list of numbers for each point.
Seen = dict[str, dict[str, list[list[float]]]]


@pytest.fixture(scope="module")
def seen(server: House, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return server.run_script(SCRIPT, tmp_path_factory.mktemp("sdk"))[1]


@pytest.mark.parametrize("name", ["linear-learner", "factorization-machines", "knn"])
def test_classifiers_tell_the_clouds_apart(seen: Seen, name: str) -> None:
    assert seen[name]["predicted_label"] == [[0.0]] * 30 + [[1.0]] * 30


def test_the_largest_component_is_between_the_clouds(seen: Seen) -> None:
    largest = [projection[-1] for projection in seen["pca"]["projection"]]
    first, second = largest[:30], largest[30:]
    assert max(first) < min(second) or max(second) < min(first)


def test_what_is_far_from_all_points_is_strange(seen: Seen) -> None:
    *usual, strange = (score[0] for score in seen["randomcutforest"]["score"])
    assert strange > 2 * max(usual)
