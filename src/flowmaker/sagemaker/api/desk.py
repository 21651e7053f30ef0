"""What every operation needs, and what they do alike."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flowmaker import ids
from flowmaker.aws.errors import AwsError, access_denied, validation
from flowmaker.aws.identity import Authorizer, SessionCredentials, Sessions
from flowmaker.aws.service import Call, Need
from flowmaker.clock import Clock
from flowmaker.objects.objects import ObjectStore
from flowmaker.reconcile.hints import Hints
from flowmaker.sagemaker.api.quotas import Quotas
from flowmaker.sagemaker.container.storage import DataError, JobStorage, location
from flowmaker.sagemaker.images import JobImages
from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.repository import resources
from flowmaker.store.database import Database, Transaction

PRINCIPAL = "sagemaker.amazonaws.com"


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """Where operations read and write."""

    database: Database
    objects: ObjectStore
    authorizer: Authorizer
    sessions: Sessions
    hints: Hints
    clock: Clock
    #: The images that jobs and models may name.
    images: JobImages = field(default_factory=JobImages)
    #: How many instances may be in use.
    quotas: Quotas = field(default_factory=Quotas)

    def draft(
        self,
        call: Call,
        kind: Kind,
        name: str,
        *,
        status: str = "",
        state: Mapping[str, Any] | None = None,
        open: bool = False,  # noqa: A002 - the record's word
    ) -> Resource:
        """A resource as the request asks for it."""
        now = self.clock.now()
        return Resource(
            id=ids.new(),
            kind=kind,
            account=call.account,
            region=call.region,
            name=name,
            arn=arn(call, kind, name),
            status=status,
            open=open,
            created_at=now,
            modified_at=now,
            request={key: value for key, value in call.parameters.items() if key != "Tags"},
            state=state or {},
        )

    async def create(
        self,
        call: Call,
        resource: Resource,
        duplicate: AwsError,
        also: Callable[[Transaction], None] | None = None,
    ) -> None:
        """Put it on record with its tags, and do `also` in the same transaction.

        Raises:
            AwsError: `duplicate`, when there is one of that name; or it needs more instances than
                a quota leaves.
        """
        tags = tags_of(call)

        def write(tx: Transaction) -> bool:
            if resources.arn_exists(tx, resource.arn):
                return False  # a name that differs in its case alone
            made = resources.create(tx, resource, tags)
            if made:
                self.quotas.check(tx, resource)
            if made and also:
                also(tx)
            return made

        if not await self.database.write(write):
            raise duplicate

    async def find(self, call: Call, kind: Kind, name: str) -> Resource | None:
        return await self.database.read(resources.find, kind, call.account, call.region, name)

    async def existing(self, call: Call, kind: Kind, name: str) -> Resource:
        """The resource of that name; or of the name as its ARN has it, which the SDK cuts off.

        Raises:
            AwsError: there is none, in AWS's words.
        """
        named = arn(call, kind, name)
        found = await self.find(call, kind, name)
        if found is None:
            found = await self.database.read(resources.by_arn, named)
        if found is None:
            raise not_found(kind, named)
        return found

    async def assume(self, call: Call, role_arn: str) -> SessionCredentials:
        """A session of the role that the request names, which proves that jobs can have one."""
        try:
            return await self.sessions.for_service(
                role_arn, PRINCIPAL, "SageMaker", account=call.account
            )
        except AwsError:
            raise validation(
                f"Could not assume role {role_arn}. Please ensure that the role exists and allows "
                f"principal '{PRINCIPAL}' to assume the role."
            ) from None

    async def check_input(self, call: Call, role_arn: str, source: Mapping[str, Any]) -> None:
        """The S3 data that a job is to read exists, and its role may list it.

        AWS looks at this when the job is created. Whether each object can be read shows later.
        """
        session = await self.assume(call, role_arn)
        storage = JobStorage(
            objects=self.objects,
            authorizer=self.authorizer,
            principal=session.principal,
            region=call.region,
        )
        try:
            place = location(source["S3Uri"])
        except DataError as error:
            raise validation(str(error)) from None
        listed = await storage.may_list(place)
        if not listed or not await self.objects.walk(place.bucket, place.key):
            raise validation(
                f'No S3 objects found under S3 URL "{place.uri}" given in input data source. '
                f"Please ensure that the bucket exists in the selected region ({call.region}), "
                f'that objects exist under that S3 prefix, and that the role "{role_arn}" has '
                f'"s3:ListBucket" permissions on bucket "{place.bucket}".'
            )


def tags_of(call: Call) -> dict[str, str]:
    """The tags that a request has.

    Raises:
        AwsError: there is one twice, or one that is AWS's to give.
    """
    given: Sequence[Mapping[str, str]] = call.parameters.get("Tags", ())
    tags = {tag["Key"]: tag["Value"] for tag in given}
    if len(tags) < len(given):
        raise validation("Tags: there is more than one of a key; keys must be unique")
    for key in tags:
        if key.lower().startswith("aws:"):
            raise validation(f"Tags: {key} begins with aws:, which is reserved for AWS")
    return tags


def arn(call: Call, kind: Kind, name: str) -> str:
    """The ARN of the resource; AWS writes the name in it in lower case, but for pipelines."""
    written = name if kind is Kind.PIPELINE else name.lower()
    return ids.arn("sagemaker", call.region, call.account, f"{kind.value}/{written}")


def not_found(kind: Kind, resource_arn: str) -> AwsError:
    """There is no such resource, as AWS says it of each kind."""
    if kind in {Kind.TRAINING_JOB, Kind.TUNING_JOB, Kind.TRANSFORM_JOB, Kind.PROCESSING_JOB}:
        return validation("Requested resource not found.")
    return validation(
        f'Could not find {kind.value.replace("-config", " configuration")} "{resource_arn}".'
    )


def already(kind: Kind, resource_arn: str) -> AwsError:
    """There is one, as AWS says it of what is no job."""
    what = kind.value.replace("-config", " configuration")
    return validation(f'Cannot create already existing {what} "{resource_arn}".')


def in_use(kind: Kind, resource_arn: str) -> AwsError:
    """There is a job of that name, as AWS says it."""
    if kind is Kind.TUNING_JOB:
        return AwsError(
            "ResourceInUse",
            f"A hyperparameter tuning job with the name, {resource_arn.rpartition('/')[2]}, "
            "already exists. Choose a different name.",
        )
    what = kind.value.replace("-", " ")
    return AwsError(
        "ResourceInUse",
        f"{what.capitalize()} names must be unique within an AWS account and region, and a {what} "
        f"with this name already exists ({resource_arn})",
    )


def need(call: Call, resource: str) -> Need:
    return Need(action=f"sagemaker:{call.operation}", resource=resource)


def creation_needs(call: Call, kind: Kind, name: str, role_arn: str = "") -> Iterable[Need]:
    """What making a resource needs: the operation, its tags, and to pass the role on.

    Raises:
        AwsError: the role is another account's, whoever would allow it.
    """
    resource = arn(call, kind, name)
    yield need(call, resource)
    if call.parameters.get("Tags"):
        yield Need(action="sagemaker:AddTags", resource=resource)
    if role_arn:
        if ids.account_of(role_arn) not in ("", call.account):
            raise access_denied(
                f"Cross-account pass role is not allowed: {role_arn} is not of the account "
                f"{call.account}."
            )
        context: dict[str, str | tuple[str, ...]] = {"iam:PassedToService": PRINCIPAL}
        yield Need(action="iam:PassRole", resource=role_arn, context=context)
