"""What a tuning job's request must be like. The words are AWS's where it has words for it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flowmaker.aws.errors import AwsError, validation
from flowmaker.aws.service import Call
from flowmaker.sagemaker.algorithms import registry
from flowmaker.sagemaker.algorithms.registry import BuiltIn
from flowmaker.sagemaker.lifecycle import trial_requests, tuning
from flowmaker.sagemaker.records.tuning import Choice, NumberRange, Scaling, Search


def check(call: Call) -> list[Search]:
    """What is searched, when the request makes sense.

    Raises:
        AwsError: it does not.
    """
    request = call.parameters
    _check_shape(request)
    config = request["HyperParameterTuningJobConfig"]
    definitions = trial_requests.definitions(request)
    try:
        searches = trial_requests.searches(request)
        if config["Strategy"] == "Hyperband":
            for definition in definitions:
                trial_requests.band(config, definition)
    except ValueError as error:
        raise validation(str(error)) from None
    for definition, search in zip(definitions, searches, strict=True):
        _check_search(definition, search, config["Strategy"])
    if len({one.maximize for one in searches}) > 1:
        raise validation(
            "The TuningObjective of all TrainingJobDefinitions must have the same Type: of their "
            "training jobs one is the best"
        )
    _check_limits(request, searches)
    return searches


def _check_shape(request: Mapping[str, Any]) -> None:
    one, several = request.get("TrainingJobDefinition"), request.get("TrainingJobDefinitions")
    if bool(one) == bool(several):
        raise validation("Give either TrainingJobDefinition or TrainingJobDefinitions")
    config = request["HyperParameterTuningJobConfig"]
    strategy = config["Strategy"]
    if several:
        names = [definition.get("DefinitionName") for definition in several]
        if None in names or len(set(names)) < len(names):
            raise validation("Each of TrainingJobDefinitions needs a DefinitionName of its own")
    if strategy == "Hyperband" and config.get("TrainingJobEarlyStoppingType") == "Auto":
        raise validation(
            "TrainingJobEarlyStoppingType Auto is not supported with the Hyperband strategy, which "
            "stops training jobs early itself"
        )
    if config.get("StrategyConfig") and strategy != "Hyperband":
        raise validation(f"StrategyConfig is for Hyperband; the Strategy is {strategy}")


def _check_limits(request: Mapping[str, Any], searches: Sequence[Search]) -> None:
    config = request["HyperParameterTuningJobConfig"]
    resources = config["ResourceLimits"]
    most = resources.get("MaxNumberOfTrainingJobs")
    if config["Strategy"] == "Grid":
        size = sum(tuning.grid_size(one.ranges) for one in searches)
        if most not in (None, size):
            raise validation(
                f"MaxNumberOfTrainingJobs must be {size} for this grid, or left out; it is {most}"
            )
        most = size
    elif most is None:
        raise validation("MaxNumberOfTrainingJobs is required")
    for value, limit, what in (
        (most, tuning.MOST_TRIALS, "Number of training jobs"),
        (resources["MaxParallelTrainingJobs"], tuning.MOST_PARALLEL, "Number of parallel jobs"),
    ):
        if value > limit:
            raise AwsError(
                "ResourceLimitExceeded",
                f"The account-level service limit '{what} for a tuning job' is {limit}, with a "
                f"request of {value}.",
            )


def _check_search(definition: Mapping[str, Any], search: Search, strategy: str) -> None:
    if not search.metric:
        raise validation("An objective with a MetricName is required")
    if not search.ranges:
        raise validation("At least one parameter range is required")
    _check_names(definition, search)
    if strategy == "Grid" and not all(isinstance(one, Choice) for one in search.ranges):
        raise validation("The Grid strategy takes categorical ranges alone")
    for one in search.ranges:
        if isinstance(one, NumberRange):
            _check_range(one)
    builtin = registry.find_algorithm(definition)
    if builtin is None:
        _check_own_metric(definition, search)
    else:
        _check_tunable(definition, search, builtin)


def _check_names(definition: Mapping[str, Any], search: Search) -> None:
    names = [one.name for one in search.ranges]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise validation(f"Several ranges for the hyperparameters [{', '.join(twice)}]")
    both = sorted(set(names) & set(definition.get("StaticHyperParameters", {})))
    if both:
        raise validation(
            f"The hyperparameters [{', '.join(both)}] are static and have a range: choose one"
        )


def _check_range(one: NumberRange) -> None:
    if one.low > one.high:
        raise validation(
            f"MinValue of {one.name} ({one.low:g}) must not be above its MaxValue ({one.high:g})"
        )
    if one.scaling is Scaling.LOGARITHMIC and one.low <= 0:
        raise validation(f"Logarithmic scaling of {one.name} needs a MinValue above 0")
    if one.scaling is Scaling.REVERSE_LOGARITHMIC and (
        one.integer or not 0 <= one.low <= one.high < 1
    ):
        raise validation(
            f"ReverseLogarithmic scaling of {one.name} needs continuous values from 0 to below 1"
        )


def is_built_in(definition: Mapping[str, Any]) -> bool:
    """Whether the service tells the algorithm its objective."""
    return registry.find_algorithm(definition) is not None


def _check_own_metric(definition: Mapping[str, Any], search: Search) -> None:
    listed = definition.get("AlgorithmSpecification", {}).get("MetricDefinitions", ())
    if search.metric not in {one["Name"] for one in listed}:
        raise validation(
            f"The objective metric {search.metric} is none of the MetricDefinitions of the "
            "AlgorithmSpecification. Define its Regex there."
        )


def _check_tunable(definition: Mapping[str, Any], search: Search, builtin: BuiltIn) -> None:
    what, image = registry.tuning_of(builtin), definition["AlgorithmSpecification"]["TrainingImage"]
    fixed = sorted({one.name for one in search.ranges} - set(what.ranges))
    if fixed:
        raise validation(
            "The hyperparameter tuning job you requested has the following untunable "
            f"hyperparameters: [{', '.join(fixed)}]. For the algorithm, {image}, you can tune only "
            f"[{', '.join(sorted(what.ranges))}]. Delete untunable hyperparameters."
        )
    name = search.metric.partition("@")[0]
    if name not in what.objectives:
        raise validation(
            f"The objective metric for the hyperparameter tuning job, [{search.metric}], isn't "
            f"valid for the [{image}] algorithm. Choose a valid objective metric: "
            f"{', '.join(sorted(what.objectives))}."
        )
    wanted = "Maximize" if search.maximize else "Minimize"
    if what.objectives[name] != wanted:
        raise validation(
            f"The objective metric type, [{wanted}], that you specified for objective metric, "
            f"[{search.metric}], isn't valid for the [{image}] algorithm. Choose a valid objective "
            f"metric type: {what.objectives[name]}."
        )


def training_calls(call: Call, searches: Sequence[Search]) -> list[Call]:
    """Requests of training jobs at the ends of all ranges, as CreateTrainingJob would get them."""
    found: list[Call] = []
    definitions = trial_requests.definitions(call.parameters)
    for definition, search in zip(definitions, searches, strict=True):
        for highest in (False, True):
            chosen = trial_requests.example(search, highest=highest)
            request = trial_requests.training_request(
                definition, search, "example", chosen, built_in=is_built_in(definition)
            )
            found.append(replace(call, operation="CreateTrainingJob", parameters=request))
    return found
