"""What a tuning job does next, and which hyperparameters its trials get."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flowmaker.sagemaker.lifecycle import suggestions, trial_requests, tuning
from flowmaker.sagemaker.lifecycle.tuning import Limits, decide, is_hopeless, is_outrun
from flowmaker.sagemaker.records.tuning import (
    Choice,
    Counts,
    NumberRange,
    Scaling,
    Search,
    Trial,
    TuningState,
)

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
LIMIT = Limits(trials=10, parallel=3)


def decided(
    counts: Counts, limit: Limits = LIMIT, state: TuningState | None = None, after: float = 0
) -> tuple[int, bool, str, bool]:
    """Trials to make, whether to stop those that run, the ending, and whether it has ended."""
    found = decide(state or TuningState(), limit, counts, BEGUN, BEGUN + timedelta(seconds=after))
    return found.make, found.stop, found.state.ending, found.state.ended_at is not None


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (Counts(), (3, False, "", False)),
        (Counts(made=3), (0, False, "", False)),
        (Counts(made=3, completed=1), (1, False, "", False)),
        (Counts(made=9, completed=8), (1, False, "", False)),
        (Counts(made=10, completed=8), (0, False, "", False)),
        (Counts(made=10, completed=9, failed=1), (0, False, "Completed", True)),
        (Counts(made=5, failed=5), (0, False, "Failed", True)),
        (Counts(made=5, failed=4), (2, False, "", False)),
        (Counts(made=6, failed=5), (0, True, "Failed", False)),
        (Counts(made=6, failed=5, completed=1), (3, False, "", False)),
    ],
)
def test_trials_are_made_until_all_are(
    counts: Counts, expected: tuple[int, bool, str, bool]
) -> None:
    assert decided(counts) == expected


def test_a_stopped_job_ends_when_its_trials_have() -> None:
    state = TuningState(stop_requested=True)
    assert tuning.status(state) == "Stopping"
    assert decided(Counts(made=3, completed=2), state=state) == (0, True, "Stopped", False)
    assert decided(Counts(made=3, completed=3), state=state) == (0, False, "Stopped", True)


@pytest.mark.parametrize(
    ("limit", "counts", "after", "ends"),
    [
        (Limits(trials=9, parallel=1, seconds=60), Counts(made=1), 59, False),
        (Limits(trials=9, parallel=1, seconds=60), Counts(made=1), 60, True),
        (Limits(trials=9, parallel=1, target=0.1), Counts(made=1, completed=1, best=0.2), 0, False),
        (Limits(trials=9, parallel=1, target=0.1), Counts(made=1, completed=1, best=0.1), 0, True),
        (
            Limits(trials=9, parallel=1, target=0.9, maximize=True),
            Counts(made=1, completed=1, best=0.8),
            0,
            False,
        ),
        (
            Limits(trials=9, parallel=1, not_improving=3),
            Counts(made=4, completed=4, best=1, since_best=3),
            0,
            True,
        ),
        (
            Limits(trials=99, parallel=1, converges=True),
            Counts(made=31, completed=31, best=1, since_best=30),
            0,
            True,
        ),
    ],
)
def test_criteria_of_completion(limit: Limits, counts: Counts, after: float, *, ends: bool) -> None:
    make, stop, ending, _ = decided(counts, limit, after=after)
    assert (ending == "Completed") is ends
    assert (make == 0 and stop == bool(counts.open)) or not ends


def ended(number: int, ending: str, objective: float | None) -> Trial:
    return Trial(
        number=number,
        job_id=str(number),
        name=str(number),
        definition="",
        chosen={},
        created_at=BEGUN,
        ending=ending,
        objective=objective,
    )


@pytest.mark.parametrize(("maximize", "best", "since"), [(True, 0.7, 1), (False, 0.2, 2)])
def test_trials_are_counted_as_they_end(best: float, since: int, *, maximize: bool) -> None:
    series = [("Completed", 0.5), ("Stopped", 0.2), ("Failed", None), ("Completed", 0.7)]
    trials = [ended(number, *each) for number, each in enumerate(series)]
    counts = tuning.counted(Counts(made=6), trials, maximize=maximize)
    counts = tuning.counted(counts, [ended(4, "Completed", 0.7)], maximize=maximize)
    assert (counts.completed, counts.failed, counts.stopped, counts.open) == (3, 1, 1, 1)
    assert (counts.measured, counts.best, counts.since_best) == (4, best, since)


def test_a_deadline_is_waited_for() -> None:
    limit = Limits(trials=9, parallel=1, seconds=60)
    found = decide(TuningState(), limit, Counts(made=1), BEGUN, BEGUN + timedelta(seconds=20))
    assert found.within == 40


RANGES = (
    NumberRange(name="plain", low=-1, high=1, integer=False),
    NumberRange(name="wide", low=1e-4, high=1, integer=False),
    NumberRange(name="whole", low=2, high=5, integer=True),
    NumberRange(
        name="near one", low=0.5, high=0.999, integer=False, scaling=Scaling.REVERSE_LOGARITHMIC
    ),
    Choice(name="word", values=("a", "b", "c")),
)


def test_values_at_random_are_within_their_ranges_and_spread_as_scaled() -> None:
    found = [suggestions.at_random(RANGES, 1, number) for number in range(400)]
    assert found[7] == suggestions.at_random(RANGES, 1, 7), "the same each time"
    assert found[7] != suggestions.at_random(RANGES, 2, 7)
    assert {one["whole"] for one in found} == {"2", "3", "4", "5"}
    assert {one["word"] for one in found} == {"a", "b", "c"}
    wide = [float(one["wide"]) for one in found]
    assert min(wide) >= 1e-4
    below = sum(value < 1e-2 for value in wide) / len(wide)
    assert below == pytest.approx(0.5, abs=0.1), "logarithmic, for its ends are far apart"
    near = [float(one["near one"]) for one in found]
    middle = 1 - math.sqrt(0.5 * 0.001)
    assert sum(value > middle for value in near) / len(near) == pytest.approx(0.5, abs=0.1)
    assert all(0.5 <= value <= 0.999 for value in near)


def test_a_grid_has_every_combination_once_of_each_definition() -> None:
    ab, c = Choice(name="x", values=("a", "b")), Choice(name="y", values=("1", "2", "3"))
    searches = [
        Search(definition="one", ranges=(ab, c), metric="m", maximize=True),
        Search(definition="two", ranges=(ab,), metric="m", maximize=True),
    ]
    found = [suggestions.of_grid(searches, number) for number in range(1, 9)]
    assert found[:6] == [{"x": x, "y": y} for x in "ab" for y in "123"]
    assert found[6:] == [{"x": "a"}, {"x": "b"}]
    of = [suggestions.search_of(searches, n, grid=True).definition for n in range(1, 9)]
    assert of == ["one"] * 6 + ["two"] * 2
    with pytest.raises(ValueError, match="no combination 9"):
        suggestions.of_grid(searches, 9)


def test_a_trial_is_hopeless_when_its_best_is_worse_than_the_median_of_the_others() -> None:
    others = [[0.5, 0.3], [0.5, 0.4], [0.6, 0.5]]
    assert is_hopeless([0.9, 0.8], others, maximize=False)
    assert not is_hopeless([0.9, 0.1], others, maximize=False)
    assert not is_hopeless([0.9, 0.8], others, maximize=True)
    assert not is_hopeless([0.9, 0.8], others[:2], maximize=False), "too few to compare with"
    assert not is_hopeless([0.9], others, maximize=False), "one epoch is no trend"


def test_only_the_best_third_passes_a_rung() -> None:
    others = [[0.1] * 3, [0.2] * 3, [0.3] * 3]
    band = {"least": 3, "most": 27}
    assert is_outrun([0.9] * 3, others, maximize=False, **band)
    assert not is_outrun([0.05] * 3, others, maximize=False, **band)
    assert not is_outrun([0.9] * 2, others, maximize=False, **band), "not at a rung yet"
    assert not is_outrun([0.9] * 8, [[0.1] * 3], maximize=False, **band), "nobody else there"
    assert is_outrun([0.1] * 3, others, maximize=True, **band)


def test_no_trial_of_a_band_goes_on_beyond_its_most_epochs() -> None:
    band = {"maximize": False, "least": 1, "most": 4}
    assert is_outrun([0.1] * 5, [], **band)
    assert not is_outrun([0.1] * 4, [], **band), "it may just be ending"


@pytest.mark.parametrize(
    ("given", "static", "expected"),
    [
        ({"MinResource": 2, "MaxResource": 9}, {}, (2, 9)),
        ({"MaxResource": 9}, {"epochs": "7"}, (1, 9)),
        ({"MinResource": 2}, {"n-epochs": "7"}, (2, 7)),
        ({}, {"num_epochs": "7"}, (1, 7)),
    ],
)
def test_a_band_is_given_or_follows_from_the_epochs(
    given: dict[str, int], static: dict[str, str], expected: tuple[int, int]
) -> None:
    config = {"StrategyConfig": {"HyperbandStrategyConfig": given}}
    assert trial_requests.band(config, {"StaticHyperParameters": static}) == expected


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"MinResource": 2}, "MaxResource of HyperbandStrategyConfig is not given"),
        ({"MaxResource": 20_001}, "must not be above 20000"),
        ({"MinResource": 3, "MaxResource": 2}, "must not be above MaxResource"),
    ],
)
def test_bands_that_cannot_be(given: dict[str, int], words: str) -> None:
    config = {"StrategyConfig": {"HyperbandStrategyConfig": given}}
    with pytest.raises(ValueError, match=words):
        trial_requests.band(config, {})


def request() -> dict[str, Any]:
    return {
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "auc"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 7, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": {
                "IntegerParameterRanges": [{"Name": "n", "MinValue": "1", "MaxValue": "9"}],
                "CategoricalParameterRanges": [{"Name": "w", "Values": ["a", "b"]}],
            },
            "TuningJobCompletionCriteria": {
                "BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 5}
            },
        },
        "TrainingJobDefinition": {
            "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
            "RoleArn": "role",
            "StaticHyperParameters": {"fixed": "1"},
            "StoppingCondition": {"MaxRuntimeInSeconds": 9},
            "OutputDataConfig": {"S3OutputPath": "s3://b"},
            "HyperParameterTuningResourceConfig": {
                "InstanceType": "ml.m5.large",
                "InstanceCount": 2,
                "VolumeSizeInGB": 3,
            },
        },
    }


def test_a_request_becomes_a_search_and_training_jobs() -> None:
    (search,) = trial_requests.searches(request())
    assert (search.metric, search.maximize) == ("auc", True)
    assert [one.name for one in search.ranges] == ["n", "w"]
    limit = tuning.limits(request()["HyperParameterTuningJobConfig"], [search])
    assert (limit.trials, limit.parallel, limit.not_improving) == (7, 2, 5)
    definition = request()["TrainingJobDefinition"]
    made = trial_requests.training_request(
        definition, search, "name", {"n": "3", "w": "a"}, built_in=True
    )
    assert made["HyperParameters"] == {
        "fixed": "1",
        "n": "3",
        "w": "a",
        "_tuning_objective_metric": "auc",
    }
    assert made["ResourceConfig"] == {
        "InstanceType": "ml.m5.large",
        "InstanceCount": 2,
        "VolumeSizeInGB": 3,
    }
    assert trial_requests.example(search, highest=True) == {"n": "9", "w": "b"}


def test_names_of_trials_are_always_the_same_and_short_enough() -> None:
    name = trial_requests.trial_name("t" * 32, "id", 10_000)
    assert name == trial_requests.trial_name("t" * 32, "id", 10_000)
    assert len(name) <= 63
    assert trial_requests.trial_name("job", "id", 1).startswith("job-001-")


def test_a_bound_that_is_no_number_is_named() -> None:
    bad = request()
    ranges = bad["HyperParameterTuningJobConfig"]["ParameterRanges"]
    ranges["IntegerParameterRanges"][0]["MaxValue"] = "many"
    with pytest.raises(ValueError, match="MaxValue of n is not an integer: many"):
        trial_requests.searches(bad)
