"""What pipelines have in the database beside their resources: versions, and cached steps."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.dialects.sqlite import insert

from flowmaker.sagemaker.records.document import decode, encode
from flowmaker.sagemaker.records.pipeline import PipelineVersion, StepRun
from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.repository import resources
from flowmaker.store.database import Transaction
from flowmaker.store.schema.sagemaker import pipeline_cache, pipeline_versions
from flowmaker.store.schema.sagemaker import resources as table

_VERSION = tuple(field.name for field in fields(PipelineVersion))


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
    for of_it in (pipeline_cache, pipeline_versions):
        tx.execute(of_it.delete().where(of_it.c.pipeline_id == pipeline.id))
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


def update(tx: Transaction, pipeline: Resource, version: PipelineVersion | None) -> bool:
    """Write what a pipeline is now, and a new version, if nothing was written meanwhile."""
    if not resources.save(tx, pipeline):
        return False
    written = table.c.id == pipeline.id
    tx.execute(table.update().where(written).values(request=encode(pipeline.request)))
    if version is not None:
        add_version(tx, pipeline, version)
    return True


def add_version(tx: Transaction, pipeline: Resource, version: PipelineVersion) -> None:
    row = {name: getattr(version, name) for name in _VERSION}
    tx.execute(insert(pipeline_versions).values(pipeline_id=pipeline.id, **row))


def versions(
    tx: Transaction,
    pipeline_id: str,
    *,
    after: datetime | None = None,
    before: datetime | None = None,
) -> list[PipelineVersion]:
    """The versions of a pipeline that were made in that time, the first first."""
    made = pipeline_versions.c.created_at
    where = [pipeline_versions.c.pipeline_id == pipeline_id]
    where += [made > after] if after else []
    where += [made < before] if before else []
    query = select(pipeline_versions).where(and_(*where)).order_by(pipeline_versions.c.number)
    return [
        PipelineVersion(**{name: getattr(row, name) for name in _VERSION})
        for row in tx.execute(query)
    ]


def rename_version(tx: Transaction, pipeline_id: str, version: PipelineVersion) -> None:
    """Write what a version is called."""
    where = and_(
        pipeline_versions.c.pipeline_id == pipeline_id,
        pipeline_versions.c.number == version.number,
    )
    called = {"display_name": version.display_name, "description": version.description}
    tx.execute(pipeline_versions.update().where(where).values(called))


def last_executions(tx: Transaction, pipeline_id: str) -> dict[int, str]:
    """The ARN of the last execution of each version of a pipeline that has one."""
    of_it = and_(table.c.kind == Kind.PIPELINE_EXECUTION.value, table.c.parent == pipeline_id)
    version = table.c.state["version"].as_integer()
    query = select(version, table.c.arn).where(of_it).order_by(table.c.created_at)
    return {row[0]: row[1] for row in tx.execute(query)}
