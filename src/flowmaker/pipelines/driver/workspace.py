"""The workspace of a run: a folder that its tasks share (dsl.WorkspaceConfig). Pure."""

import json
from typing import Any

from flowmaker.pipelines.driver.job import local_path
from flowmaker.pipelines.ir.graph import Container
from flowmaker.pipelines.ir.pipeline_config import WORKSPACE
from flowmaker.pipelines.records.catalog import Document

#: In it, what importers downloaded: `.artifacts/s3/bucket/key`, as `kfp.dsl` looks for it.
ARTIFACTS = ".artifacts"
#: The metadata that tells `kfp.dsl` that an artifact is there.
MARK = "_kfp_workspace"
_PLACEHOLDER = "{{$.workspace_path}}"


def claim_name(run_id: str) -> str:
    """The persistent volume claim that a run's workspace is."""
    return f"{run_id}-kfp-workspace"


def run_of(claim: str) -> str:
    """The run whose workspace a claim is by its name; empty when it is none."""
    run_id = claim.removesuffix("-kfp-workspace")
    return run_id if run_id != claim else ""


def is_inside(artifact: Document) -> bool:
    """Whether an importer put the artifact into the workspace."""
    return artifact.get("metadata", {}).get(MARK) is True


def path_inside(uri: str) -> str:
    """Where tasks find what was imported from `uri`."""
    return f"{WORKSPACE}/{ARTIFACTS}/{local_path('', uri).lstrip('/')}"


def with_workspace(value: Any) -> Any:  # noqa: ANN401 - JSON
    """The value of a pipeline's parameter, in which the workspace's path may be asked for."""
    return value.replace(_PLACEHOLDER, WORKSPACE) if isinstance(value, str) else value


def uses_workspace(inputs: Document, container: Container) -> bool:
    """Whether a task is shown the workspace: its inputs lead there, or its command does."""
    artifacts = (each for listed in inputs.get("artifacts", {}).values() for each in listed)
    if any(is_inside(each) for each in artifacts):
        return True
    env = (value for _, value in container.env)
    texts = (*container.command, *container.args, *env)
    return any(
        _PLACEHOLDER in text or WORKSPACE in text
        for text in (*texts, json.dumps(inputs.get("parameters", {})))
    )
