"""AddTags, ListTags, DeleteTags."""

from collections.abc import Iterable, Mapping
from typing import Any

from flowmaker.aws.errors import validation
from flowmaker.aws.service import Call, Need, Operation
from flowmaker.sagemaker.api.desk import Desk, need, tags_of
from flowmaker.sagemaker.repository import resources

PAGE = 50


class Tags:
    """The operations on tags."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def operations(self) -> dict[str, Operation]:
        return {
            "AddTags": Operation(handler=self.add, needs=_needs),
            "ListTags": Operation(handler=self.list, needs=_needs),
            "DeleteTags": Operation(handler=self.delete, needs=_needs),
        }

    async def add(self, call: Call) -> Mapping[str, Any]:
        arn = await self._existing(call)
        await self._desk.database.write(resources.put_tags, arn, tags_of(call))
        return {"Tags": _tags(await self._desk.database.read(resources.tags_of, arn))}

    async def list(self, call: Call) -> Mapping[str, Any]:
        arn = await self._existing(call)
        tags = _tags(await self._desk.database.read(resources.tags_of, arn))
        start = int(token) if (token := call.parameters.get("NextToken", "0")).isdecimal() else 0
        end = start + call.parameters.get("MaxResults", PAGE)
        further = {"NextToken": str(end)} if end < len(tags) else {}
        return {"Tags": tags[start:end]} | further

    async def delete(self, call: Call) -> Mapping[str, Any]:
        arn = await self._existing(call)
        await self._desk.database.write(resources.remove_tags, arn, call.parameters["TagKeys"])
        return {}

    async def _existing(self, call: Call) -> str:
        arn = call.parameters["ResourceArn"]
        if not await self._desk.database.read(resources.arn_exists, arn):
            raise validation(f"Could not find resource with ARN {arn}")
        return arn


def _tags(found: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in found.items()]


async def _needs(call: Call) -> Iterable[Need]:
    return [need(call, call.parameters["ResourceArn"])]
