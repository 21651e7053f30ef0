"""CreateModelPackage, Describe, Update, List and Delete: the model registry.

A package of a group is a version of it, and numbers are never used twice. What a package names must
be there when it is made: a model's data, and an image that is known.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from flowmaker.aws.errors import validation
from flowmaker.aws.service import Call, Need, Operation
from flowmaker.ids import account_of
from flowmaker.sagemaker.api import lists, members
from flowmaker.sagemaker.api.desk import Desk, arn, creation_needs, need
from flowmaker.sagemaker.api.model_package_groups import find_group
from flowmaker.sagemaker.container import model_data
from flowmaker.sagemaker.container.storage import DataError, location, object_need
from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.repository import resources

KIND = Kind.MODEL_PACKAGE
PENDING = "PendingManualApproval"

#: What can be changed after it was made; it is kept in the state.
_CHANGEABLE = (
    "ModelApprovalStatus",
    "ApprovalDescription",
    "CustomerMetadataProperties",
    "AdditionalInferenceSpecifications",
    "InferenceSpecification",
    "SourceUri",
    "ModelLifeCycle",
    "ModelCard",
)
#: What is given back as it came.
_ECHOED = (
    "ModelPackageDescription",
    "CertifyForMarketplace",
    "MetadataProperties",
    "ModelMetrics",
    "Domain",
    "Task",
    "SamplePayloadUrl",
    "DriftCheckBaselines",
    "SkipModelValidation",
    "ModelPackageRegistrationType",
)


class ModelPackages:
    """The operations on model packages."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateModelPackage": Operation(handler=self.create, needs=self._create_needs),
            "DescribeModelPackage": Operation(handler=self.describe, needs=_named_needs),
            "UpdateModelPackage": Operation(handler=self.update, needs=_update_needs),
            "DeleteModelPackage": Operation(handler=self.delete, needs=_named_needs),
            "ListModelPackages": Operation(handler=self.list, needs=_list_needs),
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        members.check(call)
        given = call.parameters
        if bool(given.get("ModelPackageName")) == bool(given.get("ModelPackageGroupName")):
            raise validation(
                "Give either ModelPackageName, or ModelPackageGroupName for a version of a group"
            )
        if given.get("SkipModelValidation", "None") != "All":
            await self._check(given.get("InferenceSpecification", {}))
        if given.get("ModelPackageGroupName"):
            return {"ModelPackageArn": await self._create_version(call)}
        if given.get("ModelApprovalStatus"):
            raise validation("ModelApprovalStatus is for versions of a model package group")
        package = self._package(call, given["ModelPackageName"])
        duplicate = validation(f"Model Package already exists: {package.arn}")
        await self._desk.create(call, package, duplicate)
        return {"ModelPackageArn": package.arn}

    async def describe(self, call: Call) -> Mapping[str, Any]:
        return described(await self._existing(call, "ModelPackageName"))

    async def update(self, call: Call) -> Mapping[str, Any]:
        members.check(call)
        given = call.parameters
        saved = False
        while not saved:
            package = await self._existing(call, "ModelPackageArn")
            if given.get("ModelApprovalStatus") and "/" not in package.name:
                raise validation("ModelApprovalStatus is for versions of a model package group")
            changed = replace(
                package,
                state=_changed(package.state, given) | {"LastModifiedBy": call.principal.arn},
                modified_at=self._desk.clock.now(),
            )
            saved = await self._desk.database.write(resources.save, changed)
        return {"ModelPackageArn": given["ModelPackageArn"]}

    async def delete(self, call: Call) -> None:
        package = await self._existing(call, "ModelPackageName")
        await self._desk.database.write(resources.delete, package)

    async def list(self, call: Call) -> Mapping[str, Any]:
        members.check(call)
        given = call.parameters
        group, kind = given.get("ModelPackageGroupName"), given.get("ModelPackageType")
        narrowed: dict[str, Any] = {"versioned": None if kind == "Both" else kind == "Versioned"}
        if group:
            found = await find_group(self._desk, call, group)
            narrowed = {"prefix": f"{found.name}/"}
        if given.get("ModelApprovalStatus"):
            narrowed["equal"] = {"state.ModelApprovalStatus": given["ModelApprovalStatus"]}
        return await lists.page(self._desk, call, _LISTING, narrowed)

    async def _create_version(self, call: Call) -> str:
        """The ARN of the group's next version, made together with its number."""
        while True:
            group = await find_group(self._desk, call, call.parameters["ModelPackageGroupName"])
            number = group.state["Latest"] + 1
            counted = replace(group, state={**group.state, "Latest": number})
            version = self._package(call, f"{group.name}/{number}")
            if await self._desk.database.write(resources.create_version, counted, version):
                return version.arn

    def _package(self, call: Call, name: str) -> Resource:
        given = call.parameters
        state = {member: given[member] for member in _CHANGEABLE if member in given}
        if "/" in name:
            state.setdefault("ModelApprovalStatus", PENDING)
        state["CreatedBy"] = call.principal.arn
        return self._desk.draft(call, KIND, name, status="Completed", state=state)

    async def _check(self, specification: Mapping[str, Any]) -> None:
        for container in specification.get("Containers", ()):
            source = model_data.source_of(container)
            if source is None:
                continue
            url = source["S3Uri"]
            try:
                place = location(url)
            except DataError as error:
                raise validation(str(error)) from None
            if not await self._desk.objects.walk(place.bucket, place.key):
                raise validation(
                    f"Could not find model data at {url}. Upload it first, or set "
                    "SkipModelValidation to All."
                )

    async def _create_needs(self, call: Call) -> Iterable[Need]:
        given = call.parameters
        group = given.get("ModelPackageGroupName")
        # Of a version AWS asks for permission on the group's versions: their number is not known.
        name = f"{group.rpartition('/')[2]}/*" if group else given.get("ModelPackageName", "*")
        reading = await self._reading(call, given.get("InferenceSpecification", {}))
        return [*creation_needs(call, KIND, name), *reading]

    async def _reading(self, call: Call, specification: Mapping[str, Any]) -> Iterable[Need]:
        """Whoever registers a model's data must be able to read it, be it another account's."""
        needs: list[Need] = []
        for container in specification.get("Containers", ()):
            if source := model_data.source_of(container):
                name, _, key = source["S3Uri"].removeprefix("s3://").partition("/")
                key += "*" if source["S3DataType"] == "S3Prefix" else ""
                bucket = await self._desk.objects.bucket(name)
                if bucket is None:
                    needs.append(Need(action="s3:GetObject", resource=f"arn:aws:s3:::{name}/{key}"))
                else:
                    needs.append(object_need(call.principal, "s3:GetObject", bucket, key))
        return needs

    async def _existing(self, call: Call, member: str) -> Resource:
        name = _name(call.parameters[member])
        found = await self._desk.find(call, KIND, name)
        if found is None:
            raise validation(f"Model Package {arn(call, KIND, name)} does not exist.")
        return found


