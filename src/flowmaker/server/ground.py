"""What every part of the house stands on, made once."""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from flowmaker import ids
from flowmaker.aws.auth.authorize import PolicyAuthorizer
from flowmaker.aws.auth.observations import Observations
from flowmaker.aws.sts.sessions import RoleSessions
from flowmaker.clock import Clock, SystemClock
from flowmaker.executors.environments import UvEnvironments
from flowmaker.executors.images import Images
from flowmaker.executors.local import LocalExecutor
from flowmaker.executors.machine import capacity
from flowmaker.executors.room import Room
from flowmaker.objects.disk import DiskObjectStore
from flowmaker.reconcile.hints import Hints
from flowmaker.sagemaker.container.model_client import ModelClient
from flowmaker.server.accounts import Accounts
from flowmaker.server.config import Settings
from flowmaker.server.data_folder import DataFolder
from flowmaker.server.images import pipeline_images
from flowmaker.server.own_buckets import OwnBuckets
from flowmaker.store.database import Database


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
        machine = capacity(settings.cores, settings.memory, settings.accelerators)
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
            # Nobody counts those of instances.
            job_room=Room(replace(machine, accelerators={})),
            sockets=sockets,
        )

    @property
    def accounts(self) -> Accounts:
        return Accounts(self.database, self.clock, self.folder)

    @property
    def own_buckets(self) -> OwnBuckets:
        """What Flowmaker itself reads and writes for pipelines."""
        return OwnBuckets(self.objects, ids.ACCOUNT)
