"""Trial components: which trials they belong to, and the metrics that were put of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean, pstdev

from sqlalchemy import ColumnElement, Select, and_, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.repository import resources as all_resources
from flowmaker.store.database import Transaction
from flowmaker.store.schema.sagemaker import component_metrics, resources, trial_components


@dataclass(frozen=True, slots=True)
class Where:
    """An account and a region."""

    account: str
    region: str


@dataclass(frozen=True, slots=True)
class Metric:
    """A value of a metric."""

    name: str
    step: int | None
    at: datetime
    value: float


@dataclass(frozen=True, slots=True)
class Summary:
    """All values of a metric, in a word."""

    name: str
    at: datetime
    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        return fmean(self.values)

    @property
    def deviation(self) -> float:
        return pstdev(self.values)


def associate(tx: Transaction, where: Where, trial: str, component: str) -> None:
    row = {"account": where.account, "region": where.region, "trial": trial, "component": component}
    tx.execute(insert(trial_components).values(row).on_conflict_do_nothing())


def disassociate(tx: Transaction, where: Where, trial: str, component: str) -> bool:
    """Whether they belonged together."""
    mine = and_(
        _within(where), trial_components.c.trial == trial, trial_components.c.component == component
    )
    return bool(tx.execute(delete(trial_components).where(mine)).rowcount)


def create_component(tx: Transaction, component: Resource, trial: str) -> None:
    """A component that a job has made, in its trial."""
    all_resources.create(tx, component, {})
    associate(tx, Where(component.account, component.region), trial, component.name)


def components_of(tx: Transaction, where: Where, trial: str) -> tuple[str, ...]:
    query = select(trial_components.c.component).where(
        _within(where), trial_components.c.trial == trial
    )
    return tuple(tx.execute(query).scalars())


def trials_of(tx: Transaction, where: Where, component: str) -> tuple[str, ...]:
    query = select(trial_components.c.trial).where(
        _within(where), trial_components.c.component == component
    )
    return tuple(tx.execute(query).scalars())


def components_of_experiment(tx: Transaction, where: Where, experiment: str) -> tuple[str, ...]:
    query = select(trial_components.c.component).where(
        _within(where), trial_components.c.trial.in_(_trials(where, experiment))
    )
    return tuple(dict.fromkeys(tx.execute(query).scalars()))


def parents(tx: Transaction, where: Where) -> dict[str, list[tuple[str, str]]]:
    """Of every component the trials it belongs to, each with its experiment."""
    experiment = resources.c.request["ExperimentName"].as_string()
    joined = and_(
        resources.c.kind == Kind.TRIAL.value,
        resources.c.account == where.account,
        resources.c.region == where.region,
        resources.c.name == trial_components.c.trial,
    )
    query = (
        select(trial_components.c.component, trial_components.c.trial, experiment)
        .join(resources, joined)
        .where(_within(where))
    )
    found: dict[str, list[tuple[str, str]]] = {}
    for component, trial, of in tx.execute(query):
        found.setdefault(component, []).append((trial, of))
    return found


def put_metrics(tx: Transaction, arn: str, metrics: Iterable[Metric]) -> None:
    """A later value of a step takes the place of the earlier."""
    for one in metrics:
        step = one.step
        if step is None:
            mine = and_(component_metrics.c.arn == arn, component_metrics.c.name == one.name)
            last = tx.execute(select(func.max(component_metrics.c.step)).where(mine)).scalar()
            step = 0 if last is None else last + 1
        row = {"arn": arn, "name": one.name, "step": step, "at": one.at, "value": one.value}
        put = insert(component_metrics).values(row)
        keys = ["arn", "name", "step"]
        tx.execute(put.on_conflict_do_update(index_elements=keys, set_=row))


def metrics_of(tx: Transaction, arn: str, name: str) -> list[Metric]:
    """The values of a metric, by step."""
    query = (
        select(component_metrics)
        .where(component_metrics.c.arn == arn, component_metrics.c.name == name)
        .order_by(component_metrics.c.step)
    )
    return [Metric(row.name, row.step, row.at, row.value) for row in tx.execute(query)]


def summaries(tx: Transaction, arn: str) -> list[Summary]:
    """Of each metric of a component all its values, the last at the end."""
    query = (
        select(component_metrics)
        .where(component_metrics.c.arn == arn)
        .order_by(component_metrics.c.name, component_metrics.c.step)
    )
    found: dict[str, Summary] = {}
    for row in tx.execute(query):
        before = found.get(row.name, Summary(row.name, row.at, ()))
        found[row.name] = Summary(row.name, row.at, (*before.values, row.value))
    return list(found.values())


def forget_metrics(tx: Transaction, arn: str) -> None:
    tx.execute(delete(component_metrics).where(component_metrics.c.arn == arn))


def _within(where: Where) -> ColumnElement[bool]:
    return and_(
        trial_components.c.account == where.account, trial_components.c.region == where.region
    )


def _trials(where: Where, experiment: str) -> Select[tuple[str]]:
    return select(resources.c.name).where(
        resources.c.kind == Kind.TRIAL.value,
        resources.c.account == where.account,
        resources.c.region == where.region,
        resources.c.request["ExperimentName"].as_string() == experiment,
    )
