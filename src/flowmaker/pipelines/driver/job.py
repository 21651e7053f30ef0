"""What a task may know of the run that it is in, and where its files are."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from flowmaker.errors import Unsupported
from flowmaker.pipelines.ir.pipeline_config import WORKSPACE

#: How `kfp.dsl` maps the scheme of an artifact's URI to a folder. (`Artifact.path`)
FOLDERS = {"s3": "s3", "gs": "gcs", "minio": "minio", "oci": "oci"}
#: What the SDK has no folder for, and a task can be given all the same.
_MORE_FOLDERS = {"http": "http", "https": "https"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A run, as the placeholders of its tasks show it."""

    run_id: str
    #: The run's display name.
    name: str
    #: The pipeline's name.
    pipeline: str
    #: The folder of all artifacts of the run's pipeline root, e.g. `s3://mlpipeline/v2/artifacts`.
    root: str
    created_at: str
    scheduled_at: str
    #: Whether its tasks share a folder (dsl.WorkspaceConfig).
    has_workspace: bool = False

    @property
    def resource_name(self) -> str:
        """On a cluster the name of a Workflow: the pipeline's, and five characters that vary."""
        name = re.sub(r"[^a-z0-9-]", "-", self.pipeline.rpartition("/")[2].lower()).strip("-")
        return f"{name or 'run'}-{self.run_id[:5]}"

    def placeholders(self, task_name: str, task_id: str) -> Mapping[str, str]:
        """The values of `{{$.<name>}}`."""
        return {
            "pipeline_job_name": self.name,
            "pipeline_job_resource_name": self.resource_name,
            "pipeline_job_uuid": self.run_id,
            "pipeline_job_create_time_utc": self.created_at,
            "pipeline_job_schedule_time_utc": self.scheduled_at,
            "pipeline_root": f"{self.root}/{self.pipeline}/{self.run_id}",
            "pipeline_task_name": task_name,
            "pipeline_task_uuid": task_id,
            **({"workspace_path": WORKSPACE} if self.has_workspace else {}),
        }

    def task_root(self, task_name: str, task_id: str) -> str:
        """The URI under which a task's output artifacts are; no other task has it."""
        return f"{self.root}/{self.pipeline}/{self.run_id}/{task_name}/{task_id}"


def utc(at: datetime) -> str:
    """A time as the placeholders show it: `2026-01-31T09:30:00Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def pipeline_root(given: str) -> str:
    """The root as an S3 URI, without a slash at its end.

    `minio://` is what KFP calls its own store. It is spelled `s3://` here, so that a task can
    hand an artifact's URI to boto3, `aws s3` or SageMaker as it is.

    Raises:
        Unsupported: it is in another store.
    """
    if "?" in given:
        raise Unsupported(
            f"Pipeline root {given!r}: what follows the ? names another store, and Flowmaker "
            "stores artifacts in its own"
        )
    root = given.rstrip("/")
    scheme, separator, rest = root.partition("://")
    if not separator or not rest or scheme not in ("s3", "minio"):
        raise Unsupported(f"Pipeline root {given!r}: Flowmaker stores artifacts in s3://BUCKET/…")
    return f"s3://{rest}"


def local_path(work: str, uri: str) -> str:
    """Where the contents of `uri` are for a task whose folder is `work`.

    On a cluster that is `/s3/bucket/key`. Here it is the same under the task's own folder,
    whatever the sandbox can do.
    """
    scheme, separator, rest = uri.partition("://")
    folder = (FOLDERS | _MORE_FOLDERS).get(scheme)
    return f"{work}/{folder}/{rest}" if separator and folder else uri


def remote_uri(work: str, uri: str) -> str:
    """The URI that `local_path` made a path of; any other stays as it is."""
    for scheme, folder in (FOLDERS | _MORE_FOLDERS).items():
        prefix = f"{work}/{folder}/"
        if uri.startswith(prefix):
            return f"{scheme}://{uri.removeprefix(prefix)}"
    return uri
