"""What is behind each door of the server."""

from flowmaker.aws.auth.authorize import PolicyAuthorizer
from flowmaker.aws.cloudwatch.service import CloudWatchService
from flowmaker.aws.ecr.service import EcrService
from flowmaker.aws.gateway import Gateway
from flowmaker.aws.iam.access_keys import AccessKeys
from flowmaker.aws.iam.service import IamService
from flowmaker.aws.inside import Inside
from flowmaker.aws.logs.service import LogsService
from flowmaker.aws.s3.control import S3ControlService
from flowmaker.aws.s3.cross_origin import CrossOrigin
from flowmaker.aws.s3.service import S3Service
from flowmaker.aws.service import Principal
from flowmaker.aws.sts.service import StsService
from flowmaker.executors.registered import RegisteredImages
from flowmaker.kubernetes import repository as kubernetes_objects
from flowmaker.kubernetes.api import app as kubernetes
from flowmaker.kubernetes.records import NAMESPACE
from flowmaker.pipelines.api.access import Users
from flowmaker.pipelines.api.app import create_app as create_pipelines
from flowmaker.pipelines.api.logs import NodeRoutes
from flowmaker.pipelines.controllers.accelerators import Accelerators
from flowmaker.pipelines.controllers.debugging import Debugging
from flowmaker.pipelines.controllers.process import Processes
from flowmaker.pipelines.ir.validate import Machine
from flowmaker.sagemaker.api.asynchronous import AsyncInvocations
from flowmaker.sagemaker.api.cloudwatch import TrainingMetrics
from flowmaker.sagemaker.api.metrics import SageMakerMetricsService
from flowmaker.sagemaker.api.runtime import SageMakerRuntimeService
from flowmaker.sagemaker.api.service import SageMakerService
from flowmaker.sagemaker.hosting.router import Router
from flowmaker.server.front_doors import Doors
from flowmaker.server.ground import Ground
from flowmaker.server.pods import TaskPods
from flowmaker.server.room import RoomDoor
from flowmaker.server.run_settings import run_settings
from flowmaker.server.worker import REGION, Worker
from flowmaker.web.accounts import AccountRoutes
from flowmaker.web.app import Web
from flowmaker.web.app import create_app as create_web
from flowmaker.web.permissions import Permissions
from flowmaker.web.session import Session


def make_doors(
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
        S3ControlService(ground.objects, clock),
        IamService(database, clock),
        StsService(database, clock),
        LogsService(database, clock),
        EcrService(database, RegisteredImages(ground.folder.images), ground.authorizer, clock),
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
            machine=Machine(
                known_image=ground.images.resolve,
                accelerators=ground.task_room.capacity.accelerators,
            ),
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


def _nodes(ground: Ground, worker: Worker) -> NodeRoutes:
    settings = run_settings(ground, worker)
    processes = Processes(
        executor=ground.executor,
        environments=ground.environments,
        images=ground.images,
        objects=ground.own_buckets,
        settings=settings,
        accelerators=Accelerators(settings.room, ground.executor),
    )
    return NodeRoutes(
        database=ground.database,
        objects=ground.own_buckets,
        log=ground.executor.log,
        waits_for=ground.task_room.why,
        debug=Debugging(
            database=ground.database,
            processes=processes,
            settings=settings,
            reserve=ground.executor.reserve,
        ),
    )
