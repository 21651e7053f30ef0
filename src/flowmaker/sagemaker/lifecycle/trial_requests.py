"""What a tuning job's request says of its trials: what is searched, and the jobs that it makes."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from flowmaker.sagemaker.lifecycle import suggestions
from flowmaker.sagemaker.records.tuning import Choice, NumberRange, Range, Scaling, Search

#: Members of a definition that a training job's request has, too.
_SHARED = (
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "VpcConfig",
    "OutputDataConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "CheckpointConfig",
    "RetryStrategy",
    "Environment",
)

#: Static hyperparameters that say how many epochs there are, and how many Hyperband takes.
_EPOCHS = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")
MOST_EPOCHS = 20_000


def definitions(request: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The training job definitions, whether there is one or several."""
    one = request.get("TrainingJobDefinition")
    return [one] if one else request.get("TrainingJobDefinitions", ())


def definition(request: Mapping[str, Any], search: Search) -> Mapping[str, Any]:
    """The definition that is searched."""
    name = search.definition
    return next(one for one in definitions(request) if one.get("DefinitionName", "") == name)


def searches(request: Mapping[str, Any]) -> list[Search]:
    """What is searched, for each definition."""
    config = request["HyperParameterTuningJobConfig"]
    found: list[Search] = []
    for one in definitions(request):
        objective = one.get("TuningObjective") or config.get("HyperParameterTuningJobObjective", {})
        ranges = one.get("HyperParameterRanges") or config.get("ParameterRanges", {})
        found.append(
            Search(
                definition=one.get("DefinitionName", ""),
                ranges=tuple(_ranges(ranges)),
                metric=objective.get("MetricName", ""),
                maximize=objective.get("Type") == "Maximize",
            )
        )
    return found


def _ranges(given: Mapping[str, Any]) -> list[Range]:
    """The ranges.

    Raises:
        ValueError: a bound is no number; the message names it.
    """
    members = (("IntegerParameterRanges", True), ("ContinuousParameterRanges", False))
    found: list[Range] = [
        NumberRange(
            name=one["Name"],
            low=_bound(one, "MinValue", integer=integer),
            high=_bound(one, "MaxValue", integer=integer),
            integer=integer,
            scaling=Scaling(one.get("ScalingType", "Auto")),
        )
        for member, integer in members
        for one in given.get(member, ())
    ]
    found += [
        Choice(name=one["Name"], values=tuple(one["Values"]))
        for one in given.get("CategoricalParameterRanges", ())
    ]
    return found


def _bound(one: Mapping[str, str], member: str, *, integer: bool) -> float:
    text = one[member]
    try:
        return int(text) if integer else float(text)
    except ValueError:
        kind = "an integer" if integer else "a number"
        raise ValueError(f"{member} of {one['Name']} is not {kind}: {text}") from None


def band(config: Mapping[str, Any], definition: Mapping[str, Any]) -> tuple[int, int]:
    """The fewest and the most epochs of Hyperband's trials.

    Contract: HyperbandStrategyConfig: MaxResource is taken from certain static hyperparameters
    where it is not given.

    Raises:
        ValueError: it is not known; or the bounds make no sense. The message says which.
    """
    given = config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {})
    least, most = given.get("MinResource", 1), given.get("MaxResource")
    static = definition.get("StaticHyperParameters", {})
    if most is None:
        most = next((int(static[one]) for one in _EPOCHS if static.get(one, "").isdecimal()), None)
    if most is None:
        raise ValueError(
            "MaxResource of HyperbandStrategyConfig is not given, and no static hyperparameter "
            f"says it: {', '.join(_EPOCHS)}"
        )
    if most > MOST_EPOCHS:
        raise ValueError(f"MaxResource must not be above {MOST_EPOCHS}; it is {most}")
    if least > most:
        raise ValueError(f"MinResource ({least}) must not be above MaxResource ({most})")
    return least, most


def trial_name(tuning_name: str, tuning_id: str, number: int) -> str:
    """What the training job of a trial is called: as AWS does, and the same each time."""
    digest = hashlib.sha256(f"{tuning_id}:{number}".encode()).hexdigest()[:8]
    return f"{tuning_name}-{number:03d}-{digest}"


def training_request(
    definition: Mapping[str, Any],
    search: Search,
    name: str,
    chosen: Mapping[str, str],
    *,
    built_in: bool,
) -> dict[str, Any]:
    """The request of the training job of a trial."""
    objective = {"_tuning_objective_metric": search.metric} if built_in else {}
    static: Mapping[str, str] = definition.get("StaticHyperParameters", {})
    return {
        "TrainingJobName": name,
        **{member: definition[member] for member in _SHARED if member in definition},
        "HyperParameters": {**static, **chosen, **objective},
        "ResourceConfig": resource_config(definition),
    }


def resource_config(definition: Mapping[str, Any]) -> Mapping[str, Any]:
    """Its ResourceConfig, or HyperParameterTuningResourceConfig as one; of several the first."""
    if resources := definition.get("ResourceConfig"):
        return resources
    given = definition.get("HyperParameterTuningResourceConfig", {})
    configs = given.get("InstanceConfigs")
    if configs:
        return dict(configs[0])
    members = ("InstanceType", "InstanceCount", "VolumeSizeInGB", "VolumeKmsKeyId")
    return {member: given[member] for member in members if member in given}


def example(search: Search, *, highest: bool) -> dict[str, str]:
    """Values at the ends of all ranges: what is wrong with these is wrong with the ranges."""
    found: dict[str, str] = {}
    for one in search.ranges:
        if isinstance(one, Choice):
            found[one.name] = one.values[-1 if highest else 0]
        else:
            value = one.high if highest else one.low
            found[one.name] = suggestions.text(value, integer=one.integer)
    return found
