"""Every part of the house, made once and handed to those who need it."""

import base64
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from starlette.types import ASGIApp

from flowmaker import ids
from flowmaker.aws.auth.authorize import PolicyAuthorizer
from flowmaker.aws.auth.observations import Observations
from flowmaker.aws.cloudwatch.service import CloudWatchService
from flowmaker.aws.gateway import Gateway
from flowmaker.aws.iam import bootstrap as iam
from flowmaker.aws.iam.access_keys import AccessKeys
from flowmaker.aws.iam.service import IamService
from flowmaker.aws.inside import Inside
from flowmaker.aws.logs.service import LogsService
from flowmaker.aws.logs.streams import LogStreams
from flowmaker.aws.s3.cross_origin import CrossOrigin
from flowmaker.aws.s3.service import S3Service
from flowmaker.aws.service import Principal
from flowmaker.aws.sts.service import StsService
from flowmaker.aws.sts.sessions import RoleSessions
from flowmaker.clock import Clock, SystemClock
from flowmaker.executors.environments import UvEnvironments
from flowmaker.executors.executor import ProcessState
from flowmaker.executors.images import Images
from flowmaker.executors.local import LocalExecutor
from flowmaker.executors.machine import capacity
from flowmaker.executors.room import Room
from flowmaker.kubernetes import repository as kubernetes_objects
from flowmaker.kubernetes.api import app as kubernetes
from flowmaker.kubernetes.records import CONFIG_MAP, NAMESPACE, SECRET
from flowmaker.kubernetes.volumes import VolumesController
from flowmaker.objects.disk import DiskObjectStore
from flowmaker.pipelines.api.access import Users
from flowmaker.pipelines.api.app import create_app as create_pipelines
from flowmaker.pipelines.api.logs import NodeRoutes
from flowmaker.pipelines.controllers import debugging
from flowmaker.pipelines.controllers.debugging import Debugging
from flowmaker.pipelines.controllers.process import Processes
from flowmaker.pipelines.controllers.recurring import RecurringRunController
from flowmaker.pipelines.controllers.retention import RetentionController
from flowmaker.pipelines.controllers.run import RunController
from flowmaker.pipelines.controllers.settings import RunSettings
from flowmaker.pipelines.repository import runs
from flowmaker.reconcile.hints import Hints
from flowmaker.reconcile.loop import Controller, Loop
from flowmaker.sagemaker.api.asynchronous import AsyncInvocations
from flowmaker.sagemaker.api.cloudwatch import TrainingMetrics
from flowmaker.sagemaker.api.metrics import SageMakerMetricsService
from flowmaker.sagemaker.api.runtime import SageMakerRuntimeService
from flowmaker.sagemaker.api.service import SageMakerService
from flowmaker.sagemaker.container.model_client import ModelClient
from flowmaker.sagemaker.controllers import Parts, new_router
from flowmaker.sagemaker.controllers import controllers as sagemaker_controllers
from flowmaker.sagemaker.controllers.room import JobRoom
from flowmaker.sagemaker.hosting.router import Router
from flowmaker.server import handout
from flowmaker.server.accounts import Accounts
from flowmaker.server.claims import Claims
from flowmaker.server.config import Settings
from flowmaker.server.data_folder import DataFolder
from flowmaker.server.effects import SageMakerEffects
from flowmaker.server.front_doors import Doors, FrontDoors
from flowmaker.server.images import job_images, pipeline_images
from flowmaker.server.own_buckets import OwnBuckets
from flowmaker.server.pods import TaskPods
from flowmaker.server.room import RoomDoor
from flowmaker.server.worker import REGION, Worker
from flowmaker.store.database import Database
from flowmaker.web.accounts import AccountRoutes
from flowmaker.web.app import Web
from flowmaker.web.app import create_app as create_web
from flowmaker.web.permissions import Permissions
from flowmaker.web.session import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """What both halves stand on."""

    settings: Settings
    folder: DataFolder
    url: str
    clock: Clock
    hints: Hints
    database: Database
    objects: DiskObjectStore
    executor: LocalExecutor
    environments: UvEnvironments
    authorizer: PolicyAuthorizer
    observations: Observations
    sessions: RoleSessions
    images: Images
    models: ModelClient
    #: What pipelines' tasks share, and what SageMaker's jobs share. They are apart, so that a task
    #: that waits for a job never keeps the job from its room.
    task_room: Room
    job_room: Room
    #: Short-lived sockets; a path in the data folder may be too long for one.
    sockets: "tempfile.TemporaryDirectory[str]"

    @classmethod
    def lay(cls, settings: Settings, folder: DataFolder, url: str) -> "Ground":
        clock = SystemClock()
        folder.protect_database()
        database = Database(folder.database)
        sockets = tempfile.TemporaryDirectory(prefix="flowmaker-")
        machine = capacity(settings.cores, settings.memory)
        observations = Observations(database, clock)
        return cls(
            settings=settings,
            folder=folder,
            url=url,
            clock=clock,
            hints=Hints(),
            database=database,
            objects=DiskObjectStore(folder.objects, database, clock),
            executor=LocalExecutor(
                folder.jobs,
                Path(sockets.name),
                clock,
                visible=(folder.path, folder.environments.resolve()),
            ),
            environments=UvEnvironments(folder.environments, folder.programs, clock),
            authorizer=PolicyAuthorizer(database, clock, observations),
            observations=observations,
            sessions=RoleSessions(database, clock),
            images=pipeline_images(folder.images),
            models=ModelClient(),
            task_room=Room(machine),
            job_room=Room(machine),
            sockets=sockets,
        )

    @property
    def accounts(self) -> Accounts:
        return Accounts(self.database, self.clock, self.folder)


