"""What the controllers are made of."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from flowmaker.aws.identity import Authorizer, SessionCredentials, Sessions
from flowmaker.aws.logs.repository import Place
from flowmaker.aws.logs.streams import LogStreams
from flowmaker.clock import Clock
from flowmaker.executors.executor import Environments, Executor
from flowmaker.objects.objects import ObjectStore
from flowmaker.reconcile.hints import Hints
from flowmaker.sagemaker.container.model_client import ModelClient
from flowmaker.sagemaker.container.storage import JobStorage, Storages
from flowmaker.sagemaker.controllers.room import JobRoom
from flowmaker.sagemaker.images import JobImages
from flowmaker.sagemaker.records.resource import Resource
from flowmaker.sagemaker.repository import resources
from flowmaker.store.database import Database


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """Everything that a controller asks of the rest of the server."""

    database: Database
    objects: ObjectStore
    executor: Executor
    environments: Environments
    authorizer: Authorizer
    sessions: Sessions
    hints: Hints
    clock: Clock
    logs: LogStreams
    #: Where user code finds this server's AWS services.
    endpoint_url: str
    #: What user code must not see: the server's own credentials.
    hidden: tuple[Path, ...] = ()
    #: The images that jobs and models may name.
    images: JobImages = field(default_factory=JobImages)
    #: Connections to the model servers; the runtime service shares them.
    models: ModelClient = field(default_factory=ModelClient)

    #: Which jobs hold room on the machine, and which wait for it.
    room: JobRoom = field(default_factory=JobRoom)

    async def load(self, resource_id: str) -> Resource | None:
        return await self.database.read(resources.get, resource_id)

    async def save(self, resource: Resource) -> bool:
        """False: something else was written meanwhile; look again."""
        saved = await self.database.write(resources.save, resource)
        if saved and not resource.open:
            self.hints.hint("job_ended", resource.arn)
        return saved

    async def session(self, resource: Resource, role_arn: str, name: str) -> SessionCredentials:
        """A session of the role of a job or a model.

        Raises:
            DataError: it can no longer be assumed.
        """
        return await self.storages.session(role_arn, resource.account, name)

    async def variables(self, resource: Resource, role_arn: str) -> dict[str, str]:
        """What every process of a job or model is told: who it is for AWS, and where AWS is.

        Raises:
            DataError: the role can no longer be assumed.
        """
        session = await self.session(resource, role_arn, "SageMaker")
        return {
            **session.environment(),
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION": resource.region,
            "AWS_DEFAULT_REGION": resource.region,
        }

    async def storage(self, resource: Resource, role_arn: str) -> JobStorage:
        """S3 as the role has it."""
        return await self.storages.of_role(role_arn, resource.account, resource.region)

    @property
    def storages(self) -> Storages:
        return Storages(objects=self.objects, authorizer=self.authorizer, sessions=self.sessions)

    def now(self) -> datetime:
        return self.clock.now()

    def folder(self, owner: str) -> Path:
        """A folder beside the processes', under an id that no process has."""
        return self.executor.folder(owner)


def log_place(owner: Resource) -> Place:
    """Where the logs of a job or an endpoint are."""
    return Place(account=owner.account, region=owner.region)
