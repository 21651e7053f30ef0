"""Experiments, pipelines and versions in the database."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from flowmaker.errors import AlreadyExists, FailedPrecondition, NotFound
from flowmaker.pipelines.records.catalog import (
    Experiment,
    Pipeline,
    PipelineVersion,
    StorageState,
)
from flowmaker.store.database import Transaction
from flowmaker.store.schema.pipelines import (
    experiments,
    pipeline_versions,
    pipelines,
    recurring_runs,
    runs,
)

# Each run that is made asks and writes these: they are built once.
_NAMED = select(experiments).where(
    experiments.c.namespace == bindparam("namespace"),
    experiments.c.display_name == bindparam("display_name"),
)
_NOTED = update(experiments).where(experiments.c.experiment_id == bindparam("of"))


def row_to_experiment(row: Row[Any]) -> Experiment:
    return Experiment(
        experiment_id=row.experiment_id,
        display_name=row.display_name,
        description=row.description,
        namespace=row.namespace,
        storage_state=StorageState(row.storage_state),
        created_at=row.created_at,
        last_run_created_at=row.last_run_created_at,
    )


def row_to_pipeline(row: Row[Any]) -> Pipeline:
    return Pipeline(
        pipeline_id=row.pipeline_id,
        name=row.name,
        display_name=row.display_name,
        description=row.description,
        namespace=row.namespace,
        created_at=row.created_at,
        tags=row.tags,
    )


def row_to_version(row: Row[Any]) -> PipelineVersion:
    return PipelineVersion(
        pipeline_version_id=row.pipeline_version_id,
        pipeline_id=row.pipeline_id,
        name=row.name,
        display_name=row.display_name,
        description=row.description,
        code_source_url=row.code_source_url,
        package_url=row.package_url,
        created_at=row.created_at,
        pipeline_spec=row.pipeline_spec,
        platform_spec=row.platform_spec,
        tags=row.tags,
    )


# --- experiments ---


def insert_experiment(tx: Transaction, experiment: Experiment) -> None:
    """Keep a new experiment; one of its name must not be there."""
    try:
        tx.execute(
            insert(experiments).values(
                experiment_id=experiment.experiment_id,
                display_name=experiment.display_name,
                description=experiment.description,
                namespace=experiment.namespace,
                storage_state=experiment.storage_state.value,
                created_at=experiment.created_at,
                last_run_created_at=experiment.last_run_created_at,
            )
        )
    except IntegrityError as error:
        raise AlreadyExists(
            f"There is an experiment named {experiment.display_name!r} already."
        ) from error


def get_experiment(tx: Transaction, experiment_id: str) -> Experiment:
    row = tx.execute(
        select(experiments).where(experiments.c.experiment_id == experiment_id)
    ).one_or_none()
    if row is None:
        raise NotFound(f"There is no experiment {experiment_id!r}.")
    return row_to_experiment(row)


def get_open_experiment(tx: Transaction, experiment_id: str) -> Experiment:
    """An experiment that runs may be made in.

    Raises:
        NotFound, FailedPrecondition: it is not there, or in the archive.
    """
    return check_open(get_experiment(tx, experiment_id))


def check_open(experiment: Experiment) -> Experiment:
    if experiment.storage_state is StorageState.ARCHIVED:
        raise FailedPrecondition(
            f"Experiment {experiment.display_name!r} is archived. Unarchive it, or use another."
        )
    return experiment


def experiment_named(tx: Transaction, namespace: str, display_name: str) -> Experiment | None:
    row = tx.execute(_NAMED, {"namespace": namespace, "display_name": display_name}).one_or_none()
    return None if row is None else row_to_experiment(row)


def note_run(tx: Transaction, experiment_id: str, at: datetime) -> None:
    """Remember when the latest run of an experiment was made."""
    tx.execute(_NOTED, {"of": experiment_id, "last_run_created_at": at})


def archive_experiment(tx: Transaction, experiment_id: str) -> None:
    """Archive an experiment, and with it its runs; its recurring runs make no more. As KFP does."""
    _set_storage_state(tx, experiment_id, StorageState.ARCHIVED)
    tx.execute(
        update(runs)
        .where(runs.c.experiment_id == experiment_id)
        .values(storage_state=StorageState.ARCHIVED.value)
    )
    tx.execute(
        update(recurring_runs)
        .where(recurring_runs.c.experiment_id == experiment_id)
        .values(enabled=False)
    )


def unarchive_experiment(tx: Transaction, experiment_id: str) -> None:
    """Take an experiment out of the archive; its runs stay there, as in KFP."""
    _set_storage_state(tx, experiment_id, StorageState.AVAILABLE)


def delete_experiment(tx: Transaction, experiment_id: str) -> None:
    """Delete an experiment; its runs stay, as in KFP."""
    get_experiment(tx, experiment_id)
    tx.execute(delete(experiments).where(experiments.c.experiment_id == experiment_id))


def _set_storage_state(tx: Transaction, experiment_id: str, state: StorageState) -> None:
    get_experiment(tx, experiment_id)
    tx.execute(
        update(experiments)
        .where(experiments.c.experiment_id == experiment_id)
        .values(storage_state=state.value)
    )


# --- pipelines ---


def insert_pipeline(tx: Transaction, pipeline: Pipeline) -> None:
    """Keep a new pipeline; one of its name must not be there."""
    try:
        tx.execute(
            insert(pipelines).values(
                pipeline_id=pipeline.pipeline_id,
                name=pipeline.name,
                display_name=pipeline.display_name,
                description=pipeline.description,
                namespace=pipeline.namespace,
                created_at=pipeline.created_at,
                tags=dict(pipeline.tags),
            )
        )
    except IntegrityError as error:
        raise AlreadyExists(
            f"There is a pipeline named {pipeline.name!r} already. Use another name, or upload"
            " this one as a new version of it."
        ) from error


def get_pipeline(tx: Transaction, pipeline_id: str) -> Pipeline:
    row = tx.execute(select(pipelines).where(pipelines.c.pipeline_id == pipeline_id)).one_or_none()
    if row is None:
        raise NotFound(f"There is no pipeline {pipeline_id!r}.")
    return row_to_pipeline(row)


def pipeline_named(tx: Transaction, namespace: str, name: str) -> Pipeline:
    row = tx.execute(
        select(pipelines).where(pipelines.c.namespace == namespace, pipelines.c.name == name)
    ).one_or_none()
    if row is None:
        raise NotFound(f"There is no pipeline named {name!r}.")
    return row_to_pipeline(row)


def change_pipeline(tx: Transaction, pipeline_id: str, changes: Mapping[str, Any]) -> Pipeline:
    """Change a pipeline's `display_name` or `tags`; its name stays."""
    tx.execute(update(pipelines).where(pipelines.c.pipeline_id == pipeline_id).values(**changes))
    return get_pipeline(tx, pipeline_id)


