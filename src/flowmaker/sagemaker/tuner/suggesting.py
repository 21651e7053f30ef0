"""Bayesian search by Optuna's TPE, from nothing but what is told.

A question has the ranges, the trials with an objective, those that run, and how many more are
wanted. Nothing is kept between questions, so that it does not matter which server asked before.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, cast

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import TPESampler
from optuna.trial import TrialState, create_trial

optuna.logging.set_verbosity(optuna.logging.ERROR)

_REVERSED = "ReverseLogarithmic"


def suggest(question: Mapping[str, Any]) -> list[dict[str, float | str]]:
    """Values for as many trials as the question wants."""
    ranges: Sequence[Mapping[str, Any]] = question["ranges"]
    distributions = {one["name"]: _distribution(one) for one in ranges}
    known = [
        create_trial(
            state=TrialState.COMPLETE,
            params=params,
            distributions=distributions,
            value=one["objective"],
        )
        for one in question["known"]
        if (params := _params(ranges, distributions, one["values"])) is not None
    ]
    tried = [
        create_trial(state=TrialState.RUNNING, params=params, distributions=distributions)
        for values in question["tried"]
        if (params := _params(ranges, distributions, values)) is not None
    ]
    text = f"{question['seed']}:{len(known)}:{len(tried)}"
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
    study = optuna.create_study(
        direction="maximize" if question["maximize"] else "minimize",
        # Trials that run count as bad ones, so that the next is not chosen beside them.
        sampler=TPESampler(seed=seed, constant_liar=True, multivariate=len(ranges) > 1),
    )
    study.add_trials([*known, *tried])
    return [_values(ranges, study.ask(distributions).params) for _ in range(question["count"])]


def _distribution(one: Mapping[str, Any]) -> BaseDistribution:
    if "values" in one:
        return CategoricalDistribution(tuple(one["values"]))
    low, high, scaling = one["low"], one["high"], one["scaling"]
    if one["integer"]:
        return IntDistribution(int(low), int(high), log=scaling == "Logarithmic")
    if scaling == _REVERSED:
        return FloatDistribution(1 - high, 1 - low, log=True)
    return FloatDistribution(low, high, log=scaling == "Logarithmic")


def _params(
    ranges: Sequence[Mapping[str, Any]],
    distributions: Mapping[str, BaseDistribution],
    values: Mapping[str, float | str],
) -> dict[str, Any] | None:
    """The values as Optuna has them; None if they are not within the ranges, as a parent's."""
    params: dict[str, Any] = {}
    for one in ranges:
        name = one["name"]
        if name not in values:
            return None
        value = values[name]
        if not isinstance(value, str):
            value = int(value) if one["integer"] else _turned(one, value)
        distribution = distributions[name]
        if isinstance(distribution, CategoricalDistribution):
            if value not in distribution.choices:
                return None
        elif isinstance(distribution, IntDistribution | FloatDistribution):
            number = cast("float", value)
            if not distribution.low <= number <= distribution.high:
                return None
        params[name] = value
    return params


def _values(
    ranges: Sequence[Mapping[str, Any]], params: Mapping[str, Any]
) -> dict[str, float | str]:
    return {
        one["name"]: params[one["name"]] if "values" in one else _turned(one, params[one["name"]])
        for one in ranges
    }


def _turned(one: Mapping[str, Any], value: float) -> float:
    """Reverse logarithmic: what is searched is the distance to 1."""
    return 1 - value if one["scaling"] == _REVERSED and not one["integer"] else value
