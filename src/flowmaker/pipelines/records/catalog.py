"""Experiments, pipelines and their versions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

#: A JSON object as it came over the wire, e.g. a PipelineSpec in proto3 JSON (camelCase).
Document = Mapping[str, Any]


class StorageState(StrEnum):
    """Whether something is in the archive. KFP's enum `StorageState`."""

    AVAILABLE = "AVAILABLE"
    ARCHIVED = "ARCHIVED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Experiment:
    """A named group of runs. KFP's `v2beta1Experiment`."""

    experiment_id: str
    display_name: str
    created_at: datetime
    description: str = ""
    namespace: str = ""
    storage_state: StorageState = StorageState.AVAILABLE
    last_run_created_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Pipeline:
    """A named series of versions. KFP's `v2beta1Pipeline`."""

    pipeline_id: str
    name: str
    display_name: str
    created_at: datetime
    description: str = ""
    namespace: str = ""
    #: The user's own words on it, by their keys.
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True, slots=True)
class PipelineVersion:
    """One compiled package. KFP's `v2beta1PipelineVersion`."""

    pipeline_version_id: str
    pipeline_id: str
    name: str
    display_name: str
    created_at: datetime
    pipeline_spec: Document
    platform_spec: Document = field(default_factory=dict[str, Any])
    description: str = ""
    code_source_url: str = ""
    #: Where it was fetched from; empty when it was uploaded.
    package_url: str = ""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
