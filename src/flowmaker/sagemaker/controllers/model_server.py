"""One model server: its `/opt/ml/model`, its process, whether it is ready."""

import asyncio
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flowmaker import ids
from flowmaker.errors import FlowmakerError
from flowmaker.executors.executor import Mount, ProcessSpec, ProcessState
from flowmaker.sagemaker.container import model_data
from flowmaker.sagemaker.container.storage import DataError
from flowmaker.sagemaker.controllers import scripts
from flowmaker.sagemaker.controllers.outputs import remove
from flowmaker.sagemaker.controllers.parts import Parts
from flowmaker.sagemaker.controllers.programs import Program, program
from flowmaker.sagemaker.hosting.multi_model import opt_ml
from flowmaker.sagemaker.images import BIND_TO_PORT
from flowmaker.sagemaker.records.hosting import Server
from flowmaker.sagemaker.records.resource import Resource

#: Seconds from SIGTERM to SIGKILL, as SageMaker gives.
GRACE = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Hosted:
    """What a server serves, and for whom."""

    owner: Resource
    container: Mapping[str, Any]
    role_arn: str
    #: It has no network, and is asked through an inlet.
    isolated: bool = False
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


class ModelServers:
    """Starts, watches and ends model servers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.client = parts.models

    def new(self, prefix: str, owner: Resource) -> Server:
        """A server that is to be started: its process's id and its port, to be put on record."""
        return Server(
            process_id=f"{prefix}{owner.id}-{ids.token(8).lower()}",
            port=free_port(),
            started_at=self._parts.now(),
        )

    async def start(self, hosted: Hosted, server: Server, again: Callable[[], None]) -> bool:
        """Start it; False while its environment is being made.

        Raises:
            DataError: it cannot be started, and why.
        """
        container = hosted.container
        await self._unpack(hosted, server)
        running = await self._program(hosted, server, again)
        if running is None:
            return False
        folder = self._parts.folder(opt_ml(server.process_id))
        environment, mounts = await running.layer(folder.with_name(f"{folder.name}.env"))
        # A server that listens on 8080 whatever it is told has a network of its own: others do too.
        port, alone = running.image.port, hosted.isolated or bool(running.image.port)
        argv, container_of = running.command({}, running.argv("serve"))
        spec = ProcessSpec(
            id=server.process_id,
            argv=argv,
            container=container_of,
            environment=environment,
            cwd=running.image.workdir,
            env={
                **running.variables(),
                **await self._parts.variables(hosted.owner, hosted.role_arn),
                **container.get("Environment", {}),
                **hosted.environment,
                BIND_TO_PORT: str(port or server.port),
            },
            mounts=(
                Mount(source=folder, target="/opt/ml"),
                *running.sealed(folder, "model", *model_data.additional(container)),
                *mounts,
            ),
            hidden=self._parts.hidden,
            # A container's port is published, which takes a network.
            network=not (hosted.isolated if container_of else alone),
            inlet=server.port if alone else 0,
            inlet_to=port,
            grace=GRACE,
        )
        try:
            await self._parts.executor.ensure_started(spec)
        except FlowmakerError as error:
            raise DataError(error.message) from None
        return True

    async def end(self, process_id: str) -> bool:
        """Stop it; True once it has ended and its model is gone from the folder of jobs."""
        seen = await self._parts.executor.observe(process_id)
        if seen.state is ProcessState.RUNNING:
            await self._parts.executor.stop(process_id, grace=GRACE)
            return False
        folder = self._parts.folder(opt_ml(process_id))
        for each in (folder, folder.with_name(f"{folder.name}.env")):
            await asyncio.to_thread(remove, each)
        return True

    async def _program(
        self, hosted: Hosted, server: Server, again: Callable[[], None]
    ) -> Program | None:
        """What it runs; None while that is being made."""
        image = hosted.container["Image"]
        place = scripts.served(
            hosted.container.get("Environment", {}),
            self._parts.folder(opt_ml(server.process_id)),
        )
        try:
            return program(
                self._parts.environments,
                image,
                again,
                images=self._parts.images,
                script="SAGEMAKER_PROGRAM" in hosted.container.get("Environment", {}),
                requirements=await asyncio.to_thread(scripts.requirements, place),
            )
        except LookupError:
            raise DataError(f"no such image is known: {image}") from None
        except FlowmakerError as error:
            raise DataError(error.message) from None

    async def _unpack(self, hosted: Hosted, server: Server) -> None:
        folder = self._parts.folder(opt_ml(server.process_id))
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        await self._fetch_script(hosted, folder)
        for place, more in model_data.additional(hosted.container).items():
            await asyncio.to_thread((folder / place).parent.mkdir, parents=True, exist_ok=True)
            await self._fetch(hosted, more, folder / place)
        model = folder / "model"
        source = model_data.source_of(hosted.container)
        if source is None or hosted.container.get("Mode") == "MultiModel":
            # The artefacts of a multi-model endpoint come one by one, when they are asked for.
            await asyncio.to_thread(model.mkdir, parents=True, exist_ok=True)
            return
        await self._fetch(hosted, source, model)

    async def _fetch(self, hosted: Hosted, source: Mapping[str, Any], folder: Path) -> None:
        storage = await self._parts.storage(hosted.owner, hosted.role_arn)
        try:
            await model_data.fetch(storage, source, folder)
        except DataError as error:
            raise DataError(
                f"Failed to download model data for container from URL: {source['S3Uri']}. Please "
                "ensure that there is an object located at the URL and that the role passed to "
                f"CreateModel has permissions to download the object. ({error})"
            ) from None

    async def _fetch_script(self, hosted: Hosted, folder: Path) -> None:
        """Script mode's source folder, where that is not in the model's own archive."""
        place = hosted.container.get("Environment", {}).get("SAGEMAKER_SUBMIT_DIRECTORY", "")
        if place.startswith("s3://"):
            storage = await self._parts.storage(hosted.owner, hosted.role_arn)
            await scripts.fetch(self._parts, storage, place, folder / "code")


def free_port() -> int:
    """A port of the loopback that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
