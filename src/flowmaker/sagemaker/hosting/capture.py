"""Data capture: requests and answers as lines of JSON, kept on the disk until they are in S3.

The form of a line and of the objects' keys is SageMaker Model Monitor's.
"""

import base64
import hashlib
import json
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from flowmaker import ids
from flowmaker.clock import Clock
from flowmaker.sagemaker.container.model_client import ModelAnswer
from flowmaker.sagemaker.hosting.routes import Route
from flowmaker.sagemaker.records.hosting import Fleet, Variant

INFERENCE_ID = "X-Amzn-SageMaker-Inference-Id"
CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
OPEN = ".open"


class Asked(Protocol):
    """What is kept of an invocation."""

    @property
    def body(self) -> bytes: ...
    @property
    def headers(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Destination:
    """Where lines go: `s3://…/endpoint/variant`, and as whom they are put there."""

    uri: str
    role_arn: str


@dataclass(frozen=True, slots=True)
class Batch:
    """A file of lines that is to become an object."""

    destination: Destination
    file: Path
    #: The object's key below the destination: `yyyy/mm/dd/hh/mm-ss-mmm-id.jsonl`.
    name: str


class Captures:
    """Writes lines to files, which `take` gives away. A line that was written survives a crash."""

    def __init__(self, folder: Callable[[str], Path], clock: Clock) -> None:
        """`folder` gives a folder by its name."""
        self._folder = folder
        self._clock = clock
        #: Draws the sample.
        self.chance = random.Random()  # noqa: S311 - no secret depends on it
        self._files: dict[str, dict[Destination, Path]] = {}

    def keep(
        self, route: Route, fleet: Fleet, variant: Variant, asked: Asked, answer: ModelAnswer
    ) -> None:
        """Write the line of an invocation, if the fleet's capture asks for it."""
        config = fleet.capture
        if not config.get("EnableCapture", bool(config)):
            return
        if self.chance.random() * 100 >= config["InitialSamplingPercentage"]:
            return
        base = config["DestinationS3Uri"].rstrip("/")
        destination = Destination(f"{base}/{route.name}/{variant.name}", variant.role_arn)
        now = self._clock.now()
        file = self._file(route.endpoint_id, destination, now)
        record = line(config, asked, answer, ids.new(), now)
        with file.open("ab") as out:
            out.write(json.dumps(record, separators=(",", ":")).encode() + b"\n")

    def take(self, endpoint_id: str) -> list[Batch]:
        """All files of an endpoint; nothing is written to them any more. Blocking, but short."""
        self._files.pop(endpoint_id, None)
        folder = self._folder(capture_folder(endpoint_id))
        return [_batch(file) for file in sorted(folder.glob(f"*{OPEN}"))]

    def _file(self, endpoint_id: str, destination: Destination, now: datetime) -> Path:
        files = self._files.setdefault(endpoint_id, {})
        if destination not in files:
            text = json.dumps(asdict(destination)).encode()
            key = hashlib.sha256(text).hexdigest()[:16]
            folder = self._folder(capture_folder(endpoint_id))
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{key}.json").write_bytes(text)
            stamp = f"{now:%Y-%m-%d-%H-%M-%S}-{now.microsecond // 1000:03}-{ids.new()}"
            files[destination] = folder / f"{key}.{stamp}{OPEN}"
        return files[destination]


def capture_folder(endpoint_id: str) -> str:
    """The name of the folder that holds an endpoint's files; no process has it."""
    return f"endpoint-{endpoint_id}-capture"


def line(
    config: Mapping[str, Any], asked: Asked, answer: ModelAnswer, event_id: str, now: datetime
) -> dict[str, Any]:
    """One invocation, as SageMaker writes it."""
    modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
    types = config.get("CaptureContentTypeHeader", {})
    data: dict[str, Any] = {}
    if modes & {"Input", "InputAndOutput"}:
        observed = asked.headers.get("Content-Type", "")
        data["endpointInput"] = _side("INPUT", observed, asked.body, types)
    if modes & {"Output", "InputAndOutput"}:
        observed = answer.headers.get("content-type", "")
        data["endpointOutput"] = _side("OUTPUT", observed, answer.body, types)
    about: dict[str, Any] = {"eventId": event_id}
    if attributes := asked.headers.get(CUSTOM_ATTRIBUTES):
        about["customAttributes"] = [attributes]
    if inference_id := asked.headers.get(INFERENCE_ID):
        about["inferenceId"] = inference_id
    about["inferenceTime"] = f"{now:%Y-%m-%dT%H:%M:%SZ}"
    return {"captureData": data, "eventMetadata": about, "eventVersion": "0"}


def _side(mode: str, observed: str, body: bytes, types: Mapping[str, Any]) -> dict[str, Any]:
    encoding, data = _encoded(observed, body, types)
    return {"observedContentType": observed, "mode": mode, "data": data, "encoding": encoding}


def _encoded(observed: str, body: bytes, types: Mapping[str, Any]) -> tuple[str, str]:
    """As text where the configuration says that the type is one of text, else in base64."""
    kind = observed.partition(";")[0].strip().lower()
    for member, encoding in (("CsvContentTypes", "CSV"), ("JsonContentTypes", "JSON")):
        if kind in _lower(types.get(member, ())):
            try:
                return encoding, body.decode()
            except UnicodeDecodeError:
                break
    return "BASE64", base64.b64encode(body).decode()


def _lower(kinds: Iterable[str]) -> set[str]:
    return {kind.lower() for kind in kinds}


def _batch(file: Path) -> Batch:
    key, stamp = file.name.removesuffix(OPEN).split(".", 1)
    destination = Destination(**json.loads((file.parent / f"{key}.json").read_bytes()))
    year, month, day, hour, rest = stamp.split("-", 4)
    return Batch(destination, file, f"{year}/{month}/{day}/{hour}/{rest}.jsonl")
