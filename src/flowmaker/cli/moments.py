"""Times as people type them."""

import argparse
import re
from datetime import datetime, timedelta

from flowmaker.clock import SystemClock

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def since(text: str) -> datetime:
    """`30m` ago, or a time of ISO 8601, which is local where it names no zone."""
    found = re.fullmatch(r"(\d+)([smhd])", text)
    if found:
        return SystemClock().now() - timedelta(**{_UNITS[found.group(2)]: int(found.group(1))})
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time: say 30m, 2h, 1d, or 2026-01-31T12:00"
        ) from None
