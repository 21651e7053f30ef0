"""Statistics of what was measured, period by period."""

from collections.abc import Callable, Iterable, Mapping

from flowmaker.aws.cloudwatch.records import Point, Summary

STATISTICS: Mapping[str, Callable[[Summary], float]] = {
    "Average": lambda one: one.total / one.count,
    "Sum": lambda one: one.total,
    "Minimum": lambda one: one.least,
    "Maximum": lambda one: one.most,
    "SampleCount": lambda one: one.count,
}
#: Periods below a minute.
SHORT = (1, 5, 10, 20, 30)
MINUTE = 60


def is_period(seconds: int) -> bool:
    return seconds in SHORT or (seconds > 0 and seconds % MINUTE == 0)


def first_second(start: float, period: int) -> float:
    """From where on values count: the times of most values are whole minutes."""
    step = min(MINUTE, period)
    return start // step * step


def grouped(
    points: Iterable[Point], period: int, unit: str | None
) -> dict[tuple[int, str], Summary]:
    """What was measured in each period, by the second at which it begins and by unit, in order."""
    groups: dict[tuple[int, str], Summary] = {}
    for point in points:
        if unit in (None, point.unit):
            key = (int(point.at) // period * period, point.unit)
            groups[key] = groups[key] + point.summary if key in groups else point.summary
    return dict(sorted(groups.items()))


def series(
    points: Iterable[Point], period: int, unit: str | None, statistic: str
) -> dict[int, float]:
    """One statistic, by the second at which each period begins, in order; all units as one."""
    groups: dict[int, Summary] = {}
    for (at, _), summary in grouped(points, period, unit).items():
        groups[at] = groups[at] + summary if at in groups else summary
    return {at: STATISTICS[statistic](summary) for at, summary in groups.items()}
