"""S3 as a job has it: every read and write is allowed by its execution role first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from flowmaker.aws.errors import AwsError
from flowmaker.aws.identity import Authorizer, SessionCredentials, Sessions
from flowmaker.aws.s3 import policies
from flowmaker.aws.service import Need, Principal
from flowmaker.errors import NotFound
from flowmaker.objects.objects import Bucket, ObjectStore, StoredObject

SERVICE = "sagemaker.amazonaws.com"
#: What an authorizer raises when it does not allow something.
DENIALS = frozenset({"AccessDenied", "AccessDeniedException"})


class DataError(Exception):
    """The job's data cannot be read or written; the message is for its FailureReason."""


@dataclass(frozen=True, slots=True)
class Location:
    """A bucket and a key, or the beginning of keys."""

    bucket: str
    key: str

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    def below(self, name: str) -> "Location":
        """`name` in this as a folder."""
        folder = self.key.rstrip("/")
        return Location(self.bucket, f"{folder}/{name}" if folder else name)


def location(uri: str) -> Location:
    """The place that an `s3://` URI names.

    Raises:
        DataError: it names none.
    """
    parts = urlsplit(uri, allow_fragments=False)
    if parts.scheme != "s3" or not parts.netloc:
        raise DataError(f"{uri} is no S3 URI of the form s3://bucket/key")
    key = uri[len("s3://") + len(parts.netloc) :]
    return Location(parts.netloc, key[1:])


@dataclass(frozen=True, kw_only=True, slots=True)
class JobStorage:
    """The object store, for a role."""

    objects: ObjectStore
    authorizer: Authorizer
    principal: Principal
    region: str

    async def may_list(self, place: Location) -> bool:
        """The role may list the bucket, which exists."""
        bucket = await self.objects.bucket(place.bucket)
        if bucket is None:
            return False
        need = _list_need(self.principal, bucket, place.key)
        return await self.authorizer.allowed(self.principal, need, region=self.region)

    async def objects_under(self, place: Location) -> Sequence[StoredObject]:
        """The objects whose keys begin so, but for the empty ones that stand for folders."""
        bucket = await self._bucket(place)
        need = _list_need(self.principal, bucket, place.key)
        await self._check(
            [need], f"Unable to list objects under {place.uri} (AccessDenied: Access Denied)"
        )
        found = await self.objects.walk(place.bucket, place.key)
        return [one for one in found if not one.key.endswith("/")]

    async def readable(self, found: Iterable[StoredObject]) -> None:
        """The role may read them all.

        Raises:
            DataError: naming the first that it may not.
        """
        for one in found:
            bucket = await self._bucket(Location(one.bucket, one.key))
            place = Location(one.bucket, one.key)
            await self._check(
                [object_need(self.principal, "s3:GetObject", bucket, one.key)],
                f"Unable to download object {place.uri} (AccessDenied: Access Denied)",
            )

    async def get(self, place: Location) -> StoredObject:
        """The object at exactly that key, which the role may read."""
        found = await self.objects.get(place.bucket, place.key)
        if found is None:
            raise DataError(f"Could not find the object {place.uri}")
        await self.readable([found])
        return found

    async def put(self, place: Location, file: Path, *, content_type: str = "") -> None:
        """Take `file` over as the object."""
        bucket = await self._bucket(place)
        await self._check(
            [object_need(self.principal, "s3:PutObject", bucket, place.key)],
            f"Unable to upload object {place.uri} (AccessDenied: Access Denied)",
        )
        try:
            await self.objects.put_file(place.bucket, place.key, file, content_type=content_type)
        except NotFound as error:
            raise DataError(str(error)) from None

    async def delete(self, place: Location) -> None:
        """Delete the object; nothing when there is none."""
        bucket = await self._bucket(place)
        await self._check(
            [object_need(self.principal, "s3:DeleteObject", bucket, place.key)],
            f"Unable to delete object {place.uri} (AccessDenied: Access Denied)",
        )
        await self.objects.delete(place.bucket, place.key)

    async def _bucket(self, place: Location) -> Bucket:
        bucket = await self.objects.bucket(place.bucket)
        if bucket is None:
            raise DataError(f"The bucket {place.bucket} of {place.uri} does not exist")
        return bucket

    async def _check(self, needs: Sequence[Need], refusal: str) -> None:
        try:
            await self.authorizer.check(self.principal, needs, region=self.region)
        except AwsError as error:
            if error.code not in DENIALS:
                raise
            raise DataError(f"{refusal}. {error.message}") from None


@dataclass(frozen=True, kw_only=True, slots=True)
class Storages:
    """The object store, for each role that SageMaker may assume."""

    objects: ObjectStore
    authorizer: Authorizer
    sessions: Sessions

    async def session(self, role_arn: str, account: str, name: str) -> SessionCredentials:
        """A session of a role, for what the account asked for.

        Raises:
            DataError: it can no longer be assumed.
        """
        try:
            return await self.sessions.for_service(role_arn, SERVICE, name, account=account)
        except AwsError as error:
            raise DataError(
                f"Could not assume role {role_arn}. Please ensure that the role exists and allows "
                f"principal '{SERVICE}' to assume the role. {error.message}"
            ) from None

    async def of_role(self, role_arn: str, account: str, region: str) -> JobStorage:
        """S3 as the role has it.

        Raises:
            DataError: it can no longer be assumed.
        """
        session = await self.session(role_arn, account, "SageMaker")
        return JobStorage(
            objects=self.objects,
            authorizer=self.authorizer,
            principal=session.principal,
            region=region,
        )


def _list_need(principal: Principal, bucket: Bucket, prefix: str) -> Need:
    return Need(
        action="s3:ListBucket",
        resource=f"arn:aws:s3:::{bucket.name}",
        context={"s3:prefix": prefix},
        resource_policy=policies.in_force(bucket, principal.account),
        owner=bucket.owner,
    )


def object_need(principal: Principal, action: str, bucket: Bucket, key: str) -> Need:
    """What it needs to do that to the object, or to those that the key is a pattern of."""
    return Need(
        action=action,
        resource=f"arn:aws:s3:::{bucket.name}/{key}",
        resource_policy=policies.in_force(bucket, principal.account),
        owner=bucket.owner,
    )
