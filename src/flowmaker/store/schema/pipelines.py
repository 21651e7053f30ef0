"""Tables of Kubeflow Pipelines. See `flowmaker.pipelines.records` for what the columns mean."""

from sqlalchemy import (
    DDL,
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    event,
    text,
)

from flowmaker.store.schema.metadata import NEVER, Timestamp, metadata

experiments = Table(
    "kfp_experiments",
    metadata,
    Column("experiment_id", Text, primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("storage_state", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("last_run_created_at", Timestamp),
    Index("kfp_experiments_by_name", "namespace", "display_name", unique=True),
)

pipelines = Table(
    "kfp_pipelines",
    metadata,
    Column("pipeline_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("tags", JSON, nullable=False, server_default="{}"),
    Index("kfp_pipelines_by_name", "namespace", "name", unique=True),
)

pipeline_versions = Table(
    "kfp_pipeline_versions",
    metadata,
    Column("pipeline_version_id", Text, primary_key=True),
    Column("pipeline_id", Text, ForeignKey("kfp_pipelines.pipeline_id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("code_source_url", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("pipeline_spec", JSON, nullable=False),
    Column("platform_spec", JSON, nullable=False),
    Column("package_url", Text, nullable=False, server_default=""),
    Column("tags", JSON, nullable=False, server_default="{}"),
    Index("kfp_pipeline_versions_by_name", "pipeline_id", "name", unique=True),
)

runs = Table(
    "kfp_runs",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("experiment_id", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("service_account", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("state_history", JSON, nullable=False),
    Column("storage_state", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("scheduled_at", Timestamp),
    Column("finished_at", Timestamp),
    Column("error", Text, nullable=False),
    Column("pipeline_id", Text, nullable=False),
    Column("pipeline_version_id", Text, nullable=False),
    Column("pipeline_spec", JSON, nullable=False),
    Column("platform_spec", JSON, nullable=False),
    Column("parameters", JSON, nullable=False),
    Column("pipeline_root", Text, nullable=False),
    Column("terminate_requested", Boolean, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("recurring_run_id", Text, nullable=False, server_default=""),
    Column("expires_at", Timestamp),
    Index("kfp_runs_by_expiry", "expires_at"),
    Index("kfp_runs_by_time", "created_at"),
    Index("kfp_runs_by_recurring_run", "recurring_run_id", "state"),
    Index("kfp_runs_by_experiment", "experiment_id", "created_at"),
    Index("kfp_runs_by_state", "state"),
    Index("kfp_runs_by_name", "display_name"),
    # Every order of a list, with the key that breaks ties. The first has all that lists filter and
    # sort by, so that none of them has to touch the specs that fill the rows.
    Index(
        "kfp_runs_in_order_created",
        *("created_at", "run_id", "display_name", "storage_state", "experiment_id", "state"),
        *("namespace", "recurring_run_id", "finished_at", "scheduled_at", "description"),
    ),
    Index("kfp_runs_in_order_named", "display_name", "run_id"),
    Index("kfp_runs_in_order_of_state", "state", "run_id"),
    Index("kfp_runs_in_order_finished", text(f"coalesce(finished_at, {NEVER})"), "run_id"),
    Index("kfp_runs_in_order_scheduled", text(f"coalesce(scheduled_at, {NEVER})"), "run_id"),
    Index("kfp_runs_by_storage_state", "storage_state", "created_at", "display_name"),
)

#: Runs that were deleted before they had ended. Nobody is told of them any more; their rows go when
#: the last of their processes has.
run_removals = Table(
    "kfp_run_removals",
    metadata,
    Column("run_id", Text, ForeignKey("kfp_runs.run_id", ondelete="CASCADE"), primary_key=True),
)

recurring_runs = Table(
    "kfp_recurring_runs",
    metadata,
    Column("recurring_run_id", Text, primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("experiment_id", Text, nullable=False),
    Column("service_account", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("updated_at", Timestamp, nullable=False),
    Column("trigger", JSON, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("max_concurrency", Integer, nullable=False),
    Column("no_catchup", Boolean, nullable=False),
    Column("pipeline_id", Text, nullable=False),
    Column("pipeline_version_id", Text, nullable=False),
    Column("pipeline_spec", JSON, nullable=False),
    Column("platform_spec", JSON, nullable=False),
    Column("parameters", JSON, nullable=False),
    Column("pipeline_root", Text, nullable=False),
    Column("last_triggered_at", Timestamp),
    Column("last_index", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Index("kfp_recurring_runs_by_time", "created_at"),
    Index("kfp_recurring_runs_by_experiment", "experiment_id", "created_at"),
)

#: Results that a task may take over instead of being executed: see docs/caching.md.
cache = Table(
    "kfp_cache",
    metadata,
    Column("key", Text, primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("task_id", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("outputs", JSON, nullable=False),
    Column("contents", JSON, nullable=False),
    Column("effects", JSON, nullable=False),
)

tasks = Table(
    "kfp_tasks",
    metadata,
    Column("task_id", Text, primary_key=True),
    Column("run_id", Text, ForeignKey("kfp_runs.run_id"), nullable=False),
    Column("parent_task_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("component", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("state_history", JSON, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("started_at", Timestamp),
    Column("ended_at", Timestamp),
    Column("error", Text, nullable=False),
    Column("inputs", JSON, nullable=False),
    Column("outputs", JSON, nullable=False),
    Column("process_id", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Index("kfp_tasks_by_run", "run_id"),
    # The claim on a task's place in its DAG: expanding a DAG twice cannot make it twice.
    Index("kfp_tasks_by_place", "run_id", "parent_task_id", "name", unique=True),
)

#: The numbers of tasks' artifacts of type Metrics, which are in `tasks.outputs` too: runs are found
#: by them.
metrics = Table(
    "kfp_metrics",
    metadata,
    Column("task_id", Text, ForeignKey("kfp_tasks.task_id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("value", Float, nullable=False),
    Index("kfp_metrics_by_value", "name", "value", "run_id"),
    Index("kfp_metrics_by_run", "run_id", "name", "value"),
)

# The runs of a data folder that is older than the table are found, too.
event.listen(
    metrics,
    "after_create",
    DDL("""
        INSERT OR REPLACE INTO kfp_metrics (task_id, name, run_id, value)
        SELECT kfp_tasks.task_id, metric.key, kfp_tasks.run_id, metric.value
        FROM kfp_tasks,
             json_each(CASE WHEN json_valid(outputs) THEN outputs ELSE '{}' END, '$.artifacts')
               AS output,
             json_each(output.value) AS artifact,
             json_each(artifact.value, '$.metadata') AS metric
        WHERE kfp_tasks.kind = 'CONTAINER' AND metric.type IN ('integer', 'real')
          AND json_extract(artifact.value, '$.type.schemaTitle') = 'system.Metrics'
    """),
)

#: The smallest and the largest value of each metric of a run: a list that asks for them finds a run
#: once, however many of its tasks have the metric.
run_metrics = Table(
    "kfp_run_metrics",
    metadata,
    Column("run_id", Text, ForeignKey("kfp_runs.run_id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("least", Float, nullable=False),
    Column("greatest", Float, nullable=False),
    Index("kfp_run_metrics_by_least", "name", "least", "greatest"),
    Index("kfp_run_metrics_by_greatest", "name", "greatest"),
    # A run's own are found at once, and what is found in an index has the run's id.
    sqlite_with_rowid=False,
)
run_metrics.add_is_dependent_on(metrics)  # which a folder that is older still gets in the same go

event.listen(
    run_metrics,
    "after_create",
    DDL("""
        INSERT OR REPLACE INTO kfp_run_metrics (run_id, name, least, greatest)
        SELECT run_id, name, min(value), max(value) FROM kfp_metrics GROUP BY run_id, name
    """),
)
