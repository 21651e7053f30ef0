"""Every part of the house, made once and handed to those who need it."""

import asyncio
from functools import partial

from starlette.types import ASGIApp

from flowmaker.aws.iam import bootstrap as iam
from flowmaker.aws.inside import Inside
from flowmaker.aws.logs.streams import LogStreams
from flowmaker.aws.service import Principal
from flowmaker.executors.executor import ProcessState
from flowmaker.kubernetes.api import app as kubernetes
from flowmaker.kubernetes.volumes import VolumesController
from flowmaker.pipelines.controllers import debugging
from flowmaker.pipelines.controllers.recurring import RecurringRunController
from flowmaker.pipelines.controllers.retention import RetentionController
from flowmaker.pipelines.controllers.run import RunController
from flowmaker.pipelines.controllers.settings import RunSettings
from flowmaker.pipelines.repository import runs
from flowmaker.reconcile.loop import Controller, Loop
from flowmaker.sagemaker.api.service import SageMakerService
from flowmaker.sagemaker.controllers import Parts, new_router
from flowmaker.sagemaker.controllers import controllers as sagemaker_controllers
from flowmaker.sagemaker.controllers.room import JobRoom
from flowmaker.server import handout
from flowmaker.server.config import Settings
from flowmaker.server.data_folder import DataFolder
from flowmaker.server.doors import make_doors
from flowmaker.server.front_doors import FrontDoors
from flowmaker.server.ground import Ground
from flowmaker.server.images import job_images
from flowmaker.server.run_settings import run_settings
from flowmaker.server.worker import REGION, Worker
from flowmaker.web.session import Session


class House:
    """The whole server: its ASGI app, and the loops that fulfil what was asked."""

    def __init__(self, ground: Ground, worker: Worker, owner: Principal) -> None:
        self._ground = ground
        #: Set when the server begins to end: what would go on for ever does not.
        self.ending = asyncio.Event()
        parts = _sagemaker_parts(ground)
        self._job_room = parts.room
        self._router = router = new_router(parts)
        sagemaker = _sagemaker_service(ground)
        # What pipelines ask for, as their roles: observed as if they had called over the wire.
        inside = Inside(
            [sagemaker], ground.authorizer, principal=owner, region=REGION, endpoint=ground.url
        )
        controllers = [
            *_controllers(ground, worker),
            *sagemaker_controllers(parts, router, inside),
        ]
        self._loops = [Loop(controller) for controller in controllers]
        for loop in self._loops:
            ground.hints.listen(loop.controller.topic, loop.hint)
        key = ground.folder.secret(ground.folder.browser_key).decode()
        session = Session(key, ground.url)
        doors = make_doors(ground, worker, router, sagemaker, owner, session)
        self.app: ASGIApp = FrontDoors(doors, ground.settings, session.is_of_owner, self.ending)

    @classmethod
    async def build(cls, settings: Settings, folder: DataFolder, url: str) -> "House":
        """Everything in its place, but nothing at work yet."""
        ground = Ground.lay(settings, folder, url)
        await iam.bootstrap(ground.database, ground.clock)
        await kubernetes.bootstrap(ground.database, ground.clock)
        worker = Worker(
            key=folder.secret(folder.worker_key),
            url=url,
            sessions=ground.sessions,
            is_running=partial(_is_running, ground),
        )
        await ground.accounts.complete()
        session = await iam.admin_session(ground.database, ground.clock)
        handout.write(folder, url, session, token=settings.token)
        return cls(ground, worker, session.principal)

    async def start(self) -> None:
        """Find what runs from before, then look at everything that is open."""
        await self._ground.objects.sweep()
        await self._ground.environments.start()
        await self._ground.executor.start()
        await self._job_room.recover(self._ground.database, self._ground.hints)
        for loop in self._loops:
            await loop.start()

    async def close(self) -> None:
        """Stop deciding; what runs goes on under its supervisors."""
        ground = self._ground
        for loop in self._loops:
            await loop.close()
        await self._router.close()
        await ground.models.close()
        await ground.environments.close()
        await ground.executor.close()
        await ground.observations.close()
        ground.objects.close()
        ground.database.close()
        ground.sockets.cleanup()


def _controllers(ground: Ground, worker: Worker) -> list[Controller]:
    settings = run_settings(ground, worker)
    return [
        _run_controller(ground, settings),
        RecurringRunController(ground.database, ground.hints, ground.clock),
        RetentionController(ground.database, ground.executor, ground.clock, settings),
        VolumesController(ground.database, ground.folder.volumes, ground.executor.given),
    ]


def _sagemaker_service(ground: Ground) -> SageMakerService:
    return SageMakerService(
        database=ground.database,
        objects=ground.objects,
        authorizer=ground.authorizer,
        sessions=ground.sessions,
        hints=ground.hints,
        clock=ground.clock,
        images=job_images(ground.folder.images),
        quotas=ground.settings.quotas,
    )


def _sagemaker_parts(ground: Ground) -> Parts:
    return Parts(
        database=ground.database,
        objects=ground.objects,
        executor=ground.executor,
        environments=ground.environments,
        authorizer=ground.authorizer,
        sessions=ground.sessions,
        hints=ground.hints,
        clock=ground.clock,
        logs=LogStreams(ground.database, ground.clock),
        models=ground.models,
        images=job_images(ground.folder.images),
        endpoint_url=ground.url,
        hidden=ground.folder.secrets,
        room=JobRoom(ground.job_room),
    )


def _run_controller(ground: Ground, settings: RunSettings) -> Controller:
    return RunController(
        ground.database,
        ground.executor,
        ground.environments,
        ground.images,
        ground.own_buckets,
        ground.hints,
        ground.clock,
        settings,
    )


async def _is_running(ground: Ground, worker_id: str) -> bool:
    """Whether a task is open, or a debug session's process runs: who may be the worker."""
    if worker_id.startswith(debugging.PREFIX):
        seen = await ground.executor.observe(worker_id)
        return seen.state is ProcessState.RUNNING
    return await ground.database.read(runs.is_task_open, worker_id)
