"""IAM, STS, S3 and more behind the real gateway, with the real authorizer: for real clients.

Nothing fulfils what SageMaker is asked for.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from flowmaker.aws.auth.authorize import PolicyAuthorizer
from flowmaker.aws.cloudwatch.service import CloudWatchService
from flowmaker.aws.ecr.service import EcrService
from flowmaker.aws.gateway import Gateway
from flowmaker.aws.iam.access_keys import AccessKeys
from flowmaker.aws.iam.accounts import open_account
from flowmaker.aws.iam.bootstrap import RootKeys, admin_session, bootstrap
from flowmaker.aws.iam.service import IamService
from flowmaker.aws.identity import SessionCredentials
from flowmaker.aws.logs.service import LogsService
from flowmaker.aws.s3.control import S3ControlService
from flowmaker.aws.s3.cross_origin import CrossOrigin
from flowmaker.aws.s3.service import S3Service
from flowmaker.aws.sts.service import StsService
from flowmaker.aws.sts.sessions import RoleSessions
from flowmaker.clock import SystemClock
from flowmaker.executors.registered import RegisteredImages
from flowmaker.ids import ACCOUNT
from flowmaker.objects.disk import DiskObjectStore
from flowmaker.reconcile.hints import Hints
from flowmaker.sagemaker.api.service import SageMakerService
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
    images: RegisteredImages

    def client(self, service: str, keys: tuple[str, ...] | None = None) -> Any:
        """A client with the root user's keys, or with (id, secret, token) of another."""
        return self.anywhere(service, REGION, keys)

    def anywhere(self, service: str, region: str, keys: tuple[str, ...] | None = None) -> Any:
        """A client of a region."""
        keys = keys or (self.root.access_key_id, self.root.secret_access_key)
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=keys[0],
            aws_secret_access_key=keys[1],
            aws_session_token=keys[2] if len(keys) > 2 else None,
            config=Config(retries={"total_max_attempts": 1}),
        )

    def account(self, name: str) -> "OtherAccount":
        """An account beside the first, made when there is none of that name."""
        opened = asyncio.run(open_account(self.database, self.clock, name))
        keys = (opened.keys.access_key_id, opened.keys.secret_access_key)
        return OtherAccount(server=self, id=opened.account.id, keys=keys)

    def first(self) -> "OtherAccount":
        """The first account, as one of several."""
        keys = (self.root.access_key_id, self.root.secret_access_key)
        return OtherAccount(server=self, id=ACCOUNT, keys=keys)


@dataclass(frozen=True, kw_only=True, slots=True)
class OtherAccount:
    """An account, by its root user."""

    server: IamServer
    id: str
    keys: tuple[str, ...]

    def client(self, service: str, keys: tuple[str, ...] | None = None) -> Any:
        return self.server.anywhere(service, "us-east-1", keys or self.keys)

    def user(self, name: str, *allowed: Mapping[str, Any]) -> tuple[str, str]:
        """The keys of a new user whom these statements speak of."""
        iam = self.client("iam")
        iam.create_user(UserName=name)
        if allowed:
            iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document(*allowed))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def arn(self, resource: str) -> str:
        """Of a resource of IAM: `user/NAME`, `role/NAME`, `root`."""
        return f"arn:aws:iam::{self.id}:{resource}"


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@contextmanager
def iam_server(folder: Path) -> Iterator[IamServer]:
    clock = MovedClock()
    database = Database(folder / "flowmaker.db")
    objects = DiskObjectStore(folder / "objects", database, clock)
    images = RegisteredImages(folder / "images")
    try:
        root = asyncio.run(bootstrap(database, clock))
        admin = asyncio.run(admin_session(database, clock))
        authorizer = PolicyAuthorizer(database, clock)
        sagemaker = SageMakerService(
            database=database,
            objects=objects,
            authorizer=authorizer,
            sessions=RoleSessions(database, clock),
            hints=Hints(),
            clock=clock,
        )
        gateway = Gateway(
            [
                IamService(database, clock),
                StsService(database, clock),
                S3Service(objects, clock),
                S3ControlService(objects, clock),
                sagemaker,
                LogsService(database, clock),
                EcrService(database, images, authorizer, clock),
                CloudWatchService(database, clock, []),
            ],
            AccessKeys(database, clock),
            authorizer,
            clock,
        )
        gateway.check()
        with serving(CrossOrigin(gateway, objects)) as url:
            yield IamServer(
                url=url, root=root, admin=admin, clock=clock, database=database, images=images
            )
    finally:
        objects.close()
        database.close()
