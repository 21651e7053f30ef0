"""Answers the requests of asynchronous endpoints from their queues, each at least once."""

import asyncio
import base64
import contextlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flowmaker.aws.errors import AwsError
from flowmaker.aws.logs.repository import Place
from flowmaker.sagemaker.container.model_client import ModelAnswer
from flowmaker.sagemaker.container.storage import DataError, JobStorage, location
from flowmaker.sagemaker.controllers.parts import Parts
from flowmaker.sagemaker.hosting.invocations import HEADERS, Answered, Invocation
from flowmaker.sagemaker.hosting.router import Router
from flowmaker.sagemaker.records.asynchronous import AsyncRequest
from flowmaker.sagemaker.records.document import decode
from flowmaker.sagemaker.records.hosting import EndpointState, Fleet
from flowmaker.sagemaker.records.resource import Resource
from flowmaker.sagemaker.repository import asynchronous

#: Requests that an instance gets at once, where the configuration leaves it to SageMaker.
CONCURRENCY = 4
#: Seconds that a model has for an answer, and a request for its turn, as SageMaker gives them.
INVOCATION_SECONDS = 900
WAITING_SECONDS = 6 * 3600
#: Seconds until a request is tried again that no instance took.
PAUSE = 1.0
#: Not the model's word: the request stays in the queue.
AGAIN = {"ServiceUnavailable", "ThrottlingException", "ModelNotReadyException"}


