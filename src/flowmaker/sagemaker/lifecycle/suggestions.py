"""Hyperparameters for a trial: at random, or the next of a grid. Pure: the same for each number."""

import math
import random
from collections.abc import Mapping, Sequence
from itertools import islice, product

from flowmaker.sagemaker.records.tuning import Choice, NumberRange, Range, Scaling, Search

#: Ranges whose ends differ by more than this factor are searched logarithmically by `Auto`.
_WIDE = 100.0


def search_of(searches: Sequence[Search], number: int, *, grid: bool = False) -> Search:
    """The definition that a trial is of: they take turns; a grid goes through one at a time."""
    if not grid:
        return searches[(number - 1) % len(searches)]
    for one in searches:
        size = math.prod(len(each.values) for each in one.ranges if isinstance(each, Choice))
        if number <= size:
            return one
        number -= size
    return searches[-1]


def at_random(ranges: Sequence[Range], seed: int | str, number: int) -> dict[str, str]:
    """The values of the trial of that number."""
    rng = random.Random(f"{seed}:{number}")  # noqa: S311 - it must be the same again
    return {one.name: _drawn(one, rng) for one in ranges}


def of_grid(searches: Sequence[Search], number: int) -> dict[str, str]:
    """The combination of that number, of all grids one after the other."""
    place = number
    for one in searches:
        choices = [each for each in one.ranges if isinstance(each, Choice)]
        size = math.prod(len(each.values) for each in choices)
        if place > size:
            place -= size
            continue
        values = next(islice(product(*(each.values for each in choices)), place - 1, None))
        return {each.name: value for each, value in zip(choices, values, strict=True)}
    raise ValueError(f"the grid has no combination {number}")


def scaling(one: NumberRange) -> Scaling:
    """What `Auto` comes to: logarithmic where the ends are far apart."""
    if one.scaling is not Scaling.AUTO:
        return one.scaling
    if one.low > 0 and one.high / one.low >= _WIDE:
        return Scaling.LOGARITHMIC
    return Scaling.LINEAR


def text(value: float, *, integer: bool) -> str:
    """A number as a hyperparameter."""
    return str(round(value)) if integer else repr(float(value))


def typed(ranges: Sequence[Range], chosen: Mapping[str, str]) -> dict[str, float | str]:
    """The values of a trial as numbers and words; those that no range has are left out."""
    found: dict[str, float | str] = {}
    for one in ranges:
        if one.name not in chosen:
            continue
        value = chosen[one.name]
        found[one.name] = value if isinstance(one, Choice) else float(value)
    return found


def _drawn(one: Range, rng: random.Random) -> str:
    if isinstance(one, Choice):
        return rng.choice(one.values)
    how = scaling(one)
    low, high = one.low, one.high
    if one.integer and how is Scaling.LINEAR:
        return str(rng.randint(math.ceil(low), math.floor(high)))
    if how is Scaling.LOGARITHMIC:
        value = math.exp(rng.uniform(math.log(low), math.log(high)))
    elif how is Scaling.REVERSE_LOGARITHMIC:
        value = 1 - math.exp(rng.uniform(math.log(1 - high), math.log(1 - low)))
    else:
        value = rng.uniform(low, high)
    return text(min(max(value, low), high), integer=one.integer)
