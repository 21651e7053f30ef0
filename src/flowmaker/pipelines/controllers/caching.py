"""Takes over results instead of running tasks again, and keeps those that may be taken over."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flowmaker.clock import Clock
from flowmaker.errors import FlowmakerError
from flowmaker.objects.objects import ObjectStore
from flowmaker.pipelines.controllers.platform import config_of
from flowmaker.pipelines.controllers.process import Processes
from flowmaker.pipelines.controllers.settings import RunSettings
from flowmaker.pipelines.driver.cache import (
    CacheEntry,
    digest,
    key,
    may_cache,
    own_key,
    read_uris,
    strings,
    written_uris,
)
from flowmaker.pipelines.driver.configuration import configurations_of
from flowmaker.pipelines.lifecycle.progress import Progress
from flowmaker.pipelines.lifecycle.run import End
from flowmaker.pipelines.records.catalog import Document
from flowmaker.pipelines.records.run import Task
from flowmaker.pipelines.repository import cache
from flowmaker.store.database import Database


@dataclass(frozen=True, kw_only=True, slots=True)
class Cache:
    """The cache of one server."""

    database: Database
    objects: ObjectStore
    processes: Processes
    settings: RunSettings
    clock: Clock

    async def hits(self, progress: Progress, task_ids: Iterable[str]) -> list[End]:
        """Of those tasks that were not looked at before, the ends of those that need not run."""
        fresh = [progress.tasks[each] for each in task_ids if each not in progress.keys]
        for task in fresh:
            progress.keys[task.task_id] = await self._key(progress, task)
        wanted = {task.task_id: progress.keys[task.task_id] for task in fresh}
        keys = set(wanted.values()) - {""}
        if not keys:
            return []
        found = await self.database.read(cache.find, keys)
        valid = {name: entry for name, entry in found.items() if await self._holds(entry)}
        return [_hit(task_id, valid[name]) for task_id, name in wanted.items() if name in valid]

    async def entry(self, progress: Progress, end: End) -> CacheEntry | None:
        """What to keep of a task that has succeeded; None when it must not be taken over.

        Its key is taken a second time: what it read must be what it was when it began, or
        nobody knows which of both the result is of. (After a restart nobody knows either.)
        """
        task = progress.tasks[end.task_id]
        before = progress.keys.get(task.task_id, "")
        if not before or end.outputs is None or await self._key(progress, task) != before:
            return None
        effects = await self.settings.effects(end.outputs["parameters"])
        uris = written_uris(end.outputs)
        contents = await self._contents(uris)
        named = any(effects.values()) or any(
            contents[each] for each in strings(end.outputs["parameters"]) if each in contents
        )
        if self._reached_outside(progress, task) and not named:
            return None
        if not all(each in contents for each in uris):
            return None
        return CacheEntry(
            key=before,
            run_id=task.run_id,
            task_id=task.task_id,
            created_at=self.clock.now(),
            outputs=end.outputs,
            contents=contents,
            effects=effects,
        )

    async def _holds(self, entry: CacheEntry) -> bool:
        """Whether all that the result names is still as it was."""
        if await self._contents(entry.contents) != entry.contents:
            return False
        return await self.settings.effects(entry.outputs["parameters"]) == entry.effects

    async def _key(self, progress: Progress, task: Task) -> str:
        component = progress.graph.component(task.component)
        node = progress.node(task)
        if not may_cache(task, component, node):
            return ""
        assert node is not None, task.name
        namespace = progress.run.namespace or self.settings.namespace
        if node.cache_key:
            return own_key(namespace, progress.job.pipeline, node)
        contents = await self._contents(read_uris(task))
        try:
            config = config_of(progress, task)
            secrets = await self._secrets(config, namespace)
            told = configurations_of(task, component, progress.job, config)
            environment = self.processes.environment_of(progress, task)
        except FlowmakerError:
            return ""  # whatever is wrong is told when it is started
        return key(
            task,
            component,
            progress.job,
            contents=contents,
            surroundings={
                "of": namespace,
                "environment": str(environment),
                "secrets": secrets,
                **({"told": told} if told else {}),
            },
        )

    async def _secrets(self, config: Document, namespace: str) -> dict[str, Any]:
        named = [*config.get("secretAsEnv", ()), *config.get("secretAsVolume", ())]
        secrets: dict[str, Any] = {}
        for each in named:
            name = each.get("secretName", "")
            data = await self.settings.secret(namespace, name) if name else None
            known = {key: digest(value.hex()) for key, value in (data or {}).items()}
            secrets[name] = known if data is not None else None
        return secrets

    def _reached_outside(self, progress: Progress, task: Task) -> bool:
        """Whether it may have changed something that is not among its outputs."""
        container = progress.graph.component(task.component).container
        has_secrets = container is not None and any(
            each in container.kubernetes for each in ("secretAsEnv", "secretAsVolume")
        )
        return self.settings.asked_for_identity(task.task_id) or has_secrets

    async def _contents(self, uris: Iterable[str]) -> dict[str, str]:
        """A digest for each URI of this server: of all objects there; empty when there is none."""
        wanted = [uri for uri in uris if uri.startswith(("s3://", "minio://"))]
        found = await asyncio.gather(*(self._content(uri) for uri in wanted))
        return dict(zip(wanted, found, strict=True))

    async def _content(self, uri: str) -> str:
        bucket, _, path = uri.partition("://")[2].partition("/")
        one = await self.objects.get(bucket, path) if path else None
        prefix = f"{path.rstrip('/')}/" if path else ""
        parts = [
            (each.key, each.etag, each.size) for each in await self.objects.walk(bucket, prefix)
        ]
        parts = [(name.removeprefix(prefix), etag, size) for name, etag, size in parts]
        if one is not None:
            parts.append(("", one.etag, one.size))
        return digest(parts) if parts else ""


def _hit(task_id: str, entry: CacheEntry) -> End:
    origin = {"run_id": entry.run_id, "task_id": entry.task_id}
    return End(task_id=task_id, outputs={**entry.outputs, "cached_from": origin})
