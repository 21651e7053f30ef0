"""IAM, STS and S3 behind the real gateway, with the real authorizer: for real clients."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from flowmaker.aws.auth.authorize import PolicyAuthorizer
from flowmaker.aws.gateway import Gateway
from flowmaker.aws.iam.access_keys import AccessKeys
from flowmaker.aws.iam.bootstrap import RootKeys, admin_session, bootstrap
from flowmaker.aws.iam.service import IamService
from flowmaker.aws.identity import SessionCredentials
from flowmaker.aws.s3.cross_origin import CrossOrigin
from flowmaker.aws.s3.service import S3Service
from flowmaker.aws.sts.service import StsService
from flowmaker.clock import SystemClock
from flowmaker.objects.disk import DiskObjectStore
from flowmaker.store.database import Database
from tests.fakes.aws_server import serving

REGION = "us-west-2"


class MovedClock:
    """The system's clock, that a test may set forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return SystemClock().now() + self.ahead


@dataclass(frozen=True, kw_only=True, slots=True)
class IamServer:
    url: str
    root: RootKeys
    admin: SessionCredentials
    clock: MovedClock
    database: Database

    def client(self, service: str, keys: tuple[str, ...] | None = None) -> Any:
        """A client with the root user's keys, or with (id, secret, token) of another."""
        keys = keys or (self.root.access_key_id, self.root.secret_access_key)
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=keys[0],
            aws_secret_access_key=keys[1],
            aws_session_token=keys[2] if len(keys) > 2 else None,
            config=Config(retries={"total_max_attempts": 1}),
        )


@contextmanager
def iam_server(folder: Path) -> Iterator[IamServer]:
    clock = MovedClock()
    database = Database(folder / "flowmaker.db")
    objects = DiskObjectStore(folder / "objects", database, clock)
    try:
        root = asyncio.run(bootstrap(database, clock))
        admin = asyncio.run(admin_session(database, clock))
        gateway = Gateway(
            [
                IamService(database, clock),
                StsService(database, clock),
                S3Service(objects, clock),
            ],
            AccessKeys(database, clock),
            PolicyAuthorizer(database, clock),
            clock,
        )
        gateway.check()
        with serving(CrossOrigin(gateway, objects)) as url:
            yield IamServer(url=url, root=root, admin=admin, clock=clock, database=database)
    finally:
        objects.close()
        database.close()
