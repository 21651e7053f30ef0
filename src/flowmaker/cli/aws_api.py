"""AWS's JSON services of the server that runs, with the credentials of `flowmaker env`."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import httpx

from flowmaker.aws.auth import canonical
from flowmaker.aws.auth.claims import ALGORITHM, Scope, Signed
from flowmaker.aws.errors import AwsError
from flowmaker.aws.protocol.request import Request
from flowmaker.cli.running import Running
from flowmaker.clock import SystemClock
from flowmaker.errors import FailedPrecondition

_PATIENCE = 60.0
#: The prefix of X-Amz-Target, and the version of its JSON, by service.
_TARGETS = {"sagemaker": ("SageMaker", "1.1"), "logs": ("Logs_20140328", "1.1")}


class AwsApi:
    """Signed calls of the operations of SageMaker and CloudWatch Logs."""

    def __init__(self, server: Running) -> None:
        self._server = server
        self._http = httpx.Client(timeout=_PATIENCE, trust_env=False)
        self._clock = SystemClock()

    def call(self, service: str, operation: str, **members: Any) -> Mapping[str, Any]:  # noqa: ANN401
        """The answer of one operation.

        Raises:
            AwsError: as the service has it.
            FailedPrecondition: the server cannot be reached.
        """
        target, version = _TARGETS[service]
        body = json.dumps(members).encode()
        headers = {
            "content-type": f"application/x-amz-json-{version}",
            "host": urlsplit(self._server.url).netloc,
            "x-amz-target": f"{target}.{operation}",
        }
        try:
            answer = self._http.post(
                self._server.url, content=body, headers=self._signed(service, headers, body)
            )
        except httpx.TransportError as error:
            raise FailedPrecondition(f"{self._server.url} does not answer: {error}") from None
        if answer.is_error:
            raise _error(answer)
        return answer.json()

    def every(self, operation: str, member: str) -> list[Mapping[str, Any]]:
        """All that a List operation of SageMaker lists under `member`, the latest first."""
        found: list[Mapping[str, Any]] = []
        more: dict[str, Any] = {}
        while True:
            page = self.call(
                "sagemaker",
                operation,
                MaxResults=100,
                SortBy="CreationTime",
                SortOrder="Descending",
                **more,
            )
            found += page[member]
            if not page.get("NextToken"):
                return found
            more = {"NextToken": page["NextToken"]}

    def _signed(self, service: str, headers: Mapping[str, str], body: bytes) -> Mapping[str, str]:
        environment = self._server.environment
        date = self._clock.now().strftime("%Y%m%dT%H%M%SZ")
        complete = {
            **headers,
            "x-amz-date": date,
            "x-amz-security-token": environment["AWS_SESSION_TOKEN"],
        }
        signed = Signed(
            access_key_id=environment["AWS_ACCESS_KEY_ID"],
            scope=Scope(date=date[:8], region=environment["AWS_REGION"], service=service),
            signed_headers=tuple(sorted(complete)),
            signature="",
            date=date,
        )
        request = Request(
            method="POST", path="/", query_string="", header_list=tuple(complete.items())
        )
        payload = hashlib.sha256(body).hexdigest()
        text = canonical.string_to_sign(
            signed, canonical.canonical_request(signed, request, "/", payload)
        )
        key = canonical.signing_key(environment["AWS_SECRET_ACCESS_KEY"], signed.scope)
        signed = replace(signed, signature=canonical.sign(key, text).decode())
        return {**complete, "authorization": _authorization(signed)}


def _authorization(signed: Signed) -> str:
    return (
        f"{ALGORITHM} Credential={signed.access_key_id}/{signed.scope}, "
        f"SignedHeaders={';'.join(signed.signed_headers)}, Signature={signed.signature}"
    )


def _error(answer: httpx.Response) -> AwsError:
    try:
        said: Mapping[str, str] = answer.json()
    except ValueError:
        said = {}
    code = said.get("__type", "").rpartition("#")[2] or str(answer.status_code)
    message = said.get("message") or said.get("Message") or "the server did not say why"
    return AwsError(code, message, answer.status_code)
