"""The SageMaker half on real stores, with processes that the test plays."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from flowmaker.aws.errors import AwsError
from flowmaker.aws.identity import SessionCredentials
from flowmaker.aws.inside import Inside
from flowmaker.aws.logs.service import LogsService
from flowmaker.aws.logs.streams import LogStreams
from flowmaker.aws.service import Call, Principal, Reply
from flowmaker.clock import SystemClock
from flowmaker.executors.executor import EnvironmentSpec, ProcessSpec
from flowmaker.executors.room import Demand
from flowmaker.ids import account_of
from flowmaker.objects.disk import DiskObjectStore
from flowmaker.reconcile.hints import Hints
from flowmaker.reconcile.loop import Loop
from flowmaker.sagemaker.api.asynchronous import AsyncInvocations
from flowmaker.sagemaker.api.runtime import SageMakerRuntimeService
from flowmaker.sagemaker.api.service import SageMakerService
from flowmaker.sagemaker.controllers import Parts, controllers, new_router
from flowmaker.sagemaker.controllers.endpoint import Endpoints
from flowmaker.sagemaker.hosting.router import Router
from flowmaker.store.database import Database
from tests.fakes.aws_identity import ACCOUNT, ROOT, FakeAuthorizer
from tests.fakes.executor import FakeExecutor

REGION = "eu-west-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/SageMaker"
XGBOOST = "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:1.7-1"
CHANGES = ("training_job", "endpoint", "endpoint_changed", "transform_job")


class FakeSessions:
    """Sessions of every role but those that the test forbids."""

    def __init__(self) -> None:
        self.forbidden: set[str] = set()

    async def for_service(
        self, role_arn: str, service: str, session_name: str, *, account: str, seconds: int = 43200
    ) -> SessionCredentials:
        if role_arn in self.forbidden or account_of(role_arn) != account:
            raise AwsError("AccessDenied", "no", 403)
        role = role_arn.rpartition("/")[2]
        principal = Principal(
            account=ACCOUNT,
            arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session_name}",
            user_id=f"AROA:{session_name}",
        )
        return SessionCredentials(
            access_key_id="ASIA",
            secret_access_key="secret",
            session_token="token",
            expires_at=SystemClock().now() + timedelta(seconds=seconds),
            principal=principal,
        )


class FakeEnvironments:
    """Every environment is there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def ready(self, spec: EnvironmentSpec, then: Callable[[], None]) -> Path | None:
        return self._folder

    def note(self, spec: EnvironmentSpec) -> str:
        return ""


@dataclass(kw_only=True)
class Bench:
    """All of it, and how to ask it."""

    folder: Path
    database: Database
    objects: DiskObjectStore
    executor: FakeExecutor
    authorizer: FakeAuthorizer
    sessions: FakeSessions
    parts: Parts
    router: Router
    loops: list[Loop]

    def __post_init__(self) -> None:
        hints = self.parts.hints
        self.sagemaker = _service(self.parts)
        asynchronous = AsyncInvocations(self.router.routes, self.database, hints, self.parts.clock)
        self.runtime = SageMakerRuntimeService(self.router, asynchronous)
        self.logs = LogsService(self.database, self.parts.clock)

    def call(self, operation: str, /, **parameters: Any) -> Call:
        """A request as the gateway understands it."""
        return Call(
            service="sagemaker",
            operation=operation,
            parameters=parameters,
            principal=ROOT,
            region=REGION,
            request_id="1",
            body=_nothing(),
            headers={},
            endpoint="http://127.0.0.1:8080",
        )

    async def ask(self, operation: str, /, service: Any = None, **parameters: Any) -> Any:
        """The answer of an operation, after its needs were named."""
        call = self.call(operation, **parameters)
        found = (service or self.sagemaker).operations()[operation]
        await self.authorizer.check(call.principal, await found.needs(call))
        answer = await found.handler(call)
        return answer.parameters if isinstance(answer, Reply) else answer

    async def put(self, key: str, content: bytes) -> None:
        file = self.folder / "upload"
        await asyncio.to_thread(file.write_bytes, content)
        await self.objects.put_file("data", key, file)

    async def content(self, key: str) -> bytes:
        while True:
            stored = await self.objects.get("data", key)
            assert stored is not None, key
            with contextlib.suppress(FileNotFoundError):  # it was replaced in between
                return await asyncio.to_thread(self.objects.path(stored).read_bytes)

    def fill(self) -> Callable[[], object]:
        """Somebody holds all the room for jobs, until what this returns is called."""
        room = self.parts.room.room
        now = self.parts.clock.now()
        room.hold(Demand(id="x", amount=room.capacity, since=now, what="training job x"))
        return lambda: self.parts.room.room.leave("x")

    async def waiting(self, *names: str) -> None:
        """Until these wait for room, in this order."""

        async def seen() -> list[str]:
            return [each.what for each in self.parts.room.room.waiting()]

        await self.until(seen, lambda found: found == list(names))

    def idle_after(self, seconds: float) -> None:
        """Serverless variants sleep when nobody asked them for as long."""
        for loop in self.loops:
            if isinstance(loop.controller, Endpoints):
                loop.controller.idle = seconds

    async def until(self, describe: Callable[[], Any], done: Callable[[Any], bool]) -> Any:
        """What `describe` answers once that is as wanted; it looks every 10 ms."""
        async with asyncio.timeout(10):
            while not done(answer := await describe()):  # noqa: ASYNC110 - as clients do
                await asyncio.sleep(0.01)
        return answer