def delete_pipeline(tx: Transaction, pipeline_id: str, *, cascade: bool) -> None:
    """Delete a pipeline; with `cascade` its versions too, else it must have none."""
    get_pipeline(tx, pipeline_id)
    if cascade:
        tx.execute(delete(pipeline_versions).where(pipeline_versions.c.pipeline_id == pipeline_id))
    else:
        count = tx.execute(
            select(func.count())
            .select_from(pipeline_versions)
            .where(pipeline_versions.c.pipeline_id == pipeline_id)
        ).scalar_one()
        if count:
            raise FailedPrecondition(
                f"Pipeline {pipeline_id!r} has {count} version(s). Delete them first, or delete"
                " the pipeline with cascade=true."
            )
    tx.execute(delete(pipelines).where(pipelines.c.pipeline_id == pipeline_id))


# --- versions ---


def insert_version(tx: Transaction, version: PipelineVersion) -> None:
    """Keep a new version of a pipeline that is there; one of its name must not be."""
    get_pipeline(tx, version.pipeline_id)
    try:
        tx.execute(
            insert(pipeline_versions).values(
                pipeline_version_id=version.pipeline_version_id,
                pipeline_id=version.pipeline_id,
                name=version.name,
                display_name=version.display_name,
                description=version.description,
                code_source_url=version.code_source_url,
                package_url=version.package_url,
                created_at=version.created_at,
                pipeline_spec=version.pipeline_spec,
                platform_spec=version.platform_spec,
                tags=dict(version.tags),
            )
        )
    except IntegrityError as error:
        raise AlreadyExists(
            f"Pipeline {version.pipeline_id!r} has a version named {version.name!r} already."
        ) from error


def insert_pipeline_and_version(
    tx: Transaction, pipeline: Pipeline, version: PipelineVersion
) -> None:
    """Both or neither."""
    insert_pipeline(tx, pipeline)
    insert_version(tx, version)


def get_version(tx: Transaction, pipeline_id: str, pipeline_version_id: str) -> PipelineVersion:
    """A version; `pipeline_id` may be empty when it is not known."""
    row = tx.execute(
        select(pipeline_versions).where(
            pipeline_versions.c.pipeline_version_id == pipeline_version_id
        )
    ).one_or_none()
    if row is None or (pipeline_id and row.pipeline_id != pipeline_id):
        of = f" of pipeline {pipeline_id!r}" if pipeline_id else ""
        raise NotFound(f"There is no version {pipeline_version_id!r}{of}.")
    return row_to_version(row)


def latest_version(tx: Transaction, pipeline_id: str) -> PipelineVersion:
    """The version that was made last: what runs when only the pipeline is named."""
    get_pipeline(tx, pipeline_id)
    row = tx.execute(
        select(pipeline_versions)
        .where(pipeline_versions.c.pipeline_id == pipeline_id)
        .order_by(
            pipeline_versions.c.created_at.desc(), pipeline_versions.c.pipeline_version_id.desc()
        )
        .limit(1)
    ).one_or_none()
    if row is None:
        raise FailedPrecondition(f"Pipeline {pipeline_id!r} has no version. Upload one first.")
    return row_to_version(row)


def change_version(
    tx: Transaction, pipeline_id: str, pipeline_version_id: str, changes: Mapping[str, Any]
) -> PipelineVersion:
    """Change a version's `display_name` or `tags`; its name stays."""
    tx.execute(
        update(pipeline_versions)
        .where(
            pipeline_versions.c.pipeline_id == pipeline_id,
            pipeline_versions.c.pipeline_version_id == pipeline_version_id,
        )
        .values(**changes)
    )
    return get_version(tx, pipeline_id, pipeline_version_id)


def delete_version(tx: Transaction, pipeline_id: str, pipeline_version_id: str) -> None:
    """Delete a version; runs that were made from it keep their own copy of its spec."""
    get_version(tx, pipeline_id, pipeline_version_id)
    tx.execute(
        delete(pipeline_versions).where(
            pipeline_versions.c.pipeline_version_id == pipeline_version_id
        )
    )
