"""Durations of ISO 8601, as CacheConfig.ExpireAfter has them."""

import re
from datetime import timedelta

_DURATION = re.compile(
    r"P?(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?",
    re.IGNORECASE,
)
_DAYS_OF_YEAR, _DAYS_OF_MONTH = 365, 30


def duration(text: str) -> timedelta | None:
    """`P30D`, `PT1H`, and without the P, as AWS takes it; None if it is none."""
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        return None
    parts = {name: int(value or 0) for name, value in found.groupdict().items()}
    days = parts.pop("days") + _DAYS_OF_YEAR * parts.pop("years")
    return timedelta(days=days + _DAYS_OF_MONTH * parts.pop("months"), **parts)
