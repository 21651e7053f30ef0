"""Recurring runs: what KFP's UI calls a schedule."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flowmaker.pipelines.records.catalog import Document


@dataclass(frozen=True, kw_only=True, slots=True)
class Trigger:
    """When: KFP's `v2beta1Trigger`, one of its two kinds."""

    #: Seconds, minutes, hours, day of month, month and, if it matters, day of week; in UTC.
    cron: str = ""
    #: Or every so many seconds, counted from the start.
    interval_second: int = 0
    #: Nothing is due at or before it.
    start_time: datetime | None = None
    #: Nothing is due after it.
    end_time: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RecurringRun:
    """A run that is made again and again. KFP's `v2beta1RecurringRun`."""

    recurring_run_id: str
    display_name: str
    experiment_id: str
    created_at: datetime
    updated_at: datetime
    trigger: Trigger
    enabled: bool = True
    #: How many of its runs may go on at the same time.
    max_concurrency: int = 1
    #: Of several that are due, only the latest is made.
    no_catchup: bool = False
    #: Empty when it is of an uploaded version.
    pipeline_spec: Document = field(default_factory=dict[str, Any])
    platform_spec: Document = field(default_factory=dict[str, Any])
    pipeline_id: str = ""
    #: Empty, with a pipeline_id: the version that is the newest when the run is made.
    pipeline_version_id: str = ""
    #: The values given for the root's parameters, with KFP's `[[ScheduledTime]]` and the like.
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    pipeline_root: str = ""
    description: str = ""
    namespace: str = ""
    service_account: str = ""
    #: When its latest run was due, and how many there were: a trigger is used once.
    last_triggered_at: datetime | None = None
    last_index: int = 0
    #: Why its latest run could not be made, for a person; empty otherwise.
    error: str = ""
