"""Autotune: the ranges that a tuning job searches where its request leaves them open.

Contract: of AutoParameters, each with an example value, those that may be tuned get a range; the
others keep their example. Where nothing at all is named, everything is tuned that may be.
"""

from collections.abc import Mapping
from typing import Any

from flowmaker.aws.errors import validation
from flowmaker.sagemaker.algorithms import registry
from flowmaker.sagemaker.algorithms.registry import BuiltIn
from flowmaker.sagemaker.lifecycle import trial_requests

#: How far around its example the value of an own image's hyperparameter is searched.
_FACTOR = 10
_KINDS = ("Integer", "Continuous", "Categorical")
#: The SDK's own hyperparameters, for its containers.
_SDK = "sagemaker_"

#: A member of ParameterRanges, and one item of it.
_Chosen = tuple[str, dict[str, Any]]


def autotuned(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """The request with what Autotune chooses.

    Raises:
        AwsError: it has nothing to choose from, or AutoParameters are given without it.
    """
    config = request["HyperParameterTuningJobConfig"]
    shared = config.get("ParameterRanges", {})
    definitions = trial_requests.definitions(request)
    if request.get("Autotune", {}).get("Mode") != "Enabled":
        each = (one.get("HyperParameterRanges", {}) for one in definitions)
        if any(ranges.get("AutoParameters") for ranges in (shared, *each)):
            raise validation("AutoParameters need Autotune with the Mode Enabled")
        return request
    if "TrainingJobDefinition" in request:
        static, ranges = _filled(definitions[0], shared)
        return {
            **request,
            "HyperParameterTuningJobConfig": {**config, "ParameterRanges": ranges},
            "TrainingJobDefinition": {**definitions[0], "StaticHyperParameters": static},
        }
    several: list[dict[str, Any]] = []
    for one in definitions:
        static, ranges = _filled(one, one.get("HyperParameterRanges") or shared)
        filled = {"StaticHyperParameters": static, "HyperParameterRanges": ranges}
        several.append({**one, **filled})
    return {**request, "TrainingJobDefinitions": several}


def _filled(
    definition: Mapping[str, Any], given: Mapping[str, Any]
) -> tuple[dict[str, str], dict[str, Any]]:
    """StaticHyperParameters and ParameterRanges of a definition, with all that was left open."""
    hints = {one["Name"]: one["ValueHint"] for one in given.get("AutoParameters", ())}
    static = dict(definition.get("StaticHyperParameters", {}))
    builtin = registry.find_algorithm(definition, {**static, **hints})
    chosen: dict[str, _Chosen] = {}
    for name, hint in hints.items():
        found = _recommended(builtin, name) if builtin else _around(name, hint)
        if found:
            chosen[name] = found
        else:
            static[name] = hint
    if not chosen and not any(given.get(f"{kind}ParameterRanges") for kind in _KINDS):
        chosen = _everything(builtin, static)
    ranges = dict(given)
    for member, item in chosen.values():
        ranges[member] = [*ranges.get(member, ()), item]
    return static, ranges


def _everything(builtin: BuiltIn | None, static: Mapping[str, str]) -> dict[str, _Chosen]:
    if builtin is None:
        raise validation(
            "Autotune finds no hyperparameter to tune: of an own image it knows only those that "
            "AutoParameters names. Name some that are numbers, or give ParameterRanges."
        )
    names = registry.tuning_of(builtin).ranges
    found = {name: _recommended(builtin, name) for name in names if name not in static}
    return {name: one for name, one in found.items() if one}


def _recommended(builtin: BuiltIn, name: str) -> _Chosen | None:
    """The range that AWS recommends for an algorithm's hyperparameter; None if it has none."""
    value = registry.tuning_of(builtin).ranges.get(name)
    if value is None:
        return None
    if len(value) != 3 or not isinstance(value[0], int | float):  # noqa: PLR2004 - low, high, kind
        return "CategoricalParameterRanges", {"Name": name, "Values": list(value)}
    low, high, kind = value
    scaling = "Logarithmic" if kind == "logarithmic" else "Auto"
    bounds = {"MinValue": str(low), "MaxValue": str(high), "ScalingType": scaling}
    kind = "Integer" if kind == "integer" else "Continuous"
    return f"{kind}ParameterRanges", {"Name": name, **bounds}


def _around(name: str, hint: str) -> _Chosen | None:
    """A range around an example above 0; None for words and what is the SDK's own."""
    try:
        value = float(hint)
    except ValueError:
        return None
    if name.startswith(_SDK) or not 0 < value < float("inf"):
        return None
    if hint.isdecimal():
        low, high = max(1, int(hint) // _FACTOR), int(hint) * _FACTOR
        kind = "Integer"
    else:
        # What is below 1 is mostly a share: a momentum, a rate of dropout.
        low, high = value / _FACTOR, min(value * _FACTOR, 1.0) if value < 1 else value * _FACTOR
        kind = "Continuous"
    bounds = {"MinValue": str(low), "MaxValue": str(high), "ScalingType": "Auto"}
    return f"{kind}ParameterRanges", {"Name": name, **bounds}
