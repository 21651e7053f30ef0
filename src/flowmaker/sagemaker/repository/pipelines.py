"""What pipelines have in the database beside their resources: cached steps; and all at once."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.dialects.sqlite import insert

from flowmaker.sagemaker.records.document import decode, encode
from flowmaker.sagemaker.records.pipeline import StepRun
from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.repository import resources
from flowmaker.store.database import Transaction
from flowmaker.store.schema.sagemaker import pipeline_cache
from flowmaker.store.schema.sagemaker import resources as table


def save(tx: Transaction, execution: Resource, cached: Sequence[StepRun]) -> bool:
    """Write an execution and the results that are to be cached, if nothing was written since."""
    if not resources.save(tx, execution):
        return False
    for run in cached:
        row = {
            "pipeline_id": execution.parent,
            "step": run.name,
            "key": run.cache_key,
            "at": run.ended_at,
            "execution_arn": execution.arn,
            "run": encode(run),
        }
        put = insert(pipeline_cache).values(row)
        index = ["pipeline_id", "step", "key"]
        values = {name: row[name] for name in ("at", "execution_arn", "run")}
        tx.execute(put.on_conflict_do_update(index_elements=index, set_=values))
    return True


def cached(
    tx: Transaction, pipeline_id: str, step: str, key: str, since: datetime
) -> tuple[str, StepRun] | None:
    """The execution that has run the step so, not before `since`, and what came of it."""
    where = and_(
        pipeline_cache.c.pipeline_id == pipeline_id,
        pipeline_cache.c.step == step,
        pipeline_cache.c.key == key,
        pipeline_cache.c.at >= since,
    )
    row = tx.execute(select(pipeline_cache).where(where)).first()
    return (row.execution_arn, decode(StepRun, row.run)) if row else None


def runs(tx: Transaction, pipeline: Resource) -> bool:
    """Whether an execution of a pipeline has not ended."""
    going_on = and_(
        table.c.kind == Kind.PIPELINE_EXECUTION.value,
        table.c.parent == pipeline.id,
        table.c.open.is_(True),
    )
    return tx.execute(select(table.c.id).where(going_on).limit(1)).first() is not None


def delete(tx: Transaction, pipeline: Resource) -> bool:
    """Remove a pipeline with its executions, unless one of these has not ended."""
    if runs(tx, pipeline) or not resources.delete(tx, pipeline):
        return False
    tx.execute(
        table.delete().where(
            and_(
                table.c.kind == Kind.PIPELINE_EXECUTION.value,
                table.c.parent == pipeline.id,
            )
        )
    )
    tx.execute(pipeline_cache.delete().where(pipeline_cache.c.pipeline_id == pipeline.id))
    return True


def start(tx: Transaction, pipeline: Resource, execution: Resource) -> bool:
    """Make an execution, unless there is one of its name, or its pipeline is gone."""
    if resources.get(tx, pipeline.id) is None:
        return False
    return resources.create(tx, execution, {})


def last_run(tx: Transaction, pipeline_id: str) -> datetime | None:
    """When the last execution of a pipeline was started."""
    of_it = and_(
        table.c.kind == Kind.PIPELINE_EXECUTION.value,
        table.c.parent == pipeline_id,
    )
    return tx.execute(select(func.max(table.c.created_at)).where(of_it)).scalar()


def update(tx: Transaction, pipeline: Resource) -> bool:
    """Write what a pipeline is now, if nothing else was written since it was read."""
    if not resources.save(tx, pipeline):
        return False
    written = table.c.id == pipeline.id
    tx.execute(table.update().where(written).values(request=encode(pipeline.request)))
    return True
