"""What the commands decide: which thing a name means, what may be removed, what is wrong."""

import argparse
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flowmaker.cli.doctor import Level, confinement, room
from flowmaker.cli.gc import Entry, Why, age, environment_to_remove, job_to_remove
from flowmaker.cli.naming import Named, meant
from flowmaker.cli.status import duration
from flowmaker.errors import InvalidInput, NotFound
from flowmaker.executors.sandbox import Levels

NOW = datetime(2026, 6, 1, tzinfo=UTC)
TASK = "61345baa-2be3-5c2b-842b-4cc045fc88f6"
RUN = Named(kind="run", id="b4de1b65-b293", name="nightly", state="FAILED")
OTHER = Named(kind="run", id="b4ff0000-0000", name="weekly", state="SUCCEEDED")
JOB = Named(kind="training-job", id="nightly", name="nightly", state="Completed")
KNOWN = [RUN, OTHER, JOB]


def entry(name: str, *, in_use: bool = False, days: float = 100) -> Entry:
    return Entry(name=name, in_use=in_use, modified_at=NOW - timedelta(days=days))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("run/b4de1b65-b293", RUN),
        ("b4de1b65-b293", RUN),
        ("b4de", RUN),
        ("weekly", OTHER),
        ("nightly", JOB),  # an id goes before a name
        ("training-job/nightly", JOB),
    ],
)
def test_a_name_means_one_thing(text: str, found: Named) -> None:
    assert meant(text, KNOWN) == found


def test_a_name_that_means_several_lists_them() -> None:
    with pytest.raises(InvalidInput, match=r"may be any of 2; say which:\n  run/b4de1b65-b293"):
        meant(
            "twice", [Named(kind="run", id=each.id, name="twice", state="") for each in KNOWN[:2]]
        )


def test_a_name_that_means_nothing_has_neighbours() -> None:
    with pytest.raises(NotFound, match=r"Near it is:\n  run/b4ff0000-0000 \(weekly\), SUCCEEDED"):
        meant("wekly", KNOWN)
    with pytest.raises(NotFound, match="there are no runs, jobs or endpoints yet"):
        meant("x", [])
    with pytest.raises(NotFound, match="The latest are"):
        meant("b4d", KNOWN[1:])  # too short for the beginning of an id


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (entry(f"{TASK}-1"), None),
        (entry(f"{TASK}-2.1"), None),
        (entry("00000000-2be3-5c2b-842b-4cc045fc88f6-1"), Why.DELETED),
        (entry("00000000-2be3-5c2b-842b-4cc045fc88f6-1.3"), Why.DELETED),
        (entry("00000000-2be3-5c2b-842b-4cc045fc88f6-1", in_use=True), None),
        (entry("debug-abc"), Why.DEBUGGED),
        (entry("debug-abc", in_use=True), None),
        (entry("debug-abc", days=0.01), None),
        (entry("train-00000000-2be3-5c2b-842b-4cc045fc88f6-1"), None),
        (entry("anything"), None),
    ],
)
def test_only_what_nothing_needs_may_go(found: Entry, why: Why | None) -> None:
    assert job_to_remove(found, {TASK}, set(), NOW) is why


def test_the_logs_of_what_ended_long_ago_may_go() -> None:
    assert job_to_remove(entry(f"{TASK}-1"), {TASK}, {TASK}, NOW) is Why.OLD
    assert job_to_remove(entry(f"{TASK}-1", in_use=True), {TASK}, {TASK}, NOW) is None


def test_an_environment_may_go_when_nothing_used_it_for_long() -> None:
    month = timedelta(days=30)
    assert environment_to_remove(entry("e"), month, NOW) is Why.UNUSED
    assert environment_to_remove(entry("e", in_use=True), month, NOW) is None
    assert environment_to_remove(entry("e", days=3), month, NOW) is None


def test_an_age_is_a_number_and_a_unit() -> None:
    assert age("12h") == timedelta(hours=12)
    assert age("2w") == timedelta(days=14)
    for nonsense in ("", "30", "d", "-3d", "0d", "3 d", "3y", "1e9d"):
        with pytest.raises(argparse.ArgumentTypeError, match="is no age"):
            age(nonsense)


@pytest.mark.parametrize(
    ("levels", "level", "words"),
    [
        (Levels(bubblewrap="/usr/bin/bwrap", bubblewrap_network=True), Level.OK, "by bubblewrap"),
        (Levels(namespace=True, namespace_network=True), Level.OK, "by namespaces"),
        (Levels(namespace=True), Level.WARNING, "jobs without a network are refused"),
        (Levels(), Level.WARNING, "not confined"),
    ],
)
def test_the_confinement_is_told(levels: Levels, level: Level, words: str) -> None:
    found = confinement(levels)
    assert found.level is level
    assert words in found.said


def test_room_is_judged() -> None:
    levels = [room(free, Path("/data")).level for free in (1e8, 1e9, 1e10)]
    assert levels == [Level.BROKEN, Level.WARNING, Level.OK]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (61, "1 min 1 s"), (3600, "1 h 0 min"), (90000, "1 d 1 h"), (-5, "0 s")],
)
def test_a_duration_is_said_in_two_units(seconds: float, said: str) -> None:
    assert duration(seconds) == said
