"""Which permission each operation asks for, and that none goes without."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from flowmaker.aws.errors import AwsError
from flowmaker.aws.s3.service import S3Service
from flowmaker.aws.service import Call, Need, Operation, Principal
from flowmaker.clock import SystemClock
from flowmaker.objects.disk import DiskObjectStore
from flowmaker.store.database import Database

ME = Principal(account="000000000000", arn="arn:aws:iam::000000000000:user/me", user_id="AIDA")


async def body(content: bytes) -> AsyncIterator[bytes]:
    yield content


class Service:
    """S3's operations, called without a wire."""

    def __init__(self, operations: dict[str, Operation]) -> None:
        self.operations = operations

    def call(self, operation: str, content: bytes = b"", **parameters: Any) -> Call:
        return Call(
            service="s3",
            operation=operation,
            parameters=parameters,
            principal=ME,
            region="us-east-1",
            request_id="1",
            body=body(content),
            headers={},
            endpoint="http://127.0.0.1:8080",
        )

    async def needs(self, operation: str, **parameters: Any) -> list[Need]:
        return list(await self.operations[operation].needs(self.call(operation, **parameters)))

    async def do(self, operation: str, content: bytes = b"", **parameters: Any) -> Any:
        call = self.call(operation, content, **parameters)
        return await self.operations[operation].handler(call)


@pytest.fixture
async def s3(tmp_path: Path) -> AsyncIterator[Service]:
    database = Database(tmp_path / "flowmaker.db")
    store = DiskObjectStore(tmp_path / "objects", database, SystemClock())
    service = Service(dict(S3Service(store, SystemClock()).operations()))
    await service.do("CreateBucket", Bucket="bucket")
    await service.do("PutObject", b"x", Bucket="bucket", Key="key", Tagging="team=a")
    yield service
    store.close()
    database.close()


def shown(needs: list[Need]) -> list[str]:
    return [f"{need.action} {need.resource}" for need in needs]


BUCKET, KEY = "arn:aws:s3:::bucket", "arn:aws:s3:::bucket/key"
AT = {"Bucket": "bucket", "Key": "key"}


@pytest.mark.parametrize(
    ("operation", "parameters", "expected"),
    [
        ("ListBuckets", {}, ["s3:ListAllMyBuckets *"]),
        ("CreateBucket", {"Bucket": "new"}, ["s3:CreateBucket arn:aws:s3:::new"]),
        ("HeadBucket", {"Bucket": "bucket"}, [f"s3:ListBucket {BUCKET}"]),
        ("ListObjectVersions", {"Bucket": "bucket"}, [f"s3:ListBucketVersions {BUCKET}"]),
        ("HeadObject", AT, [f"s3:GetObject {KEY}"]),
        ("GetObjectAttributes", AT, [f"s3:GetObject {KEY}", f"s3:GetObjectAttributes {KEY}"]),
        (
            "GetObject",
            {"Bucket": "bucket", "Key": "no"},
            [f"s3:ListBucket {BUCKET}", f"s3:GetObject {BUCKET}/no"],
        ),
        ("PutObject", AT, [f"s3:PutObject {KEY}"]),
        (
            "PutObject",
            {**AT, "Tagging": "a=b"},
            [f"s3:PutObject {KEY}", f"s3:PutObjectTagging {KEY}"],
        ),
        ("UploadPart", AT, [f"s3:PutObject {KEY}"]),
        ("AbortMultipartUpload", AT, [f"s3:AbortMultipartUpload {KEY}"]),
        (
            "CopyObject",
            {"Bucket": "bucket", "Key": "copy", "CopySource": "/bucket/key"},
            [
                f"s3:PutObject {BUCKET}/copy",
                f"s3:GetObject {KEY}",
                f"s3:GetObjectTagging {KEY}",
                f"s3:PutObjectTagging {BUCKET}/copy",
            ],
        ),
        (
            "DeleteObjects",
            {"Bucket": "bucket", "Delete": {"Objects": [{"Key": "key"}, {"Key": "b"}]}},
            [f"s3:DeleteObject {KEY}", f"s3:DeleteObject {BUCKET}/b"],
        ),
        ("GetBucketEncryption", {"Bucket": "bucket"}, [f"s3:GetEncryptionConfiguration {BUCKET}"]),
        ("GetObject", {"Bucket": "nowhere", "Key": "key"}, []),
    ],
)
async def test_needs(
    s3: Service, operation: str, parameters: dict[str, Any], expected: list[str]
) -> None:
    assert shown(await s3.needs(operation, **parameters)) == expected


async def test_a_listing_is_asked_for_with_its_prefix(s3: Service) -> None:
    (need,) = await s3.needs("ListObjectsV2", Bucket="bucket", Prefix="a/", Delimiter="/")
    assert need.context == {"s3:prefix": "a/", "s3:delimiter": "/"}
    assert need.owner == "000000000000"


async def test_a_read_is_asked_for_with_the_tags_of_the_object(s3: Service) -> None:
    (need,) = await s3.needs("GetObject", **AT)
    assert need.context["s3:ExistingObjectTag/team"] == "a"


async def test_no_operation_on_a_bucket_goes_without_a_need(s3: Service) -> None:
    parameters = {"Bucket": "bucket", "Key": "key", "UploadId": "1", "CopySource": "bucket/key"}
    parameters |= {"Delete": {"Objects": [{"Key": "key"}]}}
    for operation in s3.operations:
        assert await s3.needs(operation, **parameters), operation


async def test_what_no_operation_honours_is_refused_by_name(s3: Service) -> None:
    for operation in s3.operations.keys() - {"ListBuckets"}:
        with pytest.raises(AwsError, match="Unheard") as error:
            await s3.do(operation, Bucket="bucket", Unheard="of")
        assert (error.value.code, error.value.status) == ("NotImplemented", 501)


async def test_reading_and_copying_without_a_wire(s3: Service) -> None:
    await s3.do("CopyObject", Bucket="bucket", Key="copy", CopySource="bucket/key")
    reply = await s3.do("GetObject", Bucket="bucket", Key="copy")
    assert (reply.body, reply.length, reply.status) == (b"x", 1, 0)
    reply = await s3.do("GetObject", Bucket="bucket", Key="copy", Range="bytes=0-0")
    assert (reply.body, reply.status) == (b"x", 206)
    assert (await s3.do("GetObjectTagging", Bucket="bucket", Key="copy"))["TagSet"] == [
        {"Key": "team", "Value": "a"}
    ]
