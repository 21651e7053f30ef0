"""Data capture of batch transform jobs: manifests of what went in and of what came out.

Contract: the developer guide, "Capture data from batch transform job": below `input/` and
`output/`, then the hour in which the job started; nothing is stored twice.
"""

import asyncio
import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from posixpath import commonpath, dirname

from flowmaker.sagemaker.container import channels
from flowmaker.sagemaker.container.storage import JobStorage, location
from flowmaker.sagemaker.records.resource import Resource


async def put(
    job: Resource,
    storage: JobStorage,
    found: Sequence[channels.Input],
    folder: Path,
    started: datetime,
) -> None:
    """Put both manifests of a job that is done; again after a crash, they are the same objects.

    Raises:
        DataError: the role may not put them.
    """
    place = location(job.request["DataCaptureConfig"]["DestinationS3Uri"])
    hour = f"{started.astimezone(UTC):%Y/%m/%d/%H}"
    output = job.request["TransformOutput"]["S3OutputPath"].rstrip("/")
    manifests = {
        "input": _manifest([f"s3://{one.stored.bucket}/{one.stored.key}" for one in found]),
        "output": [{"prefix": f"{output}/"}, *(f"{one.name}.out" for one in found)],
    }
    for name, manifest in manifests.items():
        file = folder / f"{name}.json"
        await asyncio.to_thread(file.write_text, json.dumps(manifest))
        number = uuid.uuid5(uuid.NAMESPACE_URL, f"{job.arn}/{job.id}/{name}")
        where = place.below(f"{name}/{hour}/{number}.json")
        await storage.put(where, file, content_type="application/json")


def _manifest(uris: Sequence[str]) -> list[object]:
    """A manifest of these objects: the folder that they have in common, and what they are there."""
    if not uris:
        return []
    prefix = commonpath([dirname(one) for one in uris]).replace(":/", "://", 1) + "/"
    return [{"prefix": prefix}, *(one.removeprefix(prefix) for one in uris)]
