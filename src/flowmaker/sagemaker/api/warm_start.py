"""Whether a tuning job may start from the results of another.

Contract: `WarmStartType`: the objective is that of all parents, and the number of static and tuned
hyperparameters together is theirs; with IdenticalDataAndAlgorithm the training image is, too.
"""

from collections.abc import Mapping
from typing import Any

from flowmaker.aws.errors import validation
from flowmaker.sagemaker.lifecycle import trial_requests
from flowmaker.sagemaker.records.resource import Resource
from flowmaker.sagemaker.records.tuning import Search


def check(request: Mapping[str, Any], parent: Resource) -> None:
    """Nothing, when the parent fits.

    Raises:
        AwsError: it has not ended, or its trials say nothing of this job's.
    """
    if parent.open:
        raise _refused(parent, f"is {parent.status}: it must have ended")
    _check_objectives(request, parent)
    ours, theirs = _hyperparameters(request), _hyperparameters(parent.request)
    if not ours & theirs:
        raise _refused(
            parent,
            f"has {_listed(theirs)} static and tuned hyperparameters, this one "
            f"{_listed(ours)}: the total number must be the same",
        )
    if request["WarmStartConfig"]["WarmStartType"] == "IdenticalDataAndAlgorithm":
        _check_images(request, parent)


def _check_objectives(request: Mapping[str, Any], parent: Resource) -> None:
    theirs = {(one.metric, one.maximize) for one in trial_requests.searches(parent.request)}
    for one in trial_requests.searches(request):
        if (one.metric, one.maximize) not in theirs:
            told = ", ".join(f"{_type(way)} {metric}" for metric, way in sorted(theirs))
            raise _refused(
                parent,
                f"has the objective {told}, this one {_type(one.maximize)} {one.metric}: "
                "it must be the same",
            )


def _check_images(request: Mapping[str, Any], parent: Resource) -> None:
    ours, theirs = _images(request), _images(parent.request)
    if not ours <= theirs:
        raise _refused(
            parent,
            f"has the training image {', '.join(sorted(theirs))}, this one "
            f"{', '.join(sorted(ours))}: with IdenticalDataAndAlgorithm it must be the same",
        )


def _hyperparameters(request: Mapping[str, Any]) -> set[int]:
    """How many each definition has, static and tuned."""
    pairs = zip(trial_requests.definitions(request), trial_requests.searches(request), strict=True)
    return {_count(definition, search) for definition, search in pairs}


def _count(definition: Mapping[str, Any], search: Search) -> int:
    return len(definition.get("StaticHyperParameters", {})) + len(search.ranges)


def _images(request: Mapping[str, Any]) -> set[str]:
    return {
        one["AlgorithmSpecification"].get("TrainingImage", "")
        for one in trial_requests.definitions(request)
    }


def _type(maximize: bool) -> str:  # noqa: FBT001 - it is the value itself
    return "Maximize" if maximize else "Minimize"


def _listed(counts: set[int]) -> str:
    return " or ".join(str(one) for one in sorted(counts))


def _refused(parent: Resource, why: str) -> Exception:
    return validation(f"The parent tuning job {parent.name} of the WarmStartConfig {why}.")
