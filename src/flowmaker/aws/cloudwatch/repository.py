"""Metrics that are kept in the database: a row for each metric, time and unit."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.dialects.sqlite import insert

from flowmaker.aws.cloudwatch.records import Metric, Point, Summary, Wanted
from flowmaker.aws.logs.repository import Place
from flowmaker.store.database import Transaction
from flowmaker.store.schema.aws import metric_points, metrics


def put(tx: Transaction, place: Place, measured: Iterable[tuple[Metric, Point]]) -> None:
    """Add what was measured to what there is of the same time."""
    ids: dict[Metric, int] = {}
    for metric, point in measured:
        if metric not in ids:
            ids[metric] = _id(tx, place, metric)
        row = {
            "metric_id": ids[metric],
            "at": int(point.at),
            "unit": point.unit,
            "samples": point.summary.count,
            "total": point.summary.total,
            "least": point.summary.least,
            "most": point.summary.most,
        }
        new = insert(metric_points).values(row)
        had = metric_points.c
        tx.execute(
            new.on_conflict_do_update(
                index_elements=["metric_id", "at", "unit"],
                set_={
                    "samples": had.samples + new.excluded.samples,
                    "total": had.total + new.excluded.total,
                    "least": func.min(had.least, new.excluded.least),
                    "most": func.max(had.most, new.excluded.most),
                },
            )
        )


def listed(tx: Transaction, place: Place, wanted: Wanted) -> list[Metric]:
    """Those that were measured since then, of the namespace and of the name, if there is one."""
    where = [metrics.c.account == place.account, metrics.c.region == place.region]
    if wanted.namespace:
        where.append(metrics.c.namespace == wanted.namespace)
    if wanted.name:
        where.append(metrics.c.name == wanted.name)
    recent = and_(
        metric_points.c.metric_id == metrics.c.id,
        metric_points.c.at >= _second(wanted.since),
    )
    where.append(select(metric_points.c.metric_id).where(recent).exists())
    rows = tx.execute(select(metrics).where(and_(*where)))
    return [Metric(row.namespace, row.name, _dimensions(row.dimensions)) for row in rows]


def points(tx: Transaction, place: Place, metric: Metric, start: float, end: float) -> list[Point]:
    """What was measured from `start` until before `end`."""
    at = metric_points.c.at
    where = and_(_is(place, metric), at >= start, at < end)
    joined = metric_points.join(metrics, metrics.c.id == metric_points.c.metric_id)
    rows = tx.execute(select(metric_points).select_from(joined).where(where).order_by(at))
    return [
        Point(row.at, row.unit, Summary(row.samples, row.total, row.least, row.most))
        for row in rows
    ]


def _id(tx: Transaction, place: Place, metric: Metric) -> int:
    row = {
        "account": place.account,
        "region": place.region,
        "namespace": metric.namespace,
        "name": metric.name,
        "dimensions": _text(metric),
    }
    tx.execute(insert(metrics).values(row).on_conflict_do_nothing())
    return tx.execute(select(metrics.c.id).where(_is(place, metric))).scalar_one()


def _is(place: Place, metric: Metric) -> ColumnElement[bool]:
    return and_(
        metrics.c.account == place.account,
        metrics.c.region == place.region,
        metrics.c.namespace == metric.namespace,
        metrics.c.name == metric.name,
        metrics.c.dimensions == _text(metric),
    )


def _text(metric: Metric) -> str:
    return json.dumps(metric.dimensions, ensure_ascii=False, separators=(",", ":"))


def _dimensions(text: str) -> tuple[tuple[str, str], ...]:
    pairs: Sequence[tuple[str, str]] = json.loads(text)
    return tuple((name, value) for name, value in pairs)


def _second(time: datetime) -> int:
    return int(time.timestamp())
