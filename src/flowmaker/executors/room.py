"""Who may have how much of this machine, and who waits for it: see docs/room.md.

`next_in` decides, and is pure. A `Room` remembers what it was told: who holds room and who waits.
It is never written: what runs, and what waits, is on record elsewhere and is told again after a
restart. Use a room on one event loop only.
"""

from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

#: Holders that are named to one who waits.
_NAMED = 3
#: As many of those that wait are told what exactly they wait for: the others wait for them anyhow,
#: and hundreds of them need not be told each time that somebody comes or goes.
_NEAR = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Amount:
    """Some of a machine. Nothing asked of one resource is 0 of it."""

    #: Thousandths of a core, as Kubernetes counts.
    millicores: int = 0
    #: Bytes.
    memory: int = 0
    #: How many of each kind, by Kubernetes' names: `nvidia.com/gpu`.
    accelerators: Mapping[str, int] = field(default_factory=dict[str, int])

    def __add__(self, other: "Amount") -> "Amount":
        either = self.accelerators or other.accelerators
        return Amount(
            millicores=self.millicores + other.millicores,
            memory=self.memory + other.memory,
            accelerators=Counter(self.accelerators) + Counter(other.accelerators) if either else {},
        )

    def __mul__(self, count: int) -> "Amount":
        return Amount(
            millicores=self.millicores * count,
            memory=self.memory * count,
            accelerators={kind: each * count for kind, each in self.accelerators.items()},
        )

    def __bool__(self) -> bool:
        return bool(self.millicores or self.memory or self.accelerators)

    def __str__(self) -> str:
        said = [cores(self.millicores)] if self.millicores else []
        said += [gibibytes(self.memory)] if self.memory else []
        said += [f"{count} {kind}" for kind, count in sorted(self.accelerators.items())]
        return " and ".join(said) or "nothing"

    def fits(self, into: "Amount") -> bool:
        """Whether it is at most as much, of each resource."""
        return (
            self.millicores <= into.millicores
            and self.memory <= into.memory
            and not self.lacks(into)
        )

    def lacks(self, among: "Amount") -> str:
        """A kind of accelerator of which there are fewer than this; empty when there is none."""
        for kind, count in self.accelerators.items():
            if count > among.accelerators.get(kind, 0):
                return kind
        return ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Demand:
    """What one task or one job asks for, whole: of a job of N instances, all N."""

    id: str
    amount: Amount
    #: Since when it is there. The earlier comes first.
    since: datetime
    #: What it is, for a person: `training job kept`.
    what: str

    @property
    def turn(self) -> tuple[datetime, str]:
        """The smaller is served first."""
        return self.since, self.id


def granted(demand: Demand, capacity: Amount) -> Amount:
    """What a demand takes: one that is bigger than the machine takes it whole, and runs alone."""
    return demand.amount if demand.amount.fits(capacity) else capacity


def taken(held: Iterable[Demand], capacity: Amount) -> Amount:
    """What those who hold room have together."""
    return sum((granted(each, capacity) for each in held), Amount())


def next_in(capacity: Amount, held: Iterable[Demand], waiting: Iterable[Demand]) -> list[Demand]:
    """Who of those that wait, in the order of their turns, may begin now.

    First come, first served: nobody passes one who does not fit yet, so a large demand is not
    starved by small ones behind it.
    """
    in_use = taken(held, capacity)
    found: list[Demand] = []
    for demand in waiting:
        with_it = in_use + granted(demand, capacity)
        if not with_it.fits(capacity):
            break
        in_use = with_it
        found.append(demand)
    return found


