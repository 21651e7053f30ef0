"""What kfp.kubernetes gives a task: variables, mounts, a time limit, and what is said of the rest.

`flowmaker.pipelines.ir.kubernetes` let its configuration through.
"""

import asyncio
import platform
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from flowmaker.errors import FailedPrecondition
from flowmaker.executors.executor import Mount
from flowmaker.pipelines.controllers.settings import RunSettings
from flowmaker.pipelines.driver.platform import resolved
from flowmaker.pipelines.driver.workspace import claim_name, uses_workspace
from flowmaker.pipelines.ir.kubernetes import (
    ENTRY,
    VOLUME_WITHOUT_EFFECT,
    WITHOUT_EFFECT,
)
from flowmaker.pipelines.ir.pipeline_config import WORKSPACE
from flowmaker.pipelines.lifecycle.progress import Progress
from flowmaker.pipelines.lifecycle.run import scope_of
from flowmaker.pipelines.records.catalog import Document
from flowmaker.pipelines.records.run import Task

#: The label that Kubeflow Pipelines itself gives each pod.
#: The service account of a run that names none, as KFP has it.
_ACCOUNT = "pipeline-runner"
_RUN = "pipeline/runid"
#: The folder, in that of a process, of what is mounted for it alone.
VOLUMES = "volumes"


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """What a process gets beside its program."""

    env: Mapping[str, str]
    mounts: tuple[Mount, ...]
    #: Seconds; 0: no limit.
    timeout: float
    #: Lines for its log.
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kind:
    """A kind of object whose data tasks get."""

    title: str
    #: The beginning of its fields' names, e.g. of `secretName`.
    field: str
    #: What kubectl makes one with.
    make: str
    read: Callable[[str, str], Awaitable[Mapping[str, bytes] | None]]


