"""Tables of flowmaker.aws."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
)

from flowmaker.ids import ACCOUNT
from flowmaker.store.schema.metadata import OF_OLD, Timestamp, metadata


def _account(*, primary_key: bool = True) -> Column[str]:
    """Whose a row is. There is no default: who forgets to say it is refused.

    What is older than accounts is the first account's.
    """
    return Column("account", Text, primary_key=primary_key, nullable=False, info={OF_OLD: ACCOUNT})


# ECR

# Repositories of images that somebody made, tagged or gave a policy. Images are no rows: they are
# registered in the data folder, and a repository is also there when an image of its name is.
ecr_repositories = Table(
    "ecr_repositories",
    metadata,
    Column("account", Text, primary_key=True),
    Column("region", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("created_at", Timestamp, nullable=False),
    # JSON text as it was given; empty: none.
    Column("policy", Text, nullable=False),
    Column("tags", JSON, nullable=False),
)

# CloudWatch Logs

log_groups = Table(
    "aws_log_groups",
    metadata,
    Column("account", Text, primary_key=True),
    Column("region", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("created_at", Timestamp, nullable=False),
    # Null: events stay for ever.
    Column("retention_days", Integer),
    # Older events have gone, in milliseconds since 1970, whatever is kept from now on.
    Column("gone_before", Integer),
    # Null: none.
    Column("tags", JSON),
)

log_streams = Table(
    "aws_log_streams",
    metadata,
    Column("account", Text, primary_key=True),
    Column("region", Text, primary_key=True),
    Column("group_name", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("created_at", Timestamp, nullable=False),
    # The file that its events are the lines of.
    Column("file", Text, nullable=False),
    # Nothing is written to it any more: its last line needs no line feed.
    Column("closed", Boolean, nullable=False),
    # When which bytes were first seen: [[offset, milliseconds], ...], both ascending.
    Column("marks", JSON, nullable=False),
)

# Groups that users make themselves. Those above are of jobs and endpoints, whose names begin with
# `/aws/sagemaker/`; these do not.
kept_log_groups = Table(
    "aws_kept_log_groups",
    metadata,
    Column("account", Text, primary_key=True),
    Column("region", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("created_at", Timestamp, nullable=False),
    # Null: events stay for ever.
    Column("retention_days", Integer),
    Column("tags", JSON, nullable=False),
)

kept_log_streams = Table(
    "aws_kept_log_streams",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("group_name", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    # When something was put into it last, in milliseconds since 1970.
    Column("ingested_at", Integer),
    Index(
        *("aws_kept_log_streams_by_name", "account", "region", "group_name", "name"),
        unique=True,
    ),
)

#: Times are milliseconds since 1970.
kept_log_events = Table(
    "aws_kept_log_events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("stream_id", Integer, nullable=False),
    Column("at", Integer, nullable=False),
    Column("ingested_at", Integer, nullable=False),
    Column("message", Text, nullable=False),
    Index("aws_kept_log_events_by_time", "stream_id", "at"),
)

# CloudWatch

metrics = Table(
    "aws_metrics",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    # JSON: [[name, value], ...] in the order of the names.
    Column("dimensions", Text, nullable=False),
    Index(
        *("aws_metrics_by_name", "account", "region", "namespace", "name", "dimensions"),
        unique=True,
    ),
)

#: What was measured of a metric: the statistics of all values of one time.
metric_points = Table(
    "aws_metric_points",
    metadata,
    Column("metric_id", Integer, primary_key=True),
    # Seconds since 1970: a whole minute, unless the metric is one of high resolution.
    Column("at", Integer, primary_key=True),
    Column("unit", Text, primary_key=True),
    Column("samples", Float, nullable=False),
    Column("total", Float, nullable=False),
    Column("least", Float, nullable=False),
    Column("most", Float, nullable=False),
)

# IAM and STS. Names are an account's own; ids, and keys, are those of all accounts.

# The accounts beside the first, which has no row.
aws_accounts = Table(
    "aws_accounts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("created_at", Timestamp, nullable=False),
)

iam_users = Table(
    "iam_users",
    metadata,
    _account(),
    Column("user_name", Text, primary_key=True),
    Column("user_id", Text, nullable=False, unique=True),
    Column("path", Text, nullable=False),
    Column("boundary", Text, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("created_at", Timestamp, nullable=False),
)

iam_roles = Table(
    "iam_roles",
    metadata,
    _account(),
    Column("role_name", Text, primary_key=True),
    Column("role_id", Text, nullable=False, unique=True),
    Column("path", Text, nullable=False),
    Column("trust_policy", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("max_session_duration", Integer, nullable=False),
    Column("boundary", Text, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("created_at", Timestamp, nullable=False),
)

iam_groups = Table(
    "iam_groups",
    metadata,
    _account(),
    Column("group_name", Text, primary_key=True),
    Column("group_id", Text, nullable=False, unique=True),
    Column("path", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
)

iam_memberships = Table(
    "iam_memberships",
    metadata,
    _account(),
    Column("user_name", Text, primary_key=True),
    Column("group_name", Text, primary_key=True),
    Index("iam_memberships_by_group", "account", "group_name"),
)

# `role_name` is empty until a role is in it.
iam_instance_profiles = Table(
    "iam_instance_profiles",
    metadata,
    _account(),
    Column("instance_profile_name", Text, primary_key=True),
    Column("instance_profile_id", Text, nullable=False, unique=True),
    Column("path", Text, nullable=False),
    Column("role_name", Text, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("created_at", Timestamp, nullable=False),
)

# Managed policies of the account. AWS's own are not rows: they are read from a package's data.
iam_policies = Table(
    "iam_policies",
    metadata,
    _account(),
    Column("policy_name", Text, primary_key=True),
    Column("policy_id", Text, nullable=False, unique=True),
    Column("arn", Text, nullable=False, unique=True),
    Column("path", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("default_version", Integer, nullable=False),
    Column("last_version", Integer, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("updated_at", Timestamp, nullable=False),
)

iam_policy_versions = Table(
    "iam_policy_versions",
    metadata,
    _account(),
    Column("policy_name", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("policy_text", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    ForeignKeyConstraint(
        ["account", "policy_name"], ["iam_policies.account", "iam_policies.policy_name"]
    ),
)

# `holder_kind` is `user`, `role` or `group`, `holder` its name.
iam_attachments = Table(
    "iam_attachments",
    metadata,
    _account(),
    Column("holder_kind", Text, primary_key=True),
    Column("holder", Text, primary_key=True),
    Column("policy_arn", Text, primary_key=True),
    Index("iam_attachments_by_policy", "account", "policy_arn"),
)

iam_inline_policies = Table(
    "iam_inline_policies",
    metadata,
    _account(),
    Column("holder_kind", Text, primary_key=True),
    Column("holder", Text, primary_key=True),
    Column("policy_name", Text, primary_key=True),
    Column("policy_text", Text, nullable=False),
)

# Long-lived keys. `user_name` is empty for those of the root user.
iam_access_keys = Table(
    "iam_access_keys",
    metadata,
    Column("access_key_id", Text, primary_key=True),
    _account(primary_key=False),
    Column("secret_access_key", Text, nullable=False),
    Column("user_name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("last_used_at", Timestamp),
    Column("last_used_service", Text, nullable=False),
    Column("last_used_region", Text, nullable=False),
    Index("iam_access_keys_by_user", "account", "user_name"),
)

# Temporary credentials. `purpose` is empty, or names the one session that the server keeps.
sts_sessions = Table(
    "sts_sessions",
    metadata,
    Column("access_key_id", Text, primary_key=True),
    Column("secret_access_key", Text, nullable=False),
    Column("session_token", Text, nullable=False),
    Column("principal_arn", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("session_policies", JSON, nullable=False),
    # [[key, value], ...], and the keys of those that a further session takes over. Null: none.
    Column("tags", JSON),
    Column("transitive", JSON),
    Column("source_identity", Text, nullable=False, server_default=""),
    Column("purpose", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    Index("sts_sessions_by_expiry", "expires_at"),
    Index("sts_sessions_by_purpose", "purpose"),
)

# What was decided lately, for whom: each need once for as long as it comes again and again.
iam_decisions = Table(
    "iam_decisions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("principal", Text, nullable=False),
    # What the caller's SDK says that it is part of (`task-…`), empty for most.
    Column("app", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("passed_to", Text, nullable=False),
    Column("allowed", Boolean, nullable=False),
    # Of a denial: whether a statement denies, what the caller was told, and what would allow it.
    Column("explicit", Boolean, nullable=False),
    Column("told", Text, nullable=False),
    Column("missing", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("first_at", Timestamp, nullable=False),
    Column("last_at", Timestamp, nullable=False),
    Index("iam_decisions_by_time", "last_at"),
)
