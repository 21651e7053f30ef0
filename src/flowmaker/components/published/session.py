"""The connection of a component: its region, its endpoint, and perhaps another role's rights."""

import os
import sys
import time
from collections.abc import Callable, Sequence

import boto3

from flowmaker.components.following import Client, unique_name
from flowmaker.components.published.arguments import Inputs

_ASSUMED_FOR = 3600
_RENEWED_AFTER = 1800


class Failed(Exception):  # noqa: N818 - named for what happened
    """What was asked for did not come about; the message says why."""


class Session:
    """Makes clients from a component's inputs."""

    def __init__(self, values: Inputs) -> None:
        os.environ.setdefault("AWS_RETRY_MODE", "standard")
        os.environ.setdefault("AWS_MAX_ATTEMPTS", "10")
        self._region: str = values["region"]
        self._endpoint: str = values["endpoint_url"]
        self._role: str = values["assume_role"]
        self._clients: dict[str, tuple[float, Client]] = {}

    def client(self, service: str) -> Client:
        """A client, made anew before the rights of an assumed role end.

        `endpoint_url` is SageMaker's, and only SageMaker's.
        """
        made, client = self._clients.get(service, (0.0, None))
        if client is None or (self._role and time.monotonic() - made > _RENEWED_AFTER):
            endpoint = self._endpoint if service == "sagemaker" and self._endpoint else None
            client = _client(service, self._region, endpoint_url=endpoint, **self._credentials())
            self._clients[service] = (time.monotonic(), client)
        return client

    def _credentials(self) -> dict[str, str]:
        if not self._role:
            return {}
        answer = _client("sts", self._region).assume_role(
            RoleArn=self._role,
            RoleSessionName=unique_name("sagemaker-component"),
            DurationSeconds=_ASSUMED_FOR,
        )["Credentials"]
        return {
            "aws_access_key_id": answer["AccessKeyId"],
            "aws_secret_access_key": answer["SecretAccessKey"],
            "aws_session_token": answer["SessionToken"],
        }


def _client(service: str, region: str, **options: str | None) -> Client:
    return boto3.client(service, region_name=region, **options)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def generated(prefix: str) -> str:
    """A name with its time, as the published components make them."""
    stamp = time.strftime("%Y%m%d%H%M%S", time.gmtime())
    return f"{prefix}{stamp}-{os.urandom(2).hex()}"


def run(main: Callable[[Sequence[str]], None]) -> int:
    """Runs a component's program; what goes wrong is one line, and exit code 1."""
    try:
        main(sys.argv[1:])
    except Failed as failure:
        print(f"ERROR: {failure}", file=sys.stderr)  # noqa: T201 - a component's log
        return 1
    except Exception as error:
        # What AWS answers, and what boto3 does not send, is for the person who reads it.
        if not type(error).__module__.startswith(("botocore.", "boto3.")):
            raise
        print(f"ERROR: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0
