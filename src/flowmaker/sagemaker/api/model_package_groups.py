"""CreateModelPackageGroup, Describe, List and Delete: under which versions of a model are kept."""

from collections.abc import Iterable, Mapping
from typing import Any

from flowmaker.aws.errors import AwsError, validation
from flowmaker.aws.service import Call, Need, Operation
from flowmaker.sagemaker.api import lists, members
from flowmaker.sagemaker.api.desk import Desk, arn, creation_needs, need
from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.repository import resources

KIND = Kind.MODEL_PACKAGE_GROUP


class ModelPackageGroups:
    """The operations on groups of model packages."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateModelPackageGroup": Operation(handler=self.create, needs=_create_needs),
            "DescribeModelPackageGroup": Operation(handler=self.describe, needs=_needs),
            "DeleteModelPackageGroup": Operation(handler=self.delete, needs=_needs),
            "ListModelPackageGroups": Operation(handler=self.list, needs=_list_needs),
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        members.check(call)
        group = self._desk.draft(
            call,
            KIND,
            call.parameters["ModelPackageGroupName"],
            status="Completed",
            state={"Latest": 0, "CreatedBy": call.principal.arn},
        )
        duplicate = validation(f"Model Package Group already exists: {group.arn}")
        await self._desk.create(call, group, duplicate)
        return {"ModelPackageGroupArn": group.arn}

    async def describe(self, call: Call) -> Mapping[str, Any]:
        return described(await self._existing(call))

    async def delete(self, call: Call) -> None:
        group = await self._existing(call)
        prefix = f"{group.name}/"
        empty = await self._desk.database.read(
            resources.is_empty, Kind.MODEL_PACKAGE, call.account, call.region, prefix
        )
        # A version that is made meanwhile has changed the group: then it is not deleted.
        if not empty or not await self._desk.database.write(resources.delete, group):
            raise AwsError(
                "ConflictException",
                f"Model Package Group {group.arn} cannot be deleted: it has model packages. "
                "Delete these first.",
            )

    async def list(self, call: Call) -> Mapping[str, Any]:
        members.check(call)
        return await lists.page(self._desk, call, _LISTING)

    async def _existing(self, call: Call) -> Resource:
        return await find_group(self._desk, call, call.parameters["ModelPackageGroupName"])


async def find_group(desk: Desk, call: Call, named: str) -> Resource:
    """The group of a name or an ARN.

    Raises:
        AwsError: there is none.
    """
    name = named.rpartition("/")[2]
    found = await desk.find(call, KIND, name)
    if found is None:
        raise validation(f"Model Package Group {arn(call, KIND, name)} does not exist.")
    return found


def described(group: Resource) -> dict[str, Any]:
    """The answer of DescribeModelPackageGroup, and what Search gives of each."""
    identity = {"Arn": group.state["CreatedBy"], "PrincipalId": group.account}
    return _summary(group) | {"CreatedBy": {"IamIdentity": identity}}


def _summary(group: Resource) -> dict[str, Any]:
    description = group.request.get("ModelPackageGroupDescription")
    return {
        "ModelPackageGroupName": group.name,
        "ModelPackageGroupArn": group.arn,
        "CreationTime": group.created_at,
        "ModelPackageGroupStatus": group.status,
    } | ({"ModelPackageGroupDescription": description} if description else {})


_LISTING = lists.Listing(
    kind=KIND,
    member="ModelPackageGroupSummaryList",
    prefix="ModelPackageGroup",
    ascending=True,
    summary=_summary,
)


async def _needs(call: Call) -> Iterable[Need]:
    name = call.parameters["ModelPackageGroupName"].rpartition("/")[2]
    return [need(call, arn(call, KIND, name))]


async def _create_needs(call: Call) -> Iterable[Need]:
    return creation_needs(call, KIND, call.parameters["ModelPackageGroupName"])


async def _list_needs(call: Call) -> Iterable[Need]:
    return [need(call, "*")]
