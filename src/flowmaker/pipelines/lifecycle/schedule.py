"""When a recurring run is due. Pure; the rules are those of KFP's scheduled workflows.

* The first time is after the start or, without one, after the recurring run was made.
* With catch-up, every time that was missed is made, one by one. Without, only the latest.
* While as many of its runs go on as may, the next waits.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from croniter import CroniterError, croniter  # pyright: ignore[reportMissingTypeStubs]

from flowmaker.errors import InvalidInput
from flowmaker.pipelines.records.recurring import RecurringRun, Trigger

_EVERY = "@every "
#: A duration as Go writes it, e.g. `1h30m`.
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
#: What a cron may have beside numbers. Others know more (L, W, #), KFP's does not.
_NAMES = {
    *("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"),
    *("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"),
}
_FIELD = re.compile(r"[0-9A-Za-z*?,/-]+")
#: Fields without the last, the day of the week, which may be left out.
_FIELDS = 5


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done now: make the run of this time, or look again when it comes."""

    #: The time whose run is to be made now.
    now: datetime | None = None
    #: The time to wait for; None with no `now`: until a run ends, or something is changed.
    later: datetime | None = None


def due(recurring: RecurringRun, active: int, now: datetime) -> Due:
    """What is due, with `active` of its runs going on."""
    if not recurring.enabled:
        return Due()
    at = next_time(recurring, now)
    if at is None:
        return Due()
    if at > now:
        return Due(later=at)
    return Due() if active >= recurring.max_concurrency else Due(now=at)


def next_time(recurring: RecurringRun, now: datetime) -> datetime | None:
    """The next time, which may have passed; None when there is none any more."""
    trigger, after = recurring.trigger, _after(recurring)
    found = next(_times(trigger, after), None)
    if found and trigger.end_time and found > trigger.end_time:
        return None
    if found is None or not recurring.no_catchup or found > now:
        return found
    return _latest(trigger, found, min(now, trigger.end_time or now))


def check(trigger: Trigger) -> None:
    """Refuse a trigger that means nothing.

    Raises:
        InvalidInput: saying which field is wrong.
    """
    if bool(trigger.cron) == bool(trigger.interval_second):
        raise InvalidInput(
            "recurring run: trigger needs one of cron_schedule (with a cron) and"
            " periodic_schedule (with an interval_second of at least 1)."
        )
    if trigger.interval_second < 0:
        raise InvalidInput(
            f"recurring run: interval_second must be at least 1, not {trigger.interval_second}."
        )
    if trigger.start_time and trigger.end_time and trigger.end_time < trigger.start_time:
        raise InvalidInput("recurring run: the trigger's end_time is before its start_time.")
    if trigger.cron:
        next(_times(trigger, datetime(2000, 1, 1, tzinfo=UTC)), None)


def _after(recurring: RecurringRun) -> datetime:
    """The time after which the next is looked for, in whole seconds."""
    trigger = recurring.trigger
    if recurring.last_triggered_at:
        return recurring.last_triggered_at
    return (trigger.start_time or recurring.created_at).replace(microsecond=0)


def _times(trigger: Trigger, after: datetime) -> Iterator[datetime]:
    """Every time after one, whenever the trigger ends."""
    if trigger.cron.startswith(_EVERY):
        return _periodic(after, _duration(trigger.cron))
    if trigger.cron:
        return _matches(_cron(trigger.cron, after))
    return _periodic(after, timedelta(seconds=trigger.interval_second))


def _latest(trigger: Trigger, first: datetime, until: datetime) -> datetime:
    """The last time until one, of those of which `first` is one."""
    if trigger.cron and not trigger.cron.startswith(_EVERY):
        return _cron(trigger.cron, until + timedelta(seconds=1)).get_prev(datetime)
    interval = next(_times(trigger, first)) - first
    return first + (until - first) // interval * interval


def _periodic(after: datetime, interval: timedelta) -> Iterator[datetime]:
    time = after
    while True:
        try:
            time += interval
        except OverflowError:
            return
        yield time


def _cron(cron: str, around: datetime) -> croniter:
    """A cron as github.com/robfig/cron reads it: seconds first.

    Raises:
        InvalidInput: it is none.
    """
    if not cron.startswith("@"):
        cron = _six_fields(cron)
    try:
        # February 29 comes within eight years.
        return croniter(cron, around, second_at_beginning=True, max_years_between_matches=9)
    except (CroniterError, ValueError, KeyError) as error:
        raise _no_cron(cron, str(error)) from None


def _six_fields(cron: str) -> str:
    words = cron.split()
    known = all(
        _FIELD.fullmatch(word) and _NAMES.issuperset(re.findall("[A-Z]+", word.upper()))
        for word in words
    )
    if not known or len(words) not in (_FIELDS, _FIELDS + 1):
        raise _no_cron(cron, "it needs five or six fields of numbers, names and * ? , / -")
    return " ".join([*words, "*"][: _FIELDS + 1])


def _duration(cron: str) -> timedelta:
    found = _DURATION.fullmatch(cron.removeprefix(_EVERY).strip())
    hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    try:
        duration = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        duration = timedelta()
    if duration < timedelta(seconds=1):
        raise _no_cron(cron, "@every needs a duration of a second or more, e.g. @every 1h30m")
    return duration


def _matches(schedule: croniter) -> Iterator[datetime]:
    while True:
        try:
            yield schedule.get_next(datetime)
        except CroniterError:
            return  # a day that never comes, such as February 30


def _no_cron(cron: str, why: str) -> InvalidInput:
    return InvalidInput(
        f"recurring run: {cron!r} is no cron of seconds, minutes, hours, day of month, month and"
        f" day of week, e.g. 0 30 9 * * MON-FRI: {why}."
    )
