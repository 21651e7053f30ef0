"""Records as KFP writes them: proto3 JSON with snake_case names, what is not set left out. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from flowmaker.pipelines.records.catalog import Document, Experiment, Pipeline, PipelineVersion
from flowmaker.pipelines.records.recurring import RecurringRun, Trigger
from flowmaker.pipelines.records.run import Run, RuntimeState, StateChange, Task

#: google.rpc.Code of why something ended: of a failure that is its own, and of a cancelled one.
UNKNOWN = 2
CANCELLED = 1

Json = dict[str, Any]


def time(value: datetime | None) -> str | None:
    """RFC 3339 in UTC with as many digits as are needed: none, 3 or 6, as protobuf writes it."""
    if value is None:
        return None
    utc = value.astimezone(UTC)
    digits = "" if not utc.microsecond else f".{utc.microsecond:06d}"
    return utc.strftime("%Y-%m-%dT%H:%M:%S") + digits.removesuffix("000") + "Z"


def experiment(record: Experiment) -> Json:
    return _set(
        experiment_id=record.experiment_id,
        display_name=record.display_name,
        description=record.description,
        created_at=time(record.created_at),
        namespace=record.namespace,
        storage_state=record.storage_state.value,
        last_run_created_at=time(record.last_run_created_at),
    )


def pipeline(record: Pipeline) -> Json:
    return _set(
        pipeline_id=record.pipeline_id,
        name=record.name,
        display_name=record.display_name,
        description=record.description,
        created_at=time(record.created_at),
        namespace=record.namespace,
        tags=dict(record.tags),
    )


def version(record: PipelineVersion) -> Json:
    return _set(
        pipeline_id=record.pipeline_id,
        pipeline_version_id=record.pipeline_version_id,
        name=record.name,
        display_name=record.display_name,
        description=record.description,
        created_at=time(record.created_at),
        code_source_url=record.code_source_url,
        package_url=_set(pipeline_url=record.package_url),
        pipeline_spec=spec(record.pipeline_spec, record.platform_spec),
        tags=dict(record.tags),
    )


def run(record: Run, tasks: Iterable[Task] | None = None) -> Json:
    """A run; with its tasks when they are given."""
    details = None if tasks is None else task_details(tasks)
    return _set(
        experiment_id=record.experiment_id,
        run_id=record.run_id,
        display_name=record.display_name,
        storage_state=record.storage_state.value,
        description=record.description,
        **_source(record),
        runtime_config=_set(parameters=dict(record.parameters), pipeline_root=record.pipeline_root),
        service_account=record.service_account,
        created_at=time(record.created_at),
        scheduled_at=time(record.scheduled_at),
        finished_at=time(record.finished_at),
        state=_state(record).value,
        error=_status(record.error, record.state),
        run_details=_set(task_details=details) if details else None,
        state_history=[_change(change) for change in record.state_history],
        recurring_run_id=record.recurring_run_id,
    )


def recurring_run(record: RecurringRun) -> Json:
    """A recurring run. Its counts are 64-bit numbers, which are texts in proto3 JSON."""
    return _set(
        recurring_run_id=record.recurring_run_id,
        display_name=record.display_name,
        description=record.description,
        **_source(record),
        runtime_config=_set(parameters=dict(record.parameters), pipeline_root=record.pipeline_root),
        service_account=record.service_account,
        max_concurrency=str(record.max_concurrency),
        trigger=_trigger(record.trigger),
        mode="ENABLE" if record.enabled else "DISABLE",
        created_at=time(record.created_at),
        updated_at=time(record.updated_at),
        status="ENABLED" if record.enabled else "DISABLED",
        error=_status(record.error, RuntimeState.FAILED),
        no_catchup=record.no_catchup,
        namespace=record.namespace,
        experiment_id=record.experiment_id,
    )


def _trigger(trigger: Trigger) -> Json:
    times = _set(start_time=time(trigger.start_time), end_time=time(trigger.end_time))
    if trigger.cron:
        return {"cron_schedule": {**times, "cron": trigger.cron}}
    return {"periodic_schedule": {**times, "interval_second": str(trigger.interval_second)}}


def task_details(tasks: Iterable[Task]) -> list[Json]:
    """KFP's `PipelineTaskDetail` of each task, with its children."""
    tasks = list(tasks)
    children: defaultdict[str, list[Json]] = defaultdict(list)
    for task in tasks:
        if task.parent_task_id:
            children[task.parent_task_id].append({"task_id": task.task_id})
    return [_task(task, children[task.task_id]) for task in tasks]


def spec(pipeline_spec: Document, platform_spec: Document) -> Json:
    """A package in one document: with its platform spec beside it when it has one."""
    if platform_spec:
        return {"pipeline_spec": pipeline_spec, "platform_spec": platform_spec}
    return dict(pipeline_spec)


def page(name: str, items: list[Json], total: int, token: str) -> Json:
    """A reply to a list request."""
    return _set(**{name: items}, total_size=total, next_page_token=token)


def _task(task: Task, children: list[Json]) -> Json:
    detail = _set(
        run_id=task.run_id,
        task_id=task.task_id,
        display_name=task.display_name or task.name,
        create_time=time(task.created_at),
        start_time=time(task.started_at),
        end_time=time(task.ended_at),
        executor_detail=_set(main_job=task.process_id),
        state=task.state.value,
        error=_status(task.error, task.state),
        parent_task_id=task.parent_task_id,
        state_history=[_change(change) for change in task.state_history],
        pod_name=task.process_id,
        child_tasks=children,
        # Flowmaker's own, which KFP's clients skip: KFP's `inputs` and `outputs` hold nothing but
        # the numbers of ML Metadata, and are left empty by KFP itself.
        name=task.name,
        kind=task.kind.value,
        # The task whose result was taken over from the cache.
        cached_from=task.outputs.get("cached_from"),
    )
    for side, document in (("input", task.inputs), ("output", task.outputs)):
        for what in ("parameters", "artifacts"):
            if document.get(what):
                detail[f"{side}_{what}"] = document[what]
    return detail


def _source(record: Run | RecurringRun) -> Json:
    """Where a run's spec is from: KFP's oneof `pipeline_source`. Listings carry no spec."""
    if record.pipeline_id or record.pipeline_version_id:
        reference = _set(
            pipeline_id=record.pipeline_id, pipeline_version_id=record.pipeline_version_id
        )
        return {"pipeline_version_reference": reference}
    return {"pipeline_spec": spec(record.pipeline_spec, record.platform_spec)}


def _state(record: Run) -> RuntimeState:
    """A run that is to end says so from the moment that this was acknowledged."""
    is_asked = record.terminate_requested and not record.state.is_final
    return RuntimeState.CANCELING if is_asked else record.state


def _change(change: StateChange) -> Json:
    return _set(
        update_time=time(change.at),
        state=change.state.value,
        error=_status(change.error, change.state),
    )


def _status(error: str, state: RuntimeState) -> Json | None:
    if not error:
        return None
    code = CANCELLED if state in (RuntimeState.CANCELED, RuntimeState.CANCELING) else UNKNOWN
    return {"code": code, "message": error}


def _set(**fields: Any) -> Json:  # noqa: ANN401 - JSON
    """The fields that say something. A number that is 0 says nothing either, in proto3."""
    return {name: value for name, value in fields.items() if value}