class House:
    """The whole server: its ASGI app, and the loops that fulfil what was asked."""

    def __init__(self, ground: Ground, worker: Worker, owner: Principal) -> None:
        self._ground = ground
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
        doors = _doors(ground, worker, router, sagemaker, owner, session)
        self.app: ASGIApp = FrontDoors(doors, ground.settings, session.is_of_owner)

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


def _doors(
    ground: Ground,
    worker: Worker,
    router: Router,
    sagemaker: SageMakerService,
    owner: Principal,
    session: Session,
) -> Doors:
    database, clock, hints = ground.database, ground.clock, ground.hints
    services = [
        S3Service(ground.objects, clock),
        IamService(database, clock),
        StsService(database, clock),
        LogsService(database, clock),
        sagemaker,
        SageMakerMetricsService(database),
        CloudWatchService(database, clock, [TrainingMetrics(database), router.measures]),
        SageMakerRuntimeService(router, AsyncInvocations(router.routes, database, hints, clock)),
    ]
    nodes = _nodes(ground, worker)
    # What the interface looks at by itself is not what anybody needed.
    unobserved = PolicyAuthorizer(database, clock)
    inside = Inside(services, unobserved, principal=owner, region=REGION, endpoint=ground.url)
    gateway = Gateway(services, AccessKeys(database, clock), ground.authorizer, clock)
    return Doors(
        aws=CrossOrigin(gateway, ground.objects),
        kfp=create_pipelines(
            database,
            hints,
            clock,
            known_image=ground.images.resolve,
            nodes=nodes,
            users=_users(ground) if ground.settings.multi_user else None,
        ),
        kubernetes=kubernetes.create_app(
            database,
            hints,
            clock,
            ground.executor.given,
            TaskPods(database=database, nodes=nodes, observe=ground.executor.observe),
        ),
        worker=worker,
        room=RoomDoor(tasks=ground.task_room, jobs=ground.job_room),
        web=create_web(
            Web(
                url=ground.url,
                database=database,
                inside=inside,
                session=session,
                permissions=Permissions(database, unobserved, ground.observations),
                accounts=AccountRoutes(ground.accounts.add, ground.accounts.every),
                follow=nodes.log_of,
                environments=ground.environments,
            )
        ),
    )


def _users(ground: Ground) -> Users:
    """How KFP tells its users apart: by the owners that namespaces are annotated with."""

    async def owner(namespace: str) -> str:
        found = await ground.database.read(kubernetes_objects.get, NAMESPACE, "", namespace)
        return found.annotations.get("owner", "") if found else ""

    key = ground.folder.secret(ground.folder.administrator_key)
    return Users(owner=owner, administrator=key.decode())


def _controllers(ground: Ground, worker: Worker) -> list[Controller]:
    settings = _run_settings(ground, worker)
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


def _run_settings(ground: Ground, worker: Worker) -> RunSettings:
    async def secret(namespace: str, name: str) -> Mapping[str, bytes] | None:
        found = await ground.database.read(kubernetes_objects.get, SECRET, namespace, name)
        if found is None:
            return None
        return {key: base64.b64decode(text) for key, text in found.document["data"].items()}

    async def config_map(namespace: str, name: str) -> Mapping[str, bytes] | None:
        found = await ground.database.read(kubernetes_objects.get, CONFIG_MAP, namespace, name)
        if found is None:
            return None
        texts: Mapping[str, str] = found.document.get("data", {})
        binaries: Mapping[str, str] = found.document.get("binaryData", {})
        return {key: text.encode() for key, text in texts.items()} | {
            key: base64.b64decode(text) for key, text in binaries.items()
        }

    claims = Claims(
        database=ground.database,
        hints=ground.hints,
        clock=ground.clock,
        volumes=ground.folder.volumes,
    )
    return RunSettings(
        worker_environment=worker.environment,
        secret=secret,
        config_map=config_map,
        claim=claims.folder,
        make_claim=claims.make,
        remove_claim=claims.remove,
        claims=claims.all,
        endpoint=ground.url,
        hidden=ground.folder.secrets,
        owner=ids.ACCOUNT,
        region=REGION,
        effects=SageMakerEffects(database=ground.database, account=ids.ACCOUNT, region=REGION),
        asked_for_identity=worker.was_asked,
        room=ground.task_room,
    )


def _run_controller(ground: Ground, settings: RunSettings) -> Controller:
    return RunController(
        ground.database,
        ground.executor,
        ground.environments,
        ground.images,
        _own_buckets(ground),
        ground.hints,
        ground.clock,
        settings,
    )


def _own_buckets(ground: Ground) -> OwnBuckets:
    return OwnBuckets(ground.objects, ids.ACCOUNT)


def _nodes(ground: Ground, worker: Worker) -> NodeRoutes:
    settings = _run_settings(ground, worker)
    processes = Processes(
        executor=ground.executor,
        environments=ground.environments,
        images=ground.images,
        objects=_own_buckets(ground),
        settings=settings,
    )
    return NodeRoutes(
        database=ground.database,
        objects=_own_buckets(ground),
        log=ground.executor.log,
        waits_for=ground.task_room.why,
        debug=Debugging(
            database=ground.database,
            processes=processes,
            settings=settings,
            reserve=ground.executor.reserve,
        ),
    )


async def _is_running(ground: Ground, worker_id: str) -> bool:
    """Whether a task is open, or a debug session's process runs: who may be the worker."""
    if worker_id.startswith(debugging.PREFIX):
        seen = await ground.executor.observe(worker_id)
        return seen.state is ProcessState.RUNNING
    return await ground.database.read(runs.is_task_open, worker_id)