def _service(parts: Parts) -> SageMakerService:
    return SageMakerService(
        database=parts.database,
        objects=parts.objects,
        authorizer=parts.authorizer,
        sessions=parts.sessions,
        hints=parts.hints,
        clock=parts.clock,
    )


@asynccontextmanager
async def bench(
    folder: Path, program: Callable[[ProcessSpec], int | None], **more: Any
) -> AsyncIterator[Bench]:
    """Everything on a folder; its processes do what `program` does."""
    clock = SystemClock()
    database = Database(folder / "flowmaker.db")
    objects = DiskObjectStore(folder / "objects", database, clock)
    await objects.sweep()
    await objects.ensure_bucket("data", owner=ACCOUNT, region=REGION)
    executor = FakeExecutor(folder / "jobs", program=program)
    authorizer, sessions, hints = FakeAuthorizer(), FakeSessions(), Hints()
    parts = Parts(
        database=database,
        objects=objects,
        executor=executor,
        environments=FakeEnvironments(folder),
        authorizer=authorizer,
        sessions=sessions,
        hints=hints,
        clock=clock,
        logs=LogStreams(database, clock),
        endpoint_url="http://127.0.0.1:8080",
        **more,
    )
    router = new_router(parts)
    inside = Inside(
        [_service(parts)], authorizer, principal=ROOT, region=REGION, endpoint=parts.endpoint_url
    )
    loops = [Loop(one) for one in controllers(parts, router, inside)]
    for loop in loops:
        hints.listen(loop.controller.topic, loop.hint)
    await parts.room.recover(database, hints)
    for loop in loops:
        await loop.start()
    try:
        yield Bench(
            folder=folder,
            database=database,
            objects=objects,
            executor=executor,
            authorizer=authorizer,
            sessions=sessions,
            parts=parts,
            router=router,
            loops=loops,
        )
    finally:
        for loop in loops:
            await loop.close()
        await parts.models.close()
        objects.close()
        database.close()


def training_request(**changes: Any) -> dict[str, Any]:
    """A training job as the SageMaker SDK asks for it."""
    return {
        "TrainingJobName": "Job-1",
        "AlgorithmSpecification": {"TrainingInputMode": "File", "TrainingImage": XGBOOST},
        "OutputDataConfig": {"S3OutputPath": "s3://data/out"},
        "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
        "ResourceConfig": {
            "VolumeSizeInGB": 30,
            "InstanceCount": 1,
            "InstanceType": "ml.m5.large",
        },
        "RoleArn": ROLE,
        "InputDataConfig": [channel("train", "train/")],
        "HyperParameters": {"num_round": "3", "objective": "reg:squarederror"},
        "DebugHookConfig": {"S3OutputPath": "s3://data/out", "CollectionConfigurations": []},
        "ProfilerConfig": {"S3OutputPath": "s3://data/out", "DisableProfiler": False},
    } | changes


def channel(name: str, prefix: str, **source: str) -> dict[str, Any]:
    return {
        "ChannelName": name,
        "ContentType": "text/csv",
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": f"s3://data/{prefix}",
                "S3DataDistributionType": "FullyReplicated",
            }
            | source
        },
    }


def opt_ml(spec: ProcessSpec) -> Path:
    """What the process sees as `/opt/ml`."""
    return next(mount.source for mount in spec.mounts if mount.target == "/opt/ml")


async def _nothing() -> AsyncIterator[bytes]:
    for piece in ():
        yield piece
