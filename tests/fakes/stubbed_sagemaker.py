"""boto3 clients with botocore's Stubber on them: every call must come as it is foreseen."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import boto3
from botocore.stub import Stubber


class Stubbed:
    """The clients of one component."""

    def __init__(self) -> None:
        self.clients: dict[str, Any] = {}
        self.stubs: dict[str, Stubber] = {}
        for service in ("sagemaker", "logs", "sts"):
            client = boto3.client(
                service,
                region_name="us-east-1",
                aws_access_key_id="key",
                aws_secret_access_key="secret",
            )
            self.clients[service] = client
            self.stubs[service] = Stubber(client)

    def expect(
        self, service: str, operation: str, answer: dict[str, Any], **parameters: Any
    ) -> None:
        self.stubs[service].add_response(operation, answer, parameters or None)

    def refuse(self, service: str, operation: str, code: str, message: str = "") -> None:
        self.stubs[service].add_client_error(operation, code, message)

    @contextmanager
    def active(self) -> Iterator[None]:
        """`boto3.client` gives these; at the end, all that was expected has come."""
        for stub in self.stubs.values():
            stub.activate()
        made = lambda service, **_: self.clients[service]  # noqa: E731
        with mock.patch("boto3.client", made), mock.patch("time.sleep"):
            yield
        for stub in self.stubs.values():
            stub.assert_no_pending_responses()

    def log(self, group: str, stream: str, *lines: str) -> None:
        """One look at a log that has new lines."""
        streams = {"logStreams": [{"logStreamName": stream}]}
        where = {"logGroupName": group, "logStreamNamePrefix": f"{stream.partition('/')[0]}/"}
        self.expect("logs", "describe_log_streams", streams, **where)
        events = [{"message": line, "timestamp": 1} for line in lines]
        self.expect("logs", "get_log_events", {"events": events, "nextForwardToken": "f/1"})
        if events:
            self.expect("logs", "get_log_events", {"events": [], "nextForwardToken": "f/1"})