class AsyncInferences:
    """The controller of asynchronous requests, by the id of their endpoint."""

    topic = "async_inference"

    def __init__(self, parts: Parts, router: Router) -> None:
        self._parts = parts
        self._router = router
        self._news: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        parts.hints.listen(self.topic, lambda key: self._news[key].set())

    async def open_keys(self) -> Iterable[str]:
        return await self._parts.database.read(asynchronous.endpoints)

    async def reconcile(self, key: str) -> float | None:
        """Answer what is in the queue, and what comes meanwhile, until there is no more."""
        working: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                self._news[key].clear()
                endpoint = await self._parts.load(key)
                if endpoint is None:
                    await self._parts.database.write(asynchronous.remove_all, key)
                    return None
                await self._begin(endpoint, working)
                if not working:
                    return None
                await self._one_done(key, working)
        finally:
            self._news.pop(key, None)
            for task in working.values():
                task.cancel()
            await asyncio.gather(*working.values(), return_exceptions=True)

    async def _begin(self, endpoint: Resource, working: dict[str, asyncio.Task[None]]) -> None:
        """Take the next ones from the queue, as many as the instances may have at once."""
        state = decode(EndpointState, endpoint.state)
        fleet = None if state.delete_requested else state.fleet
        width = _width(fleet) if fleet else 0
        queue = await self._parts.database.read(asynchronous.first, endpoint.id, width)
        for request in queue:
            if request.id not in working and fleet and len(working) < width:
                work = self._answer(endpoint, fleet, request)
                working[request.id] = asyncio.create_task(work)

    async def _one_done(self, key: str, working: dict[str, asyncio.Task[None]]) -> None:
        """Wait for an answer or for a new request."""
        news = asyncio.create_task(self._news[key].wait())
        try:
            await asyncio.wait({news, *working.values()}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            news.cancel()
        for request_id in [one for one, task in working.items() if task.done()]:
            working.pop(request_id).result()

    async def _answer(self, endpoint: Resource, fleet: Fleet, request: AsyncRequest) -> None:
        """One request from its input to its output; it stays in the queue while nobody answers.

        A crash in between does it once more: the same objects are put.
        """
        role_arn = fleet.variants[0].role_arn
        try:
            storage = await self._parts.storage(endpoint, role_arn)
            answered = await self._invoke(endpoint, storage, request)
            await self._put(storage, request, request.request["OutputLocation"], answered.answer)
        except AwsError as error:
            if error.code in AGAIN:
                await asyncio.sleep(PAUSE)
                return
            await self._fail(endpoint, fleet, request, error)
        except DataError as error:
            await self._fail(endpoint, fleet, request, AwsError("ClientError", str(error)))
        else:
            told = {
                "contentType": answered.answer.headers.get("content-type", ""),
                "outputLocation": request.request["OutputLocation"],
            }
            await self._notify(endpoint, fleet, request, "Completed", {"responseParameters": told})
        await self._parts.database.write(asynchronous.remove, request.id)

    async def _invoke(
        self, endpoint: Resource, storage: JobStorage, request: AsyncRequest
    ) -> Answered:
        given = request.request
        waits = timedelta(seconds=given.get("RequestTTLSeconds", WAITING_SECONDS))
        if self._parts.now() - request.created_at > waits:
            raise DataError(f"The request expired: it waited for more than {waits}")
        invocation = Invocation(
            body=await _payload(storage, given),
            headers={
                header: given[member] for member, header in HEADERS.items() if given.get(member)
            },
            seconds=given.get("InvocationTimeoutSeconds", INVOCATION_SECONDS),
            asynchronous=True,
        )
        place = (endpoint.account, endpoint.region, endpoint.name)
        return await self._router.invoke(place, invocation)

    async def _put(
        self, storage: JobStorage, request: AsyncRequest, uri: str, answer: ModelAnswer
    ) -> None:
        file = self._parts.folder(async_folder(request.endpoint_id)) / request.id
        await asyncio.to_thread(file.parent.mkdir, parents=True, exist_ok=True)
        await asyncio.to_thread(file.write_bytes, answer.body)
        content_type = answer.headers.get("content-type", "")
        await storage.put(location(uri), file, content_type=content_type)

    async def _fail(
        self, endpoint: Resource, fleet: Fleet, request: AsyncRequest, error: AwsError
    ) -> None:
        """What went wrong becomes an object, if somebody wants that, and a notification."""
        uri = request.request["FailureLocation"]
        said = error.members.get("OriginalMessage", error.message)
        if uri:
            answer = ModelAnswer(status=0, body=said.encode())
            with contextlib.suppress(DataError):  # the notification tells of the failure anyway
                storage = await self._parts.storage(endpoint, fleet.variants[0].role_arn)
                await self._put(storage, request, uri, answer)
        told: dict[str, Any] = {"failureReason": error.message}
        if uri:
            told["responseParameters"] = {"failureLocation": uri}
        await self._notify(endpoint, fleet, request, "Failed", told)

    async def _notify(
        self,
        endpoint: Resource,
        fleet: Fleet,
        request: AsyncRequest,
        status: str,
        told: Mapping[str, Any],
    ) -> None:
        """What would go to a topic is an event of the endpoint's log: there is no SNS."""
        config = fleet.asynchronous["OutputConfig"].get("NotificationConfig", {})
        topic = config.get("SuccessTopic" if status == "Completed" else "ErrorTopic")
        message = {**_message(endpoint, request, status, self._parts.now()), **told}
        record: dict[str, Any] = {"topic": topic, "message": message} if topic else message
        file = self._parts.folder(async_folder(endpoint.id)) / "data-log"
        await asyncio.to_thread(_append, file, json.dumps(record))
        place = Place(account=endpoint.account, region=endpoint.region)
        group = f"/aws/sagemaker/Endpoints/{endpoint.name}"
        stream = f"{fleet.variants[0].name}/data-log"
        await self._parts.logs.open(place, group, stream, file)
        await self._parts.logs.look(place, group, stream)


def async_folder(endpoint_id: str) -> str:
    """The name of the folder of an endpoint's answers and log; no process has it."""
    return f"endpoint-{endpoint_id}-async"


def _width(fleet: Fleet) -> int:
    client = fleet.asynchronous.get("ClientConfig", {})
    each = client.get("MaxConcurrentInvocationsPerInstance", CONCURRENCY)
    return each * max(1, fleet.variants[0].count)


async def _payload(storage: JobStorage, given: Mapping[str, Any]) -> bytes:
    if "Body" in given:
        return base64.b64decode(given["Body"])
    stored = await storage.get(location(given["InputLocation"]))
    return await asyncio.to_thread(storage.objects.path(stored).read_bytes)


def _message(
    endpoint: Resource, request: AsyncRequest, status: str, now: datetime
) -> dict[str, Any]:
    """A notification as SageMaker sends it."""
    given = request.request
    asked = {
        "accept": given.get("Accept"),
        "contentType": given.get("ContentType"),
        "customAttributes": given.get("CustomAttributes"),
        "endpointName": endpoint.name,
        "inputLocation": given.get("InputLocation"),
    }
    return {
        "awsRegion": endpoint.region,
        "eventTime": _time(now),
        "receivedTime": _time(request.created_at),
        "invocationStatus": status,
        "requestParameters": {name: value for name, value in asked.items() if value},
        "inferenceId": given["InferenceId"],
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def _append(file: Path, line: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as out:
        out.write(line + "\n")
