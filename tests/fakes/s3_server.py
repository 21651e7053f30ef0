"""S3 behind the gateway on a free port, for real clients, and an object store for handlers."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from flowmaker.aws.gateway import Gateway
from flowmaker.aws.s3.service import S3Service
from flowmaker.clock import SystemClock
from flowmaker.objects.disk import DiskObjectStore
from flowmaker.store.database import Database
from tests.fakes.aws_identity import FakeAuthorizer, FakeKeys
from tests.fakes.aws_server import serving

KEY, SECRET = "AKIAROOT", "secret"


@dataclass
class S3:
    """A running server, and how to reach it."""

    url: str
    authorizer: FakeAuthorizer
    store: DiskObjectStore
    #: Buckets that tests have made are removed after each.
    folder: Path

    @property
    def client(self) -> Any:
        config = Config(retries={"total_max_attempts": 1})
        return boto3.client("s3", endpoint_url=self.url, config=config, **credentials())

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": str(self.folder / "no-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "no-credentials"),
        }


def credentials(region: str = "us-east-1") -> dict[str, str]:
    return {
        "region_name": region,
        "aws_access_key_id": KEY,
        "aws_secret_access_key": SECRET,
    }


@contextmanager
def s3_server(folder: Path) -> Iterator[S3]:
    """S3 on the data in `folder`."""
    database = Database(folder / "flowmaker.db")
    store = DiskObjectStore(folder / "objects", database, SystemClock())
    keys, authorizer = FakeKeys(), FakeAuthorizer()
    keys.add(KEY, SECRET)
    gateway = Gateway([S3Service(store, SystemClock())], keys, authorizer, SystemClock())
    gateway.check()
    with serving(gateway) as url:
        yield S3(url, authorizer, store, folder)
    store.close()
    database.close()
    shutil.rmtree(folder, ignore_errors=True)
