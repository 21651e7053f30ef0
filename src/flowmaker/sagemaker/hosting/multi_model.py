"""Multi-model endpoints: artefacts under a prefix, loaded when they are first asked for.

The container's side of it (`POST /models`, `DELETE /models/{name}`, 409 for one that is loaded, 507
for no memory left) is SageMaker's contract for containers that serve several models.
"""

import asyncio
import hashlib
import json
import shutil
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from flowmaker.sagemaker.container import archives
from flowmaker.sagemaker.container.model_client import ModelClient, ModelUnreachable
from flowmaker.sagemaker.container.storage import DataError, Storages, location
from flowmaker.sagemaker.hosting import refusals
from flowmaker.sagemaker.hosting.routes import Route
from flowmaker.sagemaker.records.hosting import Server, Variant

#: Models that a server has loaded; then the one that was not asked for the longest goes.
MOST_LOADED = 100
JSON = {"Content-Type": "application/json"}


class MultiModels:
    """Which server has loaded what. Use it on one event loop."""

    def __init__(
        self,
        client: ModelClient,
        storages: Storages,
        folder: Callable[[str], Path],
    ) -> None:
        """`folder` gives a folder by its name."""
        self._client = client
        self._storages = storages
        self._folder = folder
        self.most_loaded = MOST_LOADED
        self._loaded: defaultdict[str, OrderedDict[str, asyncio.Future[None]]] = defaultdict(
            OrderedDict
        )
        #: Requests that are being answered, by process and target; and what is being unloaded.
        self._users: Counter[tuple[str, str]] = Counter()
        self._unloading: dict[tuple[str, str], asyncio.Task[bool]] = {}

    async def path(self, route: Route, variant: Variant, server: Server, target: str) -> str:
        """The path of the target's invocations; it is loaded then.

        Raises:
            AwsError: there is no such artefact, or the container could not load it.
        """
        loaded = self._loaded[server.process_id]
        if target not in loaded:
            load = self._load(route, variant, server, target)
            loaded[target] = asyncio.ensure_future(load)
        try:
            await asyncio.shield(loaded[target])
        except Exception:
            loaded.pop(target, None)
            raise
        if target in loaded:
            loaded.move_to_end(target)
        return f"/models/{_name(target)}/invoke"

    def enter(self, server: Server, target: str) -> None:
        """A request for the target has a place at the server. `leave` must follow."""
        self._users[server.process_id, target] += 1

    def leave(self, variant: Variant, server: Server, target: str) -> None:
        """It is answered: the last one takes the model with it, if models are not to be cached."""
        key = (server.process_id, target)
        self._users[key] -= 1
        if self._users[key]:
            return
        del self._users[key]
        load = self._loaded[server.process_id].get(target)
        if load is not None and load.done() and not variant.caches:
            self._unload(server, target)

    def forget(self, server: Server, target: str) -> None:
        """The server has it no more."""
        self._loaded[server.process_id].pop(target, None)

    def forget_all(self, process_id: str) -> None:
        """The server ended."""
        self._loaded.pop(process_id, None)

    async def _load(self, route: Route, variant: Variant, server: Server, target: str) -> None:
        name = _name(target)
        if before := self._unloading.get((server.process_id, target)):
            await asyncio.wait([before])
        await self._unpack(route, variant, server, target)
        message = json.dumps({"model_name": name, "url": f"/opt/ml/models/{name}/model"}).encode()
        while len(self._loaded[server.process_id]) > self.most_loaded:
            if not await self._unload_oldest(server, target):
                break
        while True:
            try:
                answer = await self._client.invoke(server.port, message, JSON, path="/models")
            except ModelUnreachable as error:
                raise refusals.unavailable(str(error)) from None
            full = answer.status == HTTPStatus.INSUFFICIENT_STORAGE
            if not full or not await self._unload_oldest(server, target):
                break
        if answer.status >= HTTPStatus.BAD_REQUEST and answer.status != HTTPStatus.CONFLICT:
            said = answer.body.decode("utf-8", "replace")
            raise refusals.model_error(route, "primary", answer.status, said)

    async def _unpack(self, route: Route, variant: Variant, server: Server, target: str) -> None:
        prefix = location(variant.containers[0]["ModelDataUrl"])
        place = prefix.below(target.lstrip("/"))
        folder = self._folder(opt_ml(server.process_id)) / "models" / _name(target)
        try:
            storage = await self._storages.of_role(variant.role_arn, route.account, route.region)
            stored = await storage.get(place)
            await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
            archive = storage.objects.path(stored)
            await asyncio.to_thread(archives.unpack, archive, folder / "model")
        except DataError as error:
            raise refusals.invalid(
                f"Failed to download model data(bucket: {place.bucket}, key: {place.key}). Please "
                "ensure that there is an object located at the URL and that the role passed to "
                f"CreateModel has permissions to download the model. ({error})"
            ) from None

    async def _unload_oldest(self, server: Server, keep: str) -> bool:
        """Make room for one; False when there is nothing else to unload."""
        loaded = self._loaded[server.process_id]
        done = [one for one, load in loaded.items() if one != keep and load.done()]
        if not done:
            return False
        return await self._unload(server, done[0])

    def _unload(self, server: Server, target: str) -> asyncio.Task[bool]:
        """Unload it. Who asks for it meanwhile waits for the end, and loads it anew."""
        key = (server.process_id, target)
        self._loaded[server.process_id].pop(target, None)
        task = self._unloading[key] = asyncio.create_task(self._unloaded(server, target))
        task.add_done_callback(lambda _: self._unloading.pop(key, None))
        return task

    async def _unloaded(self, server: Server, target: str) -> bool:
        """False when the container could not be told."""
        try:
            await self._client.delete(server.port, f"/models/{_name(target)}")
        except ModelUnreachable:
            return False
        folder = self._folder(opt_ml(server.process_id)) / "models" / _name(target)
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        return True


def opt_ml(process_id: str) -> str:
    """The name of the folder that a server sees as `/opt/ml`; no process has it."""
    return f"{process_id}-ml"


def _name(target: str) -> str:
    """What the container calls it: as SageMaker does, no path but a hash of one."""
    return hashlib.sha256(target.encode()).hexdigest()[:32]
