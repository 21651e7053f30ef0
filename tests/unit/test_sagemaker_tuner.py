"""The tuner: what Optuna suggests, from nothing but what it is told."""

from typing import Any

from flowmaker.sagemaker.tuner.suggesting import suggest

RANGES = [
    {"name": "x", "low": 0.0, "high": 1.0, "integer": False, "scaling": "Linear"},
    {"name": "n", "low": 1, "high": 9, "integer": True, "scaling": "Linear"},
    {"name": "r", "low": 0.0, "high": 0.99, "integer": False, "scaling": "ReverseLogarithmic"},
    {"name": "w", "values": ["a", "b"]},
]


def question(**given: Any) -> dict[str, Any]:
    nothing: dict[str, Any] = {"known": [], "tried": [], "count": 1}
    return {"seed": "s", "maximize": False, "ranges": RANGES, **nothing, **given}


def trial(x: float, objective: float) -> dict[str, Any]:
    return {"values": {"x": x, "n": 5.0, "r": 0.5, "w": "a"}, "objective": objective}


def test_suggestions_are_within_their_ranges_and_the_same_again() -> None:
    found = suggest(question(count=20))
    assert found == suggest(question(count=20))
    for one in found:
        assert 0 <= float(one["x"]) <= 1
        assert 1 <= float(one["n"]) <= 9
        assert 0 <= float(one["r"]) <= 0.99 + 1e-9
        assert one["w"] in ("a", "b")


def test_a_search_goes_where_it_was_better() -> None:
    known = [trial(number / 40, abs(number / 40 - 0.25)) for number in range(40)]
    found = [float(one["x"]) for one in suggest(question(known=known, count=10))]
    assert sum(abs(x - 0.25) < 0.25 for x in found) >= 7


def test_results_of_a_parent_with_other_ranges_are_left_out() -> None:
    known = [trial(3.0, 0.1), {"values": {"x": 0.5}, "objective": 0.2}]
    assert suggest(question(known=known)) == suggest(question())
