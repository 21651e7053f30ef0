"""When recurring runs are due, and what their parameters become."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowmaker.errors import InvalidInput
from flowmaker.pipelines.driver.macros import Occasion, expand, in_layout
from flowmaker.pipelines.lifecycle.schedule import Due, check, due, next_time
from flowmaker.pipelines.records.recurring import RecurringRun, Trigger

MADE = datetime(2026, 11, 26, 12, 0, 30, 250_000, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def recurring(trigger: Trigger, **changes: object) -> RecurringRun:
    fields: dict[str, object] = {"created_at": MADE, "updated_at": MADE, **changes}
    return RecurringRun(
        recurring_run_id="r",
        display_name="nightly",
        experiment_id="e",
        trigger=trigger,
        **fields,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("cron", "first", "second"),
    [
        ("0 */5 * * * *", "2026-11-26 12:05:00", "2026-11-26 12:10:00"),
        ("*/10 * * * * ?", "2026-11-26 12:00:40", "2026-11-26 12:00:50"),
        ("0 30 9 ? * MON-FRI", "2026-11-27 09:30:00", "2026-11-30 09:30:00"),
        # Day of month or day of week, as every cron has it when both are given.
        ("0 0 12 1 * MON", "2026-11-30 12:00:00", "2026-12-01 12:00:00"),
        ("0 0 0 29 2 *", "2028-02-29 00:00:00", "2032-02-29 00:00:00"),
        # Without a day of the week: the first field is still the seconds.
        ("0 15 10 * *", "2026-11-27 10:15:00", "2026-11-28 10:15:00"),
        ("@daily", "2026-11-27 00:00:00", "2026-11-28 00:00:00"),
        ("@hourly", "2026-11-26 13:00:00", "2026-11-26 14:00:00"),
        ("@every 1h30m", "2026-11-26 13:30:30", "2026-11-26 15:00:30"),
        ("0 0 0 1 jan,JUL *", "2027-01-01 00:00:00", "2027-07-01 00:00:00"),
    ],
)
def test_crons(cron: str, first: str, second: str) -> None:
    made = recurring(Trigger(cron=cron))
    check(made.trigger)
    assert next_time(made, MADE) == at(first)
    after = recurring(Trigger(cron=cron), last_triggered_at=at(first), last_index=1)
    assert next_time(after, MADE) == at(second)


def test_a_day_that_never_comes_is_never_due() -> None:
    assert due(recurring(Trigger(cron="0 0 0 31 2 *")), 0, MADE) == Due()


def test_intervals_count_from_the_start() -> None:
    minutely = Trigger(interval_second=60)
    assert next_time(recurring(minutely), MADE) == at("2026-11-26 12:01:30")
    later = Trigger(interval_second=60, start_time=at("2026-12-01 00:00:00"))
    assert next_time(recurring(later), MADE) == at("2026-12-01 00:01:00")


@pytest.mark.parametrize("trigger", [Trigger(interval_second=10), Trigger(cron="*/10 * * * * *")])
def test_what_was_missed_is_made_one_by_one_or_only_the_latest(trigger: Trigger) -> None:
    start, now = at("2026-11-26 12:00:00"), at("2026-11-26 12:00:35")
    made = recurring(trigger, created_at=start)
    assert due(made, 0, now) == Due(now=at("2026-11-26 12:00:10"))
    made = recurring(trigger, created_at=start, no_catchup=True)
    assert due(made, 0, now) == Due(now=at("2026-11-26 12:00:30"))
    made = recurring(trigger, last_triggered_at=at("2026-11-26 12:00:30"), no_catchup=True)
    assert due(made, 0, now) == Due(later=at("2026-11-26 12:00:40"))


def test_a_year_of_seconds_is_caught_up_with_at_once() -> None:
    for trigger in (Trigger(interval_second=1), Trigger(cron="* * * * * *")):
        made = recurring(trigger, no_catchup=True)
        now = (MADE + timedelta(days=365)).replace(microsecond=0)
        assert due(made, 0, now) == Due(now=now)


def test_the_end_is_the_end() -> None:
    trigger = Trigger(interval_second=10, end_time=MADE + timedelta(seconds=25))
    now = MADE + timedelta(hours=1)
    made = recurring(trigger, no_catchup=True)
    assert due(made, 0, now) == Due(now=at("2026-11-26 12:00:50"))
    made = recurring(trigger, last_triggered_at=at("2026-11-26 12:00:50"))
    assert due(made, 0, now) == Due()


def test_runs_wait_for_room_and_a_disabled_one_makes_none() -> None:
    now = MADE + timedelta(minutes=5)
    made = recurring(Trigger(interval_second=60), max_concurrency=2)
    assert due(made, 1, now).now == at("2026-11-26 12:01:30")
    assert due(made, 2, now) == Due()
    assert due(recurring(Trigger(interval_second=60), enabled=False), 0, now) == Due()


@given(
    interval=st.integers(1, 10_000),
    seconds=st.integers(0, 1_000_000),
    no_catchup=st.booleans(),
)
def test_a_time_is_after_the_last_and_none_is_skipped_with_catchup(
    interval: int, seconds: int, no_catchup: bool
) -> None:
    now = MADE + timedelta(seconds=seconds)
    made = recurring(Trigger(interval_second=interval), no_catchup=no_catchup)
    start = MADE.replace(microsecond=0)
    found = next_time(made, now)
    assert found is not None
    assert found > start
    assert (found - start) % timedelta(seconds=interval) == timedelta()
    if not no_catchup or found > now:
        assert found == start + timedelta(seconds=interval)
    else:
        assert found + timedelta(seconds=interval) > now


@pytest.mark.parametrize(
    ("trigger", "says"),
    [
        (Trigger(), "needs one of"),
        (Trigger(interval_second=-1), "at least 1"),
        (Trigger(cron="61 * * * * *"), "61"),
        (Trigger(cron="* * *"), "five or six fields"),
        (Trigger(cron="0 0 0 L * *"), "five or six fields"),
        (Trigger(cron="0 0 0 * * 2#1"), "five or six fields"),
        (Trigger(cron="@sometimes"), "@sometimes"),
        (Trigger(cron="@every soon"), "duration"),
        (Trigger(interval_second=1, start_time=MADE, end_time=MADE - timedelta(1)), "before"),
    ],
)
def test_what_means_nothing_is_refused(trigger: Trigger, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        check(trigger)


def test_macros() -> None:
    occasion = Occasion(
        scheduled_at=at("2026-01-02 03:04:05"), now=at("2026-11-26 15:00:00"), index=7, run_id="id"
    )
    given = {
        "day": "[[ScheduledTime.2006-01-02]]",
        "all": "[[ScheduledTime]]/[[CurrentTime]]/[[Index]]/[[RunUUID]]",
        "nested": {"list": ["[[Index]]", 3]},
        "other": "[[Other]] [[Index",
    }
    assert expand(given, occasion) == {
        "day": "2026-01-02",
        "all": "20260102030405/20261126150000/7/id",
        "nested": {"list": ["7", 3]},
        "other": "[[Other]] [[Index",
    }


@pytest.mark.parametrize(
    ("layout", "text"),
    [
        ("Mon, 02 Jan 2006 15:04:05 MST", "Thu, 26 Nov 2026 09:08:07 UTC"),
        ("2006-01-02T15:04:05Z07:00", "2026-11-26T09:08:07Z"),
        ("Monday January 2 3:04 PM 06", "Thursday November 26 9:08 AM 26"),
    ],
)
def test_layouts_of_go(layout: str, text: str) -> None:
    assert in_layout(at("2026-11-26 09:08:07"), layout) == text
