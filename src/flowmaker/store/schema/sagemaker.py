"""Tables of Amazon SageMaker. See `flowmaker.sagemaker.records` for what the columns mean."""

from sqlalchemy import JSON, Boolean, Column, Float, Index, Integer, Table, Text

from flowmaker.store.schema.metadata import Timestamp, metadata

#: Jobs, models, endpoint configurations and endpoints: all that has a name in an account.
resources = Table(
    "sagemaker_resources",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("arn", Text, nullable=False),
    Column("status", Text, nullable=False),
    # A controller has something to do for it, or may have.
    Column("open", Boolean, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("modified_at", Timestamp, nullable=False),
    # The request that made it, as the client sent it.
    Column("request", JSON, nullable=False),
    # What its controller knows: a record of its kind as a JSON document.
    Column("state", JSON, nullable=False),
    Column("revision", Integer, nullable=False),
    # The id of what made it: of a training job its tuning job; else empty.
    Column("parent", Text, nullable=False, server_default=""),
    Index("sagemaker_resources_by_name", "kind", "account", "region", "name", unique=True),
    Index("sagemaker_resources_by_time", "kind", "account", "region", "created_at"),
    Index("sagemaker_resources_open", "kind", "open"),
    Index("sagemaker_resources_by_arn", "arn"),
)

tags = Table(
    "sagemaker_tags",
    metadata,
    Column("arn", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

#: Requests of InvokeEndpointAsync that are not answered yet.
async_requests = Table(
    "sagemaker_async_requests",
    metadata,
    Column("id", Text, primary_key=True),
    Column("endpoint_id", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    # The request as the client sent it, and where its answer goes.
    Column("request", JSON, nullable=False),
    Index("sagemaker_async_requests_by_endpoint", "endpoint_id", "created_at"),
)

#: Which trial components belong to which trials, by their names.
trial_components = Table(
    "sagemaker_trial_components",
    metadata,
    Column("account", Text, primary_key=True),
    Column("region", Text, primary_key=True),
    Column("trial", Text, primary_key=True),
    Column("component", Text, primary_key=True),
    Index("sagemaker_trial_components_by_component", "account", "region", "component"),
)

#: Metrics that BatchPutMetrics put, a row for each value.
component_metrics = Table(
    "sagemaker_component_metrics",
    metadata,
    Column("arn", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    # The iteration; where none was given the number of values before.
    Column("step", Integer, primary_key=True),
    Column("at", Timestamp, nullable=False),
    Column("value", Float, nullable=False),
)

#: Training jobs of a tuning job. Each has its number, which its name is made of.
trials = Table(
    "sagemaker_trials",
    metadata,
    Column("tuning_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    # The id of its training job, and the name of the definition that it was made of.
    Column("job_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("definition", Text, nullable=False),
    # The hyperparameters that were chosen for it, as text.
    Column("chosen", JSON, nullable=False),
    # The training job's status, once that is final; empty until then.
    Column("ending", Text, nullable=False),
    Column("objective", Float),
    Column("created_at", Timestamp, nullable=False),
    Column("ended_at", Timestamp),
    Index("sagemaker_trials_open", "tuning_id", "ending"),
    Index("sagemaker_trials_by_objective", "tuning_id", "objective"),
)

#: Results of pipelines' steps that later executions may have instead of running them.
pipeline_cache = Table(
    "sagemaker_pipeline_cache",
    metadata,
    Column("pipeline_id", Text, primary_key=True),
    Column("step", Text, primary_key=True),
    # What the step was asked for, as a hash.
    Column("key", Text, primary_key=True),
    Column("at", Timestamp, nullable=False),
    Column("execution_arn", Text, nullable=False),
    # The run of the step as a JSON document.
    Column("run", JSON, nullable=False),
)

#: The definitions that pipelines have had. The last is the one that they have.
pipeline_versions = Table(
    "sagemaker_pipeline_versions",
    metadata,
    Column("pipeline_id", Text, primary_key=True),
    # From 1 on.
    Column("number", Integer, primary_key=True),
    Column("definition", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("description", Text, nullable=False),
)
