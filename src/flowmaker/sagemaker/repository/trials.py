"""Trials of tuning jobs in the database."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, func, insert, or_, select, update

from flowmaker.sagemaker.lifecycle.tuning import counted
from flowmaker.sagemaker.records.resource import Resource
from flowmaker.sagemaker.records.tuning import Counts, Trial
from flowmaker.sagemaker.repository import resources as all_resources
from flowmaker.store.database import Transaction
from flowmaker.store.schema.sagemaker import resources, trials

_COLUMNS = tuple(field.name for field in fields(Trial))

SORT_COLUMNS: dict[str, Any] = {
    "Name": trials.c.name,
    "CreationTime": trials.c.created_at,
    "Status": resources.c.status,
    "FinalObjectiveMetricValue": trials.c.objective,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which trials of a tuning job are listed."""

    tuning_id: str
    status: str = ""
    sort_by: str = "Name"
    descending: bool = False
    limit: int = 10
    #: Sort value and number of the last of the page before.
    after: tuple[str, int] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Telling:
    """Which results of a tuning job the next trials are chosen by."""

    tuning_id: str
    #: Of this definition alone; None for all.
    definition: str | None = None
    maximize: bool = False
    #: As many of the best, and as many of the last.
    best: int
    latest: int


def make(tx: Transaction, tuning: Resource, made: Sequence[tuple[Trial, Resource]]) -> bool:
    """Put trials on record with their training jobs, if the tuning job is as it was read.

    All in one transaction: a trial without its job, or a job without its trial, is never seen.
    """
    if not all_resources.save(tx, tuning):
        return False
    for trial, job in made:
        row = {name: getattr(trial, name) for name in _COLUMNS} | {"tuning_id": tuning.id}
        tx.execute(insert(trials).values(**row | {"chosen": dict(trial.chosen)}))
        if not all_resources.create(tx, job, {}):
            raise ValueError(f"there is a training job {job.name} already")
    return True


def open_trials(tx: Transaction, tuning_id: str) -> list[tuple[Trial, Resource]]:
    """Those that have not ended yet, each with its training job."""
    where = and_(trials.c.tuning_id == tuning_id, trials.c.ending == "")
    # To be asked for in order, SQLite would go through all that have ended.
    rows = sorted(tx.execute(select(trials).where(where)), key=lambda row: row.number)
    return _with_jobs(tx, rows)


def end(tx: Transaction, tuning: Resource, ended: Iterable[Trial]) -> bool:
    """Note how trials have ended, if the tuning job is as it was read."""
    if not all_resources.save(tx, tuning):
        return False
    for one in ended:
        mine = and_(trials.c.tuning_id == tuning.id, trials.c.number == one.number)
        tx.execute(
            update(trials)
            .where(mine)
            .values(ending=one.ending, objective=one.objective, ended_at=one.ended_at)
        )
    return True


def forget(tx: Transaction, tuning: Resource) -> None:
    """Delete a tuning job with its trials; their training jobs stay."""
    if all_resources.delete(tx, tuning):
        tx.execute(delete(trials).where(trials.c.tuning_id == tuning.id))


def counts(tx: Transaction, tuning_id: str, *, maximize: bool) -> Counts:
    """What has become of all trials, by going through them: see `TuningState.counts`."""
    ended = and_(trials.c.tuning_id == tuning_id, trials.c.ending != "")
    query = select(trials).where(ended).order_by(trials.c.ended_at, trials.c.number)
    number = select(func.count()).where(trials.c.tuning_id == tuning_id)
    made = Counts(made=tx.execute(number).scalar_one())
    return counted(made, map(_trial, tx.execute(query)), maximize=maximize)


def best(tx: Transaction, tuning_id: str, *, maximize: bool) -> Trial | None:
    """The trial with the best objective; of equals the first."""
    column = trials.c.objective
    query = select(trials).where(trials.c.tuning_id == tuning_id, column.is_not(None))
    order = column.desc() if maximize else column
    row = tx.execute(query.order_by(order, trials.c.number).limit(1)).first()
    return _trial(row) if row else None


def measured(tx: Transaction, tuning_id: str) -> int:
    """How many have an objective."""
    where = and_(trials.c.tuning_id == tuning_id, trials.c.objective.is_not(None))
    return tx.execute(select(func.count()).select_from(trials).where(where)).scalar_one()


def latest(tx: Transaction, tuning_id: str, limit: int) -> list[Trial]:
    """Of those with an objective the last ones, by number."""
    where = and_(trials.c.tuning_id == tuning_id, trials.c.objective.is_not(None))
    query = select(trials).where(where).order_by(trials.c.number.desc()).limit(limit)
    return [_trial(row) for row in tx.execute(query)][::-1]


def telling(tx: Transaction, asked: Telling) -> list[Trial]:
    """Of those with an objective the best and the last ones, by number."""
    where = [trials.c.tuning_id == asked.tuning_id, trials.c.objective.is_not(None)]
    if asked.definition is not None:
        where.append(trials.c.definition == asked.definition)
    value = trials.c.objective.desc() if asked.maximize else trials.c.objective
    best = select(trials).where(*where).order_by(value, trials.c.number).limit(asked.best)
    last = select(trials).where(*where).order_by(trials.c.number.desc()).limit(asked.latest)
    found = {row.number: _trial(row) for query in (best, last) for row in tx.execute(query)}
    return [found[number] for number in sorted(found)]


def page(tx: Transaction, wanted: Wanted) -> list[tuple[Trial, Resource]]:
    """A page of trials with their training jobs, and one more if there is a next page."""
    column = SORT_COLUMNS[wanted.sort_by]
    where = [trials.c.tuning_id == wanted.tuning_id]
    if wanted.status:
        where.append(resources.c.status == wanted.status)
    if wanted.sort_by == "FinalObjectiveMetricValue":
        # Contract: jobs that returned no value are not listed then.
        where.append(trials.c.objective.is_not(None))
    if wanted.after:
        where.append(_beyond(column, wanted))
    order = (
        (column.desc(), trials.c.number.desc()) if wanted.descending else (column, trials.c.number)
    )
    query = (
        select(trials)
        .join(resources, resources.c.id == trials.c.job_id)
        .where(and_(*where))
        .order_by(*order)
        .limit(wanted.limit + 1)
    )
    return _with_jobs(tx, tx.execute(query).all())


def _with_jobs(tx: Transaction, rows: Sequence[Row[Any]]) -> list[tuple[Trial, Resource]]:
    """Trials, each with its training job."""
    jobs = all_resources.get_all(tx, [row.job_id for row in rows])
    return [(_trial(row), jobs[row.job_id]) for row in rows if row.job_id in jobs]


def _beyond(column: Any, wanted: Wanted) -> ColumnElement[bool]:  # noqa: ANN401 - a column
    assert wanted.after
    text, last = wanted.after
    mark: Any = text
    if wanted.sort_by == "CreationTime":
        mark = datetime.fromisoformat(text)
    elif wanted.sort_by == "FinalObjectiveMetricValue":
        mark = float(text)
    further = trials.c.number < last if wanted.descending else trials.c.number > last
    beyond = column < mark if wanted.descending else column > mark
    return or_(beyond, and_(column == mark, further))


def _trial(row: Row[Any]) -> Trial:
    return Trial(**{name: getattr(row, name) for name in _COLUMNS})