class Room:
    """A machine's room for one kind of work."""

    def __init__(self, capacity: Amount) -> None:
        self.capacity = capacity
        self._held: dict[str, Demand] = {}
        #: In the order of their turns.
        self._waiting: list[Demand] = []
        #: Whom to tell that it is their turn.
        self._then: dict[str, Callable[[], None]] = {}
        self._closed = False

    def ask(self, demand: Demand, then: Callable[[], None]) -> bool:
        """Whether there is room for it: it holds that then, until it leaves.

        Else it waits, and `then()` is called each time that it is worth asking again.
        """
        if demand.id in self._held:
            return True
        self.queue(demand, then)
        if self._closed or all(each.id != demand.id for each in self._next()):
            return False
        self.hold(demand)
        return True

    def queue(self, demand: Demand, then: Callable[[], None]) -> None:
        """It waits for its turn, and for `then()` to ask."""
        if demand.id not in self._then:
            insort(self._waiting, demand, key=lambda each: each.turn)
        self._then[demand.id] = then

    def hold(self, demand: Demand) -> None:
        """It runs, whether there is room for it or not."""
        self._forget(demand.id)
        self._held[demand.id] = demand

    def leave(self, demand_id: str) -> bool:
        """It neither runs nor waits any more. False: it never did."""
        was_there = self._held.pop(demand_id, None) is not None or self._forget(demand_id)
        if was_there:
            self._tell()
        return was_there

    def holds(self, demand_id: str) -> bool:
        return demand_id in self._held

    def close(self) -> None:
        """Let nobody in: not everyone who holds room is known yet."""
        self._closed = True

    def open(self) -> None:
        """Let those in whose turn it is."""
        self._closed = False
        self._tell()

    def held(self) -> list[Demand]:
        return list(self._held.values())

    def waiting(self) -> list[Demand]:
        """In the order of their turns."""
        return list(self._waiting)

    def why(self, demand_id: str) -> str:
        """What one waits for, for a person; empty for one that does not wait."""
        places = (place for place, each in enumerate(self._waiting) if each.id == demand_id)
        place = next(places, None)
        if place is None:
            return ""
        demand = self._waiting[place]
        said = f"waits for {self._wanted(demand)}"
        if place >= _NEAR:
            return f"{said}; others came first"
        if self._held:
            said += f": {self.in_use(like=granted(demand, self.capacity))}"
            said += f" are in use by {_names(self._held.values())}"
        first = self._waiting[0]
        return said if first is demand else f"{said}; {first.what} came first"

    def in_use(self, *, like: Amount | None = None) -> str:
        """What is taken of what there is; of those resources only that `like` has."""
        used, whole = taken(self._held.values(), self.capacity), self.capacity
        said: list[str] = []
        if like is None or like.millicores:
            said.append(f"{_number(used.millicores / 1000)} of {cores(whole.millicores)}")
        if like is None or like.memory:
            said.append(f"{gibibytes(used.memory)} of {gibibytes(whole.memory)}")
        for kind, count in sorted(whole.accelerators.items()):
            if like is None or kind in like.accelerators:
                said.append(f"{used.accelerators.get(kind, 0)} of {count} {kind}")
        return " and ".join(said)

    def _wanted(self, demand: Demand) -> str:
        if demand.amount.fits(self.capacity):
            return str(demand.amount)
        return f"the whole machine, since it asks for {demand.amount}"

    def _next(self) -> list[Demand]:
        return next_in(self.capacity, self._held.values(), self._waiting)

    def _tell(self) -> None:
        if self._waiting and not self._closed:
            for then in [self._then[demand.id] for demand in self._next()]:
                then()

    def tell_all(self) -> None:
        """What those that wait are told by `why` has changed."""
        for then in [self._then[demand.id] for demand in self._waiting[:_NEAR]]:
            then()

    def _forget(self, demand_id: str) -> bool:
        """It waits no more. False: it did not."""
        if self._then.pop(demand_id, None) is None:
            return False
        self._waiting = [each for each in self._waiting if each.id != demand_id]
        return True


def cores(millicores: int) -> str:
    """Cores as a person says them: `1 core`, `0.5 cores`."""
    return f"{_number(millicores / 1000)} core{'' if millicores == 1000 else 's'}"  # noqa: PLR2004


def gibibytes(memory: int) -> str:
    """Bytes as a person says them."""
    if memory and memory < 1 << 30:
        return f"{_number(memory / (1 << 20))} MiB"
    return f"{_number(memory / (1 << 30))} GiB"


def _number(value: float) -> str:
    """At most two places, and none that say nothing."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _names(demands: Iterable[Demand]) -> str:
    names = [each.what for each in demands]
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
