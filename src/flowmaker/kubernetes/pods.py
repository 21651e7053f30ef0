"""What a pod is here: a process of a pipeline's task, told in Kubernetes' words.

Nothing of it is kept: pods are made from the pipelines' records whenever somebody asks.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

#: The one container's name, as Kubeflow Pipelines has it.
CONTAINER = "main"
#: The label that tells the run.
RUN = "pipeline/runid"
ADDRESS = "127.0.0.1"
#: What kubectl shows as the status of a phase, where that is another word.
STATUS = {"Succeeded": "Completed", "Failed": "Error"}
#: As Kubernetes has it for a container that has gone without a trace: what killed it is unknown.
GONE = 137


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """What of a pod may change, and what it is selected by."""

    namespace: str
    run_id: str
    phase: str

    def fields(self, name: str) -> dict[str, str]:
        """What a field selector sees of the pod of that name."""
        return {
            "metadata.name": name,
            "metadata.namespace": self.namespace,
            "status.phase": self.phase,
        }

    @property
    def labels(self) -> dict[str, str]:
        """As Kubeflow Pipelines' driver sets them."""
        return {RUN: self.run_id, "pipelines.kubeflow.org/v2_component": "true"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Pod:
    """One process of a task."""

    name: str
    mark: Mark
    task_id: str
    task: str
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    #: Of one that has ended; None when nobody knows any more.
    exit_code: int | None = None
    #: Whether it was ended because it had more memory than its limit.
    out_of_memory: bool = False
    #: Why it failed, in words.
    message: str = ""

    def to_json(self, node: str) -> dict[str, Any]:
        """As the API writes it; `node` is the name of this machine."""
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": self.metadata(),
            "spec": {
                "containers": [{"name": CONTAINER, "image": "", "resources": {}}],
                "volumes": [],
                "restartPolicy": "Never",
                "nodeName": node,
            },
            "status": self._status(),
        }

    def metadata(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "namespace": self.mark.namespace,
            "uid": self.task_id,
            "creationTimestamp": _time(self.created_at),
            "labels": self.mark.labels,
            "annotations": {"pipelines.kubeflow.org/task_display_name": self.task},
        }

    def _status(self) -> dict[str, Any]:
        phase = self.mark.phase
        container = {
            "name": CONTAINER,
            "image": "",
            "imageID": "",
            "ready": phase == "Running",
            "started": phase == "Running",
            "restartCount": 0,
            "state": self._state(),
        }
        told: dict[str, Any] = {"phase": phase, "containerStatuses": [container]}
        if phase == "Failed" and self.message:
            told["message"] = self.message
        if self.started_at:
            told["startTime"] = _time(self.started_at)
        return {**told, "hostIP": ADDRESS, "podIP": ADDRESS, "podIPs": [{"ip": ADDRESS}]}

    def _state(self) -> dict[str, Any]:
        if self.mark.phase == "Pending":
            return {"waiting": {"reason": "ContainerCreating"}}
        started = {"startedAt": _time(self.started_at)} if self.started_at else {}
        if self.mark.phase == "Running":
            return {"running": started}
        if self.ended_at:
            started["finishedAt"] = _time(self.ended_at)
        if self.exit_code is None:
            return {"terminated": {"exitCode": GONE, "reason": "ContainerStatusUnknown", **started}}
        reason = "OOMKilled" if self.out_of_memory else STATUS[self.mark.phase]
        return {"terminated": {"exitCode": self.exit_code, "reason": reason, **started}}


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """Whose pods: of a namespace, of a run. Empty fields do not narrow."""

    namespace: str = ""
    run_id: str = ""


class PodSource(Protocol):
    """Who knows of the processes of tasks."""

    async def page(self, scope: Scope, size: int, after: str) -> tuple[Sequence[Pod], str] | None:
        """So many after a place, and the place after them: empty when there are no more.

        None when there is no such place any more.
        """
        ...

    async def named(self, names: Iterable[str]) -> Mapping[str, Pod]:
        """Those of them that are there."""
        ...

    async def marks(self, scope: Scope) -> Mapping[str, Mark]:
        """Of every pod, by its name."""
        ...

    async def log(self, name: str, run_id: str) -> tuple[Path | None, AsyncIterator[bytes]]:
        """The file of the pod's log, if there is one; and the log until the pod has ended.

        Raises:
            NotFound: it has gone, and the pod has ended.
        """
        ...


def _time(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")
