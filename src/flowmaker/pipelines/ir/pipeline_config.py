"""What is said of a whole run, and not of one task: dsl.PipelineConfig, in the platform spec."""

import re
from dataclasses import dataclass
from typing import Any

from flowmaker.errors import InvalidInput
from flowmaker.pipelines.ir.protobuf import canonical
from flowmaker.pipelines.records.catalog import Document

#: Where tasks find the workspace: `kfp.dsl.constants.WORKSPACE_MOUNT_PATH`.
WORKSPACE = "/kfp-workspace"
#: A quantity of bytes as Kubernetes writes it: `10Gi`, `1.5T`.
_SIZE = re.compile(r"\d+(\.\d+)?([kKMGTPE]i?)?")
#: What may be patched of the claim that the workspace is, as on a cluster.
_PATCHED = {"accessModes", "storageClassName"}
_CONFIG = "pipelineConfig"


@dataclass(frozen=True, kw_only=True, slots=True)
class Workspace:
    """WorkspaceConfig: a folder that all tasks of a run share."""

    size: str
    #: Fields of the claim's spec that the author gave.
    patch: Document

    def manifest(self, name: str) -> dict[str, Any]:
        """The persistent volume claim that it is."""
        spec = {"accessModes": ["ReadWriteMany"], **self.patch}
        return {
            "metadata": {"name": name},
            "spec": {**spec, "resources": {"requests": {"storage": self.size}}},
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class PipelineConfig:
    """PipelineConfig. Times are in seconds; 0: none was given."""

    workspace: Workspace | None = None
    #: From the run's end until what is left of its processes goes.
    ttl_after_success: int = 0
    ttl_after_failure: int = 0
    #: How long the run may be active.
    active_deadline: int = 0


def pipeline_config_of(platform_spec: Document) -> PipelineConfig:
    """The configuration of a whole pipeline.

    A time that is not positive is none, and the time to live after any end is that after success
    and failure, where those have none of their own (Argo's ttlStrategy).

    Raises:
        InvalidInput: it is not well-formed.
    """
    given: Any = platform_spec.get("platforms", {}).get("kubernetes", {}).get(_CONFIG) or {}
    config = canonical(given, "PipelineConfig", _CONFIG)
    after_any = config.get("resourceTtlOnCompletion", 0)
    return PipelineConfig(
        workspace=_workspace(config["workspace"]) if "workspace" in config else None,
        ttl_after_success=_positive(config.get("resourceTtlOnSuccess", 0), after_any),
        ttl_after_failure=_positive(config.get("resourceTtlOnFailure", 0), after_any),
        active_deadline=_positive(config.get("activeDeadlineSeconds", 0)),
    )


def check_workspace_mount(where: str, kubernetes: Document) -> None:
    """Nothing of a task's own is mounted where the workspace is.

    Raises:
        InvalidInput: something is.
    """
    for field, messages in kubernetes.items():
        for each in messages if isinstance(messages, list) else ():  # pyright: ignore[reportUnknownVariableType]
            path = str(each.get("mountPath", "")).rstrip("/")  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
            if path == WORKSPACE or path.startswith(f"{WORKSPACE}/"):
                raise InvalidInput(
                    f"{where} has a {field} at {path}: the pipeline's workspace is mounted there"
                )


def _workspace(message: Document) -> Workspace:
    where = f"{_CONFIG}.workspace"
    size = message.get("size", "")
    if not _SIZE.fullmatch(size):
        raise InvalidInput(f"{where}.size is {size!r}: it must be a quantity, e.g. 10Gi")
    patch = message.get("kubernetes", {}).get("pvcSpecPatch", {})
    if unknown := sorted(patch.keys() - _PATCHED):
        known = ", ".join(sorted(_PATCHED))
        raise InvalidInput(
            f"{where}.kubernetes.pvcSpecPatch has {unknown[0]!r}; what may be patched: {known}"
        )
    modes = patch.get("accessModes", ["ReadWriteMany"])
    if (
        not isinstance(modes, list)
        or not modes
        or not isinstance(patch.get("storageClassName", ""), str)
    ):
        raise InvalidInput(
            f"{where}.kubernetes.pvcSpecPatch: accessModes is a list of some of Kubernetes' "
            "access modes, storageClassName is text"
        )
    return Workspace(size=size, patch=patch)


def _positive(*seconds: int) -> int:
    return next((each for each in seconds if each > 0), 0)
