"""Making a run: all that can be known is checked first, then one write."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flowmaker import ids
from flowmaker.pipelines.api.context import Context
from flowmaker.pipelines.api.messages import RunRequest
from flowmaker.pipelines.driver.job import pipeline_root
from flowmaker.pipelines.ir import package
from flowmaker.pipelines.ir.parameters import check_parameters
from flowmaker.pipelines.ir.validate import validate
from flowmaker.pipelines.records.catalog import (
    Document,
    Experiment,
    PipelineVersion,
)
from flowmaker.pipelines.records.run import Run, RuntimeState, StateChange
from flowmaker.pipelines.repository import catalog, runs
from flowmaker.store.database import Transaction

#: The experiment of runs that name none, as KFP has it.
DEFAULT_EXPERIMENT = "Default"
DEFAULT_DESCRIPTION = "The runs that were made without naming an experiment."


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """What will run, once it has been proved that it can."""

    pipeline_spec: Document
    platform_spec: Document
    parameters: Mapping[str, Any]


async def check(context: Context, wanted: RunRequest) -> tuple[Checked, PipelineVersion | None]:
    """What will run, and the version that it is of; refused if it cannot run."""
    if wanted.experiment_id:
        await context.database.read(catalog.get_open_experiment, wanted.experiment_id)
    version = None
    if wanted.pipeline_spec is None:
        version = await context.database.read(_version, wanted)
    return await asyncio.to_thread(_check, wanted, version, context), version


async def submit(context: Context, wanted: RunRequest) -> Run:
    """Record a run that can run."""
    checked, version = await check(context, wanted)
    now = context.clock.now()
    run = Run(
        run_id=ids.new(),
        display_name=wanted.display_name,
        experiment_id=wanted.experiment_id,
        description=wanted.description,
        service_account=wanted.service_account,
        created_at=now,
        scheduled_at=now,
        pipeline_spec=checked.pipeline_spec,
        platform_spec=checked.platform_spec,
        pipeline_id=version.pipeline_id if version else "",
        pipeline_version_id=version.pipeline_version_id if version else "",
        parameters=checked.parameters,
        pipeline_root=wanted.pipeline_root,
        state_history=(StateChange(at=now, state=RuntimeState.PENDING),),
    )
    return await context.database.write(_record, run, ids.new())


def _version(tx: Transaction, wanted: RunRequest) -> PipelineVersion:
    if wanted.pipeline_version_id:
        return catalog.get_version(tx, wanted.pipeline_id, wanted.pipeline_version_id)
    return catalog.latest_version(tx, wanted.pipeline_id)


def _check(wanted: RunRequest, version: PipelineVersion | None, context: Context) -> Checked:
    if version:
        pipeline_spec, platform_spec = version.pipeline_spec, version.platform_spec
    else:
        pipeline_spec, platform_spec = package.split(wanted.pipeline_spec or {})
    machine = context.machine
    validate(pipeline_spec, platform_spec, machine.known_image, machine.accelerators)
    if root := wanted.pipeline_root or pipeline_spec.get("defaultPipelineRoot", ""):
        pipeline_root(root)  # in a store that there is
    return Checked(
        pipeline_spec=pipeline_spec,
        platform_spec=platform_spec,
        parameters=check_parameters(pipeline_spec, wanted.parameters),
    )


def _record(tx: Transaction, run: Run, new_id: str) -> Run:
    experiment = experiment_of(tx, run.experiment_id, new_id, run.created_at)
    run = replace(run, experiment_id=experiment.experiment_id, namespace=experiment.namespace)
    catalog.note_run(tx, run.experiment_id, run.created_at)
    runs.insert_run(tx, run)
    return run


def experiment_of(tx: Transaction, experiment_id: str, new_id: str, now: datetime) -> Experiment:
    """The experiment or, when none is named, the default one, which is made when it must be.

    Raises:
        NotFound, FailedPrecondition: it is not there, or archived.
    """
    if experiment_id:
        return catalog.get_open_experiment(tx, experiment_id)
    if found := catalog.experiment_named(tx, "", DEFAULT_EXPERIMENT):
        return catalog.check_open(found)
    made = Experiment(
        experiment_id=new_id,
        display_name=DEFAULT_EXPERIMENT,
        description=DEFAULT_DESCRIPTION,
        created_at=now,
    )
    catalog.insert_experiment(tx, made)
    return made
