"""Small services for tests of the AWS wire: they keep what they are given in memory."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from flowmaker.aws.errors import AwsError
from flowmaker.aws.service import Answer, Call, Handler, Need, Operation, Reply

MOMENT = datetime(2026, 1, 31, 12, 30, 15, 250000, tzinfo=UTC)


@dataclass(kw_only=True)
class FakeService:
    """A service of the handlers it is given; every operation needs `name:Operation`."""

    name: str
    handlers: Mapping[str, Handler]
    calls: list[Call] = field(default_factory=list)

    def operations(self) -> Mapping[str, Operation]:
        return {
            name: Operation(handler=self._recorded(handler), needs=self._needs)
            for name, handler in self.handlers.items()
        }

    def _recorded(self, handler: Handler) -> Handler:
        async def recorded(call: Call) -> Answer:
            self.calls.append(call)
            return await handler(call)

        return recorded

    async def _needs(self, call: Call) -> Iterable[Need]:
        return [Need(action=f"{self.name}:{call.operation}")]


def answering(answer: Answer) -> Handler:
    async def handler(call: Call) -> Answer:
        return answer

    return handler


async def pieces(data: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def breaking(*, at_once: bool = False) -> AsyncIterator[bytes]:
    if not at_once:
        yield b"the first half"
    raise OSError("the disk is gone")


class MemoryS3:
    """Objects of one request after the other."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.puts: list[Call] = []

    def service(self) -> FakeService:
        handlers: dict[str, Callable] = {
            "PutObject": self.put,
            "GetObject": self.get,
            "HeadObject": self.head,
            "DeleteObjects": self.delete_many,
            "ListObjectsV2": self.list,
            "GetBucketLocation": answering({"LocationConstraint": "eu-west-1"}),
            "CreateBucket": answering({"Location": "/bucket"}),
            "HeadBucket": self.head_bucket,
            "DeleteObject": answering(None),
        }
        return FakeService(name="s3", handlers=handlers)

    async def put(self, call: Call) -> Answer:
        if call.parameters["Key"] == "refused":
            raise AwsError("NoSuchBucket", "The specified bucket does not exist", 404)
        data = b"".join([piece async for piece in call.body])
        self.objects[call.parameters["Key"]] = data
        self.puts.append(call)
        return {"ETag": '"etag"'}

    def _find(self, call: Call) -> bytes:
        try:
            return self.objects[call.parameters["Key"]]
        except KeyError:
            message = "The specified key does not exist."
            raise AwsError("NoSuchKey", message, 404, Key=call.parameters["Key"]) from None

    async def get(self, call: Call) -> Answer:
        if call.parameters["Key"] == "breaks":
            return Reply(body=breaking(), length=100)
        if call.parameters["Key"] == "breaks-at-once":
            return Reply(body=breaking(at_once=True), length=100)
        data = self._find(call)
        return Reply(
            parameters={
                "ContentLength": len(data),
                "ETag": '"etag"',
                "LastModified": MOMENT,
                "Metadata": {"colour": "blue"},
            },
            body=pieces(data, 1 << 20),
            length=len(data),
        )

    async def head(self, call: Call) -> Answer:
        return {"ContentLength": len(self._find(call)), "ETag": '"etag"', "LastModified": MOMENT}

    async def head_bucket(self, call: Call) -> Answer:
        raise AwsError("NoSuchBucket", "The specified bucket does not exist", 404)

    async def delete_many(self, call: Call) -> Answer:
        keys = [entry["Key"] for entry in call.parameters["Delete"]["Objects"]]
        for key in keys:
            self.objects.pop(key, None)
        return {"Deleted": [{"Key": key} for key in keys]}

    async def list(self, call: Call) -> Answer:
        contents = [
            {"Key": key, "Size": len(data), "LastModified": MOMENT, "ETag": '"etag"'}
            for key, data in self.objects.items()
        ]
        return {
            "Name": call.parameters["Bucket"],
            "IsTruncated": False,
            "KeyCount": len(contents),
            "Contents": contents,
        }