async def containers(desk: Desk, call: Call, named: str) -> list[Mapping[str, Any]]:
    """The containers of the package of a name or an ARN, for a model that is made of it.

    Raises:
        AwsError: there is none, it is not approved, or it has none.
    """
    name = _name(named)
    is_own = account_of(named) in ("", call.account)
    package = await desk.find(call, KIND, name) if is_own else None
    if package is None:
        raise validation(
            f"Model Package {named if not is_own else arn(call, KIND, name)} does not exist."
        )
    approval = package.state.get("ModelApprovalStatus", "Approved")
    if approval == "Rejected":
        raise validation(f"Model Package {package.arn} is Rejected: it cannot be deployed.")
    found = package.state.get("InferenceSpecification", {}).get("Containers", [])
    if not found:
        raise validation(f"Model Package {package.arn} has no InferenceSpecification.Containers.")
    return [{**one, "ModelPackageName": package.arn} for one in found]


def _name(named: str) -> str:
    """`GROUP/3` of `arn:…:model-package/GROUP/3`, and of itself."""
    return named.partition(f":{KIND.value}/")[2] or named


def _changed(state: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The state after an update."""
    after = dict(state)
    for member in _CHANGEABLE:
        if member in given and member != "CustomerMetadataProperties":
            after[member] = given[member]
    further = given.get("AdditionalInferenceSpecificationsToAdd", ())
    if further:
        before = after.get("AdditionalInferenceSpecifications", [])
        names = {one["Name"] for one in further}
        kept = [one for one in before if one["Name"] not in names]
        after["AdditionalInferenceSpecifications"] = [*kept, *further]
    properties = {
        **after.get("CustomerMetadataProperties", {}),
        **given.get("CustomerMetadataProperties", {}),
    }
    for gone in given.get("CustomerMetadataPropertiesToRemove", ()):
        properties.pop(gone, None)
    return after | {"CustomerMetadataProperties": properties}


def described(package: Resource) -> dict[str, Any]:
    """The answer of DescribeModelPackage, and what Search gives of each."""
    answer: dict[str, Any] = {
        name: package.request[name] for name in _ECHOED if name in package.request
    }
    answer |= {name: package.state[name] for name in _CHANGEABLE if package.state.get(name)}
    creator = {"Arn": package.state["CreatedBy"], "PrincipalId": package.account}
    answer |= {
        **_identity(package),
        "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        "CreatedBy": {"IamIdentity": creator},
    }
    if package.state.get("LastModifiedBy"):
        modifier = {"Arn": package.state["LastModifiedBy"], "PrincipalId": package.account}
        answer["LastModifiedBy"] = {"IamIdentity": modifier}
        answer["LastModifiedTime"] = package.modified_at
    return answer


def _identity(package: Resource) -> dict[str, Any]:
    group, versioned, version = package.name.partition("/")
    named: dict[str, Any] = {"ModelPackageName": package.name}
    if versioned:
        # AWS gives a version the name of its group.
        named = {
            "ModelPackageName": group,
            "ModelPackageGroupName": group,
            "ModelPackageVersion": int(version),
        }
    return named | {
        "ModelPackageArn": package.arn,
        "CreationTime": package.created_at,
        "ModelPackageStatus": package.status,
    }


def _summary(package: Resource) -> dict[str, Any]:
    members_told = ("ModelApprovalStatus", "ModelLifeCycle")
    told = {name: package.state[name] for name in members_told if package.state.get(name)}
    description = package.request.get("ModelPackageDescription")
    if description:
        told["ModelPackageDescription"] = description
    return _identity(package) | told


_LISTING = lists.Listing(
    kind=KIND,
    member="ModelPackageSummaryList",
    prefix="ModelPackage",
    ascending=True,
    summary=_summary,
)


async def _named_needs(call: Call) -> Iterable[Need]:
    return [need(call, arn(call, KIND, _name(call.parameters["ModelPackageName"])))]


async def _update_needs(call: Call) -> Iterable[Need]:
    return [need(call, arn(call, KIND, _name(call.parameters["ModelPackageArn"])))]


async def _list_needs(call: Call) -> Iterable[Need]:
    return [need(call, "*")]
