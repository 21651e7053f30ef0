"""Who gets room on the machine, and what the others are told."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowmaker.errors import InvalidInput
from flowmaker.executors.machine import capacity
from flowmaker.executors.room import Amount, Demand, Room, granted, next_in, taken
from flowmaker.pipelines.driver.resources import limits, quantity, requested

GIB = 1 << 30
MACHINE = Amount(millicores=4000, memory=16 * GIB)
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def demand(name: str, cores: float = 0, memory: float = 0, since: int = 0) -> Demand:
    amount = Amount(millicores=round(cores * 1000), memory=round(memory * GIB))
    return Demand(
        id=name, amount=amount, since=EPOCH + timedelta(seconds=since), what=f"task {name}"
    )


def nothing() -> None:
    """What a test does not care to be told."""


@pytest.mark.parametrize(
    ("held", "waiting", "admitted"),
    [
        pytest.param([], [demand("a", 1)], "a", id="there is room"),
        pytest.param([], [demand("a", 3), demand("b", 1)], "ab", id="together they fill it"),
        pytest.param([], [demand("a", 3), demand("b", 2)], "a", id="cores for one"),
        pytest.param([], [demand("a", 1, 12), demand("b", 1, 8)], "a", id="memory for one"),
        pytest.param(
            [demand("h", 2)], [demand("big", 4), demand("small", 1)], "", id="nobody passes a big"
        ),
        pytest.param([demand("h", 4)], [demand("m", 0, 2)], "m", id="only memory is asked for"),
        pytest.param([], [demand("huge", 64), demand("b", 1)], "huge", id="a huge one, alone"),
        pytest.param([], [demand("b", 1), demand("huge", 64)], "b", id="a huge one waits for all"),
        pytest.param([demand("huge", 64)], [demand("m", 0, 1)], "", id="none beside a huge one"),
        pytest.param([demand("h", 9), demand("i", 9)], [demand("a", 1)], "", id="overfull"),
    ],
)
def test_who_is_next(held: list[Demand], waiting: list[Demand], admitted: str) -> None:
    assert "".join(each.id for each in next_in(MACHINE, held, waiting)) == admitted


AMOUNTS = st.builds(
    Amount,
    millicores=st.integers(min_value=0, max_value=6000),
    memory=st.integers(min_value=0, max_value=24 * GIB),
)


@given(st.lists(st.tuples(AMOUNTS, st.integers(0, 9)), max_size=12), st.data())
def test_never_too_much_never_out_of_turn_and_everybody_in_the_end(
    asked: list[tuple[Amount, int]], data: st.DataObject
) -> None:
    """Demands come in any order, whoever is told asks again, and one after the other leaves."""
    room = Room(MACHINE)
    demands = {
        str(number): Demand(
            id=str(number), amount=amount, since=EPOCH + timedelta(seconds=since), what="task"
        )
        for number, (amount, since) in enumerate(asked)
    }
    admitted: list[str] = []

    def asks(name: str) -> None:
        if room.ask(demands[name], lambda: asks(name)) and name not in admitted:
            before = [each for each in room.waiting() if each.turn < demands[name].turn]
            assert not before, "it passed one that came first"
            admitted.append(name)
        held = room.held()
        assert taken(held, MACHINE).fits(MACHINE)
        for one in held:
            if not one.amount.fits(MACHINE):
                others = [each for each in held if each is not one and each.amount]
                assert not others, "one that is bigger than the machine is alone"

    for name in demands:
        asks(name)
    while room.held():
        room.leave(data.draw(st.sampled_from(room.held())).id)
    assert sorted(admitted) == sorted(demands)
    assert not room.waiting()


def test_one_who_waits_is_told_when_it_is_worth_asking_again() -> None:
    room, told = Room(MACHINE), list[str]()
    assert room.ask(demand("a", 4), nothing)
    assert not room.ask(demand("b", 3, since=1), lambda: told.append("b"))
    assert not room.ask(demand("c", 3, since=2), lambda: told.append("c"))
    assert told == []
    room.leave("a")
    assert told == ["b"]
    assert not room.ask(demand("c", 3, since=2), nothing), "b was told, and has not asked yet"
    assert room.ask(demand("b", 3, since=1), nothing)
    assert room.ask(demand("b", 3, since=1), nothing), "to ask twice is to ask once"


def test_one_who_gives_up_waiting_lets_the_next_one_by() -> None:
    room, told = Room(MACHINE), list[str]()
    assert room.ask(demand("a", 2), nothing)
    assert not room.ask(demand("big", 4, since=1), nothing)
    assert not room.ask(demand("small", 1, since=2), lambda: told.append("small"))
    room.leave("big")
    assert told == ["small"]


def test_the_older_one_comes_first_even_if_it_asks_later() -> None:
    room = Room(MACHINE)
    room.hold(demand("runs", 4))
    assert not room.ask(demand("young", 4, since=9), nothing)
    assert not room.ask(demand("old", 4, since=1), nothing)
    assert [each.id for each in room.waiting()] == ["old", "young"]


def test_nobody_is_let_in_until_it_is_known_who_runs() -> None:
    room, told = Room(MACHINE), list[str]()
    room.close()
    assert not room.ask(demand("waits", 3, since=1), lambda: told.append("waits"))
    room.hold(demand("runs", 3))
    room.open()
    assert told == []
    room.leave("runs")
    assert told == ["waits"]


def test_what_one_waits_for() -> None:
    room = Room(MACHINE)
    room.hold(demand("a", 3, 1))
    room.hold(demand("b", 0.5, 0.5))
    for waits in (demand("c", 1, since=1), demand("d", 1, 4, since=2), demand("e", 99, since=3)):
        assert not room.ask(waits, nothing)
    assert room.why("c") == "waits for 1 core: 3.5 of 4 cores are in use by task a, task b"
    assert room.why("d") == (
        "waits for 1 core and 4 GiB: 3.5 of 4 cores and 1.5 GiB of 16 GiB are in use by "
        "task a, task b; task c came first"
    )
    assert room.why("e") == (
        "waits for the whole machine, since it asks for 99 cores: 3.5 of 4 cores and 1.5 GiB of "
        "16 GiB are in use by task a, task b; task c came first"
    )
    assert room.why("a") == ""


def test_only_those_who_are_near_are_told_what_they_wait_for() -> None:
    room, told = Room(MACHINE), list[str]()
    room.hold(demand("runs", 4))
    for place in range(100):
        name = f"waits-{place:02}"
        room.ask(demand(name, 1, since=place), lambda name=name: told.append(name))
    room.tell_all()
    assert told == [f"waits-{place:02}" for place in range(5)]
    assert room.why("waits-04").endswith("are in use by task runs; task waits-00 came first")
    assert room.why("waits-99") == "waits for 1 core; others came first"


def test_what_is_bigger_than_the_machine_takes_it_whole() -> None:
    assert granted(demand("a", 64, 1), MACHINE) == MACHINE
    assert granted(demand("b", 4, 16), MACHINE) == Amount(millicores=4000, memory=16 * GIB)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2", 2),
        ("0.5", 0.5),
        (".5", 0.5),
        ("500m", 0.5),
        ("1K", 1000),
        ("1k", 1000),
        ("2Ki", 2048),
        ("1.5G", 1.5e9),
        ("16Gi", 16 * GIB),
        ("1Ei", 1 << 60),
        ("1E", 10**18),
        ("12e6", 12_000_000),
    ],
)
def test_quantities(text: str, value: float) -> None:
    assert quantity(text) == value


@pytest.mark.parametrize("text", ["", "much", "-1", "1 Gi x", "1GB", "0x10", "1mi", "NaN"])
def test_what_is_no_quantity(text: str) -> None:
    with pytest.raises(InvalidInput, match="is no quantity"):
        quantity(text)


def test_what_a_task_asks_for() -> None:
    both = {"resourceCpuRequest": "250m", "resourceCpuLimit": "2", "resourceMemoryLimit": "1Gi"}
    assert requested(both) == (250, GIB), "a limit stands in where there is no request"
    assert requested({"cpuRequest": 1.5, "memoryLimit": 2.0}) == (1500, 2 * 10**9)
    assert requested({}) == (0, 0)
    assert limits(both) == (2, GIB)
    assert limits({"resourceCpuLimit": "250m", "memoryLimit": 0.5}) == (0.25, 5 * 10**8)
    assert limits({"resourceCpuRequest": "1", "resourceMemoryRequest": "1Gi"}) == (0, 0)


def _written(cgroup: Path, cpu: str, memory: str) -> None:
    (cgroup / "cpu.max").write_text(cpu)
    (cgroup / "memory.max").write_text(memory)


def test_a_container_has_its_own_limits(tmp_path: Path) -> None:
    _written(tmp_path, "50000 100000\n", "1048576\n")
    assert capacity(cgroup=tmp_path) == Amount(millicores=500, memory=1 << 20)
    unlimited = tmp_path / "absent"
    whole = capacity(cgroup=unlimited)
    _written(tmp_path, "max 100000\n", "max\n")
    assert capacity(cgroup=tmp_path) == whole
    assert whole.millicores >= 1000
    assert whole.memory > GIB // 4


def test_what_is_given_wins_over_what_is_there(tmp_path: Path) -> None:
    assert capacity(3.5, GIB, cgroup=tmp_path) == Amount(millicores=3500, memory=GIB)


def test_then_is_called_for_each_that_fits() -> None:
    told: list[str] = []

    def tell(name: str) -> Callable[[], None]:
        return lambda: told.append(name)

    room = Room(MACHINE)
    room.hold(demand("whole", 4))
    for name in "abc":
        assert not room.ask(demand(name, 2), tell(name))
    room.leave("whole")
    assert told == ["a", "b"]