@dataclass(frozen=True, slots=True)
class Platform:
    """The KubernetesExecutorConfig of one task, resolved."""

    settings: RunSettings
    progress: Progress
    task: Task
    config: Document

    async def given(self, folder: Path) -> Given:
        """All of it. What is mounted is made in `folder`/volumes, and goes with the folder.

        Raises:
            FailedPrecondition: a secret, a config map or a claim is not there, or lacks a key.
        """
        volumes = folder / VOLUMES
        return Given(
            env=await self._env(),
            mounts=(
                *await self._workspace(),
                *await self._claimed(),
                *await self._filled(volumes),
                *await self._scratch(volumes),
            ),
            timeout=float(self.config.get("activeDeadlineSeconds", 0)),
            notes=tuple(self._notes()),
        )

    @property
    def _namespace(self) -> str:
        return self.progress.run.namespace or self.settings.namespace

    def _kinds(self) -> tuple[_Kind, _Kind]:
        secret = _Kind(
            title="Secret", field="secret", make="secret generic", read=self.settings.secret
        )
        config_map = _Kind(
            title="ConfigMap", field="configMap", make="configmap", read=self.settings.config_map
        )
        return secret, config_map

    async def _env(self) -> dict[str, str]:
        """In the order in which KFP adds them to a pod: the last of a name wins."""
        env: dict[str, str] = {}
        for kind in self._kinds():
            for message in self.config.get(f"{kind.field}AsEnv", ()):
                name, data = await self._data(kind, message)
                for pair in message.get("keyToEnv", ()):
                    key = pair[f"{kind.field}Key"]
                    if data is not None and key in data:
                        env[pair["envVar"]] = data[key].decode("utf-8", "surrogateescape")
                    elif not message.get("optional", False):
                        has = ", ".join(sorted(data or {})) or "none"
                        raise FailedPrecondition(
                            f"{kind.title} {name!r} has no key {key!r}; its keys: {has}"
                        )
        fields = self.config.get("fieldPathAsEnv", ())
        return env | {each["name"]: self._field(each["fieldPath"]) for each in fields}

    async def _data(self, kind: _Kind, message: Document) -> tuple[str, Mapping[str, bytes] | None]:
        """The name of an object and its data; None when it is not there and need not be."""
        name = message.get(f"{kind.field}Name", "")
        data = await kind.read(self._namespace, name) if name else None
        if data is None and not message.get("optional", False):
            raise FailedPrecondition(
                f"{await self._missing(kind.title, name)}. Create it with: "
                f"kubectl create {kind.make} {name or 'NAME'} -n {self._namespace} "
                "--from-literal=KEY=VALUE"
            )
        return name, data

    async def _missing(self, kind: str, name: str) -> str:
        """That it is not there; and where it is, unless that may be another user's namespace."""
        told = f"{kind} {name!r} not found in namespace {self._namespace}"
        others = () if self.progress.run.namespace else await self.settings.places(kind, name)
        there = " and ".join(others)
        return f"{told}; there is one in {there}, where pipelines do not look" if there else told

    def _field(self, path: str) -> str:
        """A field of the pod that this task is; an entry that it lacks is empty."""
        entry = ENTRY.fullmatch(path)
        if entry is None and path.startswith("status."):  # its addresses
            return "127.0.0.1"
        if entry is None:
            return {
                "metadata.name": self.task.process_id,
                "metadata.namespace": self._namespace,
                "metadata.uid": self.task.task_id,
                "spec.nodeName": platform.node(),
                "spec.serviceAccountName": self.progress.run.service_account or _ACCOUNT,
            }[path]
        entries = {_RUN: self.task.run_id} if entry[1] == "labels" else {}
        entries |= self.config.get("podMetadata", {}).get(entry[1], {})
        return entries.get(entry[2], "")

    async def _filled(self, volumes: Path) -> list[Mount]:
        """Folders with a file for each key of a secret or a config map."""
        mounts: list[Mount] = []
        for kind in self._kinds():
            for number, message in enumerate(self.config.get(f"{kind.field}AsVolume", ())):
                _, data = await self._data(kind, message)
                if data is not None:
                    source = volumes / f"{kind.field}.{number}"
                    await asyncio.to_thread(_fill, source, data)
                    mounts.append(Mount(source=source, target=message["mountPath"], read_only=True))
        return mounts

    async def _claimed(self) -> list[Mount]:
        """The folders of persistent volume claims, or folders in them."""
        return [
            await self._claim(each["constant"], each["mountPath"], each.get("subPath", ""))
            for each in self.config.get("pvcMount", ())
        ]

    async def _workspace(self) -> list[Mount]:
        """The folder that the run's tasks share, when this one has to do with it."""
        component = self.progress.graph.component(self.task.component)
        assert component.container is not None, self.task.name
        has_one = self.progress.graph.config.workspace is not None
        has_one = has_one and component.passthroughs.get("KUBERNETES_VOLUMES", True)
        if not has_one or not uses_workspace(self.task.inputs, component.container):
            return []
        return [await self._claim(claim_name(self.task.run_id), WORKSPACE)]

    async def _claim(self, name: str, target: str, sub_path: str = "") -> Mount:
        folder = await self.settings.claim(self._namespace, name) if name else None
        if folder is None:
            raise FailedPrecondition(
                f"{await self._missing('PersistentVolumeClaim', name)}. "
                f"Those that are there: kubectl get pvc -n {self._namespace}"
            )
        source = await asyncio.to_thread(_inside, folder, sub_path)
        return Mount(source=source, target=target)

    async def _scratch(self, volumes: Path) -> list[Mount]:
        """Empty folders, which go when the task's own folder goes."""
        mounts: list[Mount] = []
        for field in ("emptyDirMounts", "genericEphemeralVolume"):
            for message in self.config.get(field, ()):
                source = volumes / message["volumeName"]
                await asyncio.to_thread(source.mkdir, parents=True, exist_ok=True)
                mounts.append(Mount(source=source, target=message["mountPath"]))
        return mounts

    def _notes(self) -> list[str]:
        fields = [each for each in WITHOUT_EFFECT if self.config.get(each)]
        notes = [f"{', '.join(fields)}: without effect on this machine"] if fields else []
        ignored = [
            f"{field} of volume {each['volumeName']}"
            for kind, unused in VOLUME_WITHOUT_EFFECT.items()
            for each in self.config.get(kind, ())
            for field in unused
            if each.get(field)
        ]
        notes += [f"{', '.join(ignored)}: without effect on this machine"] if ignored else []
        sizes = [each.get("sizeLimit") for each in self.config.get("emptyDirMounts", ())]
        sizes += [each.get("size") for each in self.config.get("genericEphemeralVolume", ())]
        sizes.append(self.config.get("enabledSharedMemory", {}).get("size"))
        notes += [
            f"volume size {size} is not enforced on this machine yet" for size in sizes if size
        ]
        return notes


def config_of(progress: Progress, task: Task) -> Document:
    """The KubernetesExecutorConfig of a task whose inputs are known, with its parameters' values.

    Raises:
        InvalidInput: a value is not of the kind that it must be.
    """
    container = progress.graph.component(task.component).container
    assert container is not None, task.name
    config = container.kubernetes
    return resolved(config, scope_of(progress, task)) if config else {}


def _inside(folder: Path, sub_path: str) -> Path:
    """A folder in a volume, made unless it is there."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    real = folder.resolve()
    source = (real / sub_path).resolve()
    # A task may have put a symbolic link into the volume.
    if not source.is_relative_to(real):
        raise FailedPrecondition(f"The subPath {sub_path!r} leads out of the volume")
    if not source.exists():
        source.mkdir(parents=True)
    return source


def _fill(folder: Path, data: Mapping[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for key, value in data.items():
        if key in {".", ".."}:
            raise FailedPrecondition(f"The key {key!r} cannot be the name of a file")
        (folder / key).write_bytes(value)
