"""Captured requests and answers on their way from the disk to S3."""

import asyncio
import logging
import time

from flowmaker.sagemaker.container.storage import DataError, location
from flowmaker.sagemaker.controllers.outputs import remove
from flowmaker.sagemaker.controllers.parts import Parts
from flowmaker.sagemaker.hosting.capture import Captures, capture_folder
from flowmaker.sagemaker.records.resource import Resource

_log = logging.getLogger(__name__)


class Captured:
    """Puts the files of `Captures` into S3, as the role of the model that they are of."""

    def __init__(self, parts: Parts, captures: Captures) -> None:
        self._parts = parts
        self._captures = captures
        self._flushed_at: dict[str, float] = {}

    async def flush(self, endpoint: Resource, *, every: float = 0.0) -> None:
        """Put what there is, unless it was done less than `every` seconds ago."""
        now = time.monotonic()
        if now - self._flushed_at.get(endpoint.id, -every) < every:
            return
        self._flushed_at[endpoint.id] = now
        for batch in self._captures.take(endpoint.id):
            place = location(batch.destination.uri).below(batch.name)
            try:
                storage = await self._parts.storage(endpoint, batch.destination.role_arn)
                await storage.put(place, batch.file, content_type="application/json")
            except DataError as error:
                # As on AWS: what cannot be kept is lost, and requests go on.
                _log.warning("%s: captured data is lost: %s", endpoint.arn, error)
                batch.file.unlink(missing_ok=True)

    async def remove(self, endpoint: Resource) -> None:
        """The endpoint goes."""
        self._flushed_at.pop(endpoint.id, None)
        folder = self._parts.folder(capture_folder(endpoint.id))
        await asyncio.to_thread(remove, folder)
