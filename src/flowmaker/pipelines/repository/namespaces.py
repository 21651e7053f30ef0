"""Which namespace a thing is in, without loading it."""

from collections.abc import Mapping

from sqlalchemy import Table, select

from flowmaker.store.database import Transaction
from flowmaker.store.schema import pipelines as schema

#: By the name of their key.
_TABLES: Mapping[str, Table] = {
    "experiment_id": schema.experiments,
    "pipeline_id": schema.pipelines,
    "recurring_run_id": schema.recurring_runs,
    "run_id": schema.runs,
}


def namespace_of(tx: Transaction, key: str, identity: str) -> str | None:
    """The namespace of the thing that `key` is `identity`; None when there is none."""
    table = _TABLES[key]
    return tx.scalar(select(table.c.namespace).where(table.c[key] == identity))


def namespace_of_version(tx: Transaction, pipeline_version_id: str) -> str | None:
    """The namespace of the pipeline that a version is of; None when there is none."""
    versions, pipelines = schema.pipeline_versions, schema.pipelines
    return tx.scalar(
        select(pipelines.c.namespace)
        .join(versions, versions.c.pipeline_id == pipelines.c.pipeline_id)
        .where(versions.c.pipeline_version_id == pipeline_version_id)
    )
