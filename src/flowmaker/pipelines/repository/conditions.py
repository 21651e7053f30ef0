"""What a listing is asked for, before any SQL: conditions, an order, and where a page begins."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Generic, TypeVar

T = TypeVar("T")

#: What a time that is not there counts as, in conditions and orders: KFP keeps it as 0.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Scalar = str | float | datetime


#: The beginning of what stands for the value of a tag among columns.
TAG = "tags."
#: And for the value of a metric: the condition holds when it does for one of the run's tasks.
METRIC = "metrics."


class Operation(IntEnum):
    """KFP's enum `Predicate.Operation`; its number 4 was never used."""

    EQUALS = 1
    NOT_EQUALS = 2
    GREATER_THAN = 3
    GREATER_THAN_EQUALS = 5
    LESS_THAN = 6
    LESS_THAN_EQUALS = 7
    IN = 8
    IS_SUBSTRING = 9


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """`column operation value`; the value is a tuple for `IN`."""

    column: str
    operation: Operation
    value: Scalar | tuple[Scalar, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """By `column`, and by the key among equals."""

    column: str
    descending: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """The last thing of the page before."""

    value: Scalar
    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """One page of a listing. All conditions hold."""

    conditions: tuple[Condition, ...] = ()
    order: Order
    after: Position | None = None
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Page(Generic[T]):
    """The things of a page, how many there are on all pages, and where the next begins."""

    items: tuple[T, ...]
    total: int
    last: Position | None
