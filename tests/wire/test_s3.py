"""S3 as boto3 sees it."""

import io
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import boto3
import pytest
import urllib3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

from flowmaker.clock import SystemClock
from tests.fakes.s3_server import S3, credentials, s3_server

MIB = 1 << 20
numbers = count()


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="module")
def client(s3: S3) -> Any:
    return s3.client


@pytest.fixture
def bucket(client: Any) -> str:
    name = f"bucket-{next(numbers)}"
    client.create_bucket(Bucket=name)
    return name


def put(client: Any, bucket: str, *keys: str) -> None:
    for key in keys:
        client.put_object(Bucket=bucket, Key=key, Body=key.encode())


def code(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    response = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


class TestBuckets:
    def test_a_bucket_is_made_found_listed_and_removed(self, client: Any, bucket: str) -> None:
        assert client.head_bucket(Bucket=bucket)["BucketRegion"] == "us-east-1"
        assert bucket in [one["Name"] for one in client.list_buckets()["Buckets"]]
        client.delete_bucket(Bucket=bucket)
        with pytest.raises(ClientError, match="Not Found") as error:
            client.head_bucket(Bucket=bucket)
        assert code(error) == ("404", 404)

    def test_a_bucket_in_use_is_not_removed(self, client: Any, bucket: str) -> None:
        put(client, bucket, "key")
        with pytest.raises(ClientError) as error:
            client.delete_bucket(Bucket=bucket)
        assert code(error) == ("BucketNotEmpty", 409)

    def test_making_it_again_is_an_error_everywhere_but_in_the_first_region(
        self, s3: S3, client: Any, bucket: str
    ) -> None:
        client.create_bucket(Bucket=bucket)
        frankfurt = boto3.client("s3", endpoint_url=s3.url, **credentials("eu-central-1"))
        constraint = {"LocationConstraint": "eu-central-1"}
        name = f"{bucket}-frankfurt"
        frankfurt.create_bucket(Bucket=name, CreateBucketConfiguration=constraint)
        with pytest.raises(ClientError) as error:
            frankfurt.create_bucket(Bucket=name, CreateBucketConfiguration=constraint)
        assert code(error) == ("BucketAlreadyOwnedByYou", 409)
        with pytest.raises(frankfurt.exceptions.ClientError) as error:
            frankfurt.create_bucket(Bucket=f"{name}-2")
        assert code(error) == ("IllegalLocationConstraintException", 400)
        assert client.get_bucket_location(Bucket=name)["LocationConstraint"] == "eu-central-1"
        assert client.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None

    def test_a_bucket_of_someone_else_is_not_what_was_expected(
        self, client: Any, bucket: str
    ) -> None:
        client.head_bucket(Bucket=bucket, ExpectedBucketOwner="000000000000")
        with pytest.raises(ClientError) as error:
            client.head_bucket(Bucket=bucket, ExpectedBucketOwner="111111111111")
        assert code(error) == ("403", 403)

    def test_configurations(self, client: Any, bucket: str) -> None:
        tags = {"TagSet": [{"Key": "team", "Value": "a"}]}
        with pytest.raises(ClientError) as error:
            client.get_bucket_tagging(Bucket=bucket)
        assert code(error) == ("NoSuchTagSet", 404)
        client.put_bucket_tagging(Bucket=bucket, Tagging=tags)
        assert client.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags["TagSet"]
        client.delete_bucket_tagging(Bucket=bucket)
        assert "Status" not in client.get_bucket_versioning(Bucket=bucket)
        acl = client.get_bucket_acl(Bucket=bucket)
        assert acl["Grants"][0]["Grantee"]["ID"] == acl["Owner"]["ID"]

    def test_every_bucket_has_an_encryption(self, client: Any, bucket: str) -> None:
        def rules() -> Any:
            found = client.get_bucket_encryption(Bucket=bucket)
            return found["ServerSideEncryptionConfiguration"]["Rules"]

        def put(by_default: dict[str, str], **more: bool) -> None:
            rule = {"ApplyServerSideEncryptionByDefault": by_default, **more}
            client.put_bucket_encryption(
                Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]}
            )

        plain = {
            "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
            "BucketKeyEnabled": False,
        }
        assert rules() == [plain]
        key = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "arn:aws:kms:us-east-1:0:key/a"}
        put(key, BucketKeyEnabled=True)
        assert rules() == [{"ApplyServerSideEncryptionByDefault": key, "BucketKeyEnabled": True}]
        client.put_object(Bucket=bucket, Key="k")
        head = client.head_object(Bucket=bucket, Key="k")
        assert head["ServerSideEncryption"] == "aws:kms"
        assert (head["SSEKMSKeyId"], head["BucketKeyEnabled"]) == (key["KMSMasterKeyID"], True)
        client.put_object(Bucket=bucket, Key="k", ServerSideEncryption="AES256")
        head = client.head_object(Bucket=bucket, Key="k")
        assert head["ServerSideEncryption"] == "AES256"
        assert not {"SSEKMSKeyId", "BucketKeyEnabled"} & head.keys()
        for wrong in ({"SSEAlgorithm": "ROT13"}, {**key, "SSEAlgorithm": "AES256"}):
            with pytest.raises(ClientError) as error:
                put(wrong)
            assert code(error)[1] == 400
        client.delete_bucket_encryption(Bucket=bucket)
        assert rules() == [plain]

    def test_every_answer_about_an_object_says_how_it_is_encrypted(
        self, client: Any, bucket: str
    ) -> None:
        at = {"Bucket": bucket, "Key": "k"}
        upload = client.create_multipart_upload(**at)
        part = client.upload_part(**at, UploadId=upload["UploadId"], PartNumber=1, Body=b"x")
        parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        for answer in (
            upload,
            part,
            client.complete_multipart_upload(
                **at, UploadId=upload["UploadId"], MultipartUpload=parts
            ),
            client.put_object(**at),
            client.get_object(**at),
            client.head_object(**at),
            client.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/k"),
        ):
            assert answer["ServerSideEncryption"] == "AES256"

    def test_a_new_bucket_is_closed_to_the_public(self, client: Any, bucket: str) -> None:
        names = [
            "BlockPublicAcls",
            "IgnorePublicAcls",
            "BlockPublicPolicy",
            "RestrictPublicBuckets",
        ]
        found = client.get_public_access_block(Bucket=bucket)
        assert found["PublicAccessBlockConfiguration"] == dict.fromkeys(names, True)
        policy = (
            '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", '
            f'"Resource": "arn:aws:s3:::{bucket}/*"}}]}}'
        )
        with pytest.raises(ClientError, match=f"delete-public-access-block --bucket {bucket}"):
            client.put_bucket_policy(Bucket=bucket, Policy=policy)
        block = dict.fromkeys(names, True) | {"BlockPublicPolicy": False}
        client.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=block)
        found = client.get_public_access_block(Bucket=bucket)
        assert found["PublicAccessBlockConfiguration"] == block
        client.put_bucket_policy(Bucket=bucket, Policy=policy)
        assert client.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"]
        client.delete_public_access_block(Bucket=bucket)
        with pytest.raises(ClientError) as error:
            client.get_public_access_block(Bucket=bucket)
        assert code(error) == ("NoSuchPublicAccessBlockConfiguration", 404)

    @pytest.mark.parametrize(
        ("operation", "expected"),
        [
            ("get_bucket_cors", "NoSuchCORSConfiguration"),
            ("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration"),
            ("get_bucket_website", "NoSuchWebsiteConfiguration"),
            ("get_bucket_replication", "ReplicationConfigurationNotFoundError"),
            ("get_object_lock_configuration", "ObjectLockConfigurationNotFoundError"),
            ("get_bucket_policy", "NoSuchBucketPolicy"),
        ],
    )
    def test_what_is_not_configured_is_said_in_its_own_words(
        self, client: Any, bucket: str, operation: str, expected: str
    ) -> None:
        with pytest.raises(ClientError) as error:
            getattr(client, operation)(Bucket=bucket)
        assert code(error) == (expected, 404)

    def test_the_rules_of_a_lifecycle_are_kept(self, client: Any, bucket: str) -> None:
        def put(*rules: dict[str, Any]) -> Any:
            given = {"Rules": list(rules)}
            return client.put_bucket_lifecycle_configuration(
                Bucket=bucket, LifecycleConfiguration=given
            )

        new_year = datetime(2030, 1, 1, tzinfo=UTC)
        old = {"ID": "old", "Status": "Enabled", "Filter": {}, "Expiration": {"Date": new_year}}
        logs = {
            "ID": "logs",
            "Status": "Disabled",
            "Filter": {"And": {"Prefix": "logs/", "Tags": [{"Key": "a", "Value": "b"}]}},
            "Transitions": [{"Days": 30, "StorageClass": "GLACIER"}],
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        }
        put(old, logs)
        found = client.get_bucket_lifecycle_configuration(Bucket=bucket)
        assert found["Rules"] == [old, logs]
        assert found["TransitionDefaultMinimumObjectSize"] == "all_storage_classes_128K"
        for wrong, expected in (
            ((old, old), "InvalidArgument"),
            (({**old, "Status": "Perhaps"},), "MalformedXML"),
            (({"Status": "Enabled", "Filter": {}},), "InvalidRequest"),
        ):
            with pytest.raises(ClientError) as error:
                put(*wrong)
            assert code(error) == (expected, 400)
        client.delete_bucket_lifecycle(Bucket=bucket)
        with pytest.raises(ClientError) as error:
            client.get_bucket_lifecycle_configuration(Bucket=bucket)
        assert code(error) == ("NoSuchLifecycleConfiguration", 404)

    def test_what_every_bucket_has(self, client: Any, bucket: str) -> None:
        assert client.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
        assert "LoggingEnabled" not in client.get_bucket_logging(Bucket=bucket)
        assert "Status" not in client.get_bucket_accelerate_configuration(Bucket=bucket)
        assert client.get_bucket_notification_configuration(Bucket=bucket)
        for kind in ("inventory", "metrics", "analytics", "intelligent_tiering"):
            listed = getattr(client, f"list_bucket_{kind}_configurations")(Bucket=bucket)
            assert listed["IsTruncated"] is False
        controls = client.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]
        assert controls["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]

    def test_settings_that_say_how_it_is_anyway(self, client: Any, bucket: str) -> None:
        client.put_bucket_request_payment(
            Bucket=bucket, RequestPaymentConfiguration={"Payer": "BucketOwner"}
        )
        client.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
        client.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
        suspended = {"Status": "Suspended"}
        client.put_bucket_accelerate_configuration(Bucket=bucket, AccelerateConfiguration=suspended)
        found = client.get_bucket_accelerate_configuration(Bucket=bucket)
        assert found["Status"] == "Suspended"
        client.delete_bucket_ownership_controls(Bucket=bucket)
        with pytest.raises(ClientError) as error:
            client.get_bucket_ownership_controls(Bucket=bucket)
        assert code(error) == ("OwnershipControlsNotFoundError", 404)
        controls = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        client.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=controls)
        found = client.get_bucket_ownership_controls(Bucket=bucket)
        assert found["OwnershipControls"] == controls

    def test_a_policy_goes_with_every_question_about_its_bucket(
        self, s3: S3, client: Any, bucket: str
    ) -> None:
        policy = (
            '{"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", '
            f'"Resource": "arn:aws:s3:::{bucket}/*"}}]}}'
        )
        client.put_bucket_policy(Bucket=bucket, Policy=policy)
        assert client.get_bucket_policy(Bucket=bucket)["Policy"] == policy
        s3.authorizer.asked.clear()
        put(client, bucket, "key")
        (need,) = s3.authorizer.asked
        assert (need.action, need.resource) == ("s3:PutObject", f"arn:aws:s3:::{bucket}/key")
        assert (need.owner, need.resource_policy) == ("000000000000", policy)
        client.delete_bucket_policy(Bucket=bucket)
        with pytest.raises(ClientError) as error:
            client.put_bucket_policy(Bucket=bucket, Policy=policy.replace(bucket, "other"))
        assert code(error) == ("MalformedPolicy", 400)

    def test_what_is_not_done_is_refused_by_name(self, client: Any, bucket: str) -> None:
        enabled = {"Status": "Enabled", "MFADelete": "Enabled"}
        with pytest.raises(ClientError, match="MFADelete") as error:
            client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=enabled)
        assert code(error) == ("NotImplemented", 501)
        with pytest.raises(ClientError, match="SSECustomerAlgorithm") as error:
            client.put_object(Bucket=bucket, Key="k", SSECustomerKey="0" * 32,
                              SSECustomerAlgorithm="AES256")  # fmt: skip
        assert code(error) == ("NotImplemented", 501)
        with pytest.raises(ClientError, match="ACL") as error:
            client.put_object(Bucket=bucket, Key="k", ACL="public-read")
        assert code(error) == ("AccessControlListNotSupported", 400)
        topic = {"TopicArn": "arn:aws:sns:us-east-1:1:t", "Events": ["s3:ObjectCreated:*"]}
        log = {"TargetBucket": bucket, "TargetPrefix": "log/"}
        for operation, parameters, name in (
            (client.put_bucket_notification_configuration,
             {"NotificationConfiguration": {"TopicConfigurations": [topic]}},
             "TopicConfigurations"),
            (client.put_bucket_logging,
             {"BucketLoggingStatus": {"LoggingEnabled": log}}, "LoggingEnabled"),
            (client.put_bucket_request_payment,
             {"RequestPaymentConfiguration": {"Payer": "Requester"}}, "Requester"),
            (client.put_bucket_accelerate_configuration,
             {"AccelerateConfiguration": {"Status": "Enabled"}}, "acceleration"),
        ):  # fmt: skip
            with pytest.raises(ClientError, match=name) as error:
                operation(Bucket=bucket, **parameters)
            assert code(error) == ("NotImplemented", 501)


class TestObjects:
    def test_all_that_was_put_comes_back(self, client: Any, bucket: str) -> None:
        expires = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
        put = client.put_object(
            Bucket=bucket,
            Key="a key/with ünïcode & +%",
            Body=b"hello",
            ContentType="text/plain",
            CacheControl="no-cache",
            ContentEncoding="gzip",
            Expires=expires,
            Metadata={"Some": "value"},
            Tagging="a=1&b=two%20words",
            StorageClass="STANDARD_IA",
            ServerSideEncryption="aws:kms",
        )
        assert put["ETag"] == '"5d41402abc4b2a76b9719d911017c592"'
        assert put["ServerSideEncryption"] == "aws:kms"
        assert put["ChecksumCRC32"]
        got = client.get_object(Bucket=bucket, Key="a key/with ünïcode & +%")
        assert got["Body"].read() == b"hello"
        head = client.head_object(
            Bucket=bucket, Key="a key/with ünïcode & +%", ChecksumMode="ENABLED"
        )
        for answer in (got, head):
            assert answer["ContentLength"] == 5
            assert answer["ContentType"] == "text/plain"
            assert answer["CacheControl"] == "no-cache"
            assert answer["ContentEncoding"] == "gzip"
            assert answer["Metadata"] == {"some": "value"}
            assert answer["StorageClass"] == "STANDARD_IA"
            assert answer["TagCount"] == 2
            assert answer["ETag"] == put["ETag"]
            assert abs(answer["LastModified"] - SystemClock().now()) < timedelta(minutes=1)
        assert head["ChecksumCRC32"] == put["ChecksumCRC32"]
        assert head["ChecksumType"] == "FULL_OBJECT"

    def test_an_empty_object(self, client: Any, bucket: str) -> None:
        client.put_object(Bucket=bucket, Key="empty")
        assert client.get_object(Bucket=bucket, Key="empty")["Body"].read() == b""
        with pytest.raises(ClientError) as error:
            client.get_object(Bucket=bucket, Key="empty", Range="bytes=0-1")
        assert code(error) == ("InvalidRange", 416)

    def test_what_is_missing(self, client: Any, bucket: str) -> None:
        with pytest.raises(client.exceptions.NoSuchKey, match="specified key does not exist"):
            client.get_object(Bucket=bucket, Key="nothing")
        with pytest.raises(ClientError, match="Not Found") as error:
            client.head_object(Bucket=bucket, Key="nothing")
        assert code(error) == ("404", 404)
        with pytest.raises(client.exceptions.NoSuchBucket):
            client.put_object(Bucket="nowhere", Key="key", Body=b"x")
        with pytest.raises(client.exceptions.NoSuchBucket):
            client.get_object(Bucket="sagemaker-sample-files", Key="key")
        client.delete_object(Bucket=bucket, Key="nothing")

    def test_whoever_may_not_list_is_not_told_what_is_missing(
        self, s3: S3, client: Any, bucket: str
    ) -> None:
        s3.authorizer.forbidden = {"s3:ListBucket"}
        try:
            put(client, bucket, "key")
            client.get_object(Bucket=bucket, Key="key")["Body"].read()
            with pytest.raises(ClientError) as error:
                client.get_object(Bucket=bucket, Key="nothing")
        finally:
            s3.authorizer.forbidden = set()
        assert code(error) == ("AccessDenied", 403)

    @pytest.mark.parametrize(
        ("header", "expected", "shown"),
        [
            ("bytes=2-4", b"234", "bytes 2-4/10"),
            ("bytes=7-", b"789", "bytes 7-9/10"),
            ("bytes=-2", b"89", "bytes 8-9/10"),
            ("bytes=5-100", b"56789", "bytes 5-9/10"),
        ],
    )
    def test_ranges(
        self, client: Any, bucket: str, header: str, expected: bytes, shown: str
    ) -> None:
        client.put_object(Bucket=bucket, Key="digits", Body=b"0123456789")
        got = client.get_object(Bucket=bucket, Key="digits", Range=header, ChecksumMode="ENABLED")
        assert got["Body"].read() == expected
        assert got["ContentRange"] == shown
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 206

    def test_conditions_of_reads(self, client: Any, bucket: str) -> None:
        etag = client.put_object(Bucket=bucket, Key="key", Body=b"x")["ETag"]
        assert client.get_object(Bucket=bucket, Key="key", IfMatch=etag)["Body"].read() == b"x"
        tomorrow = SystemClock().now() + timedelta(days=1)
        for condition in ({"IfNoneMatch": etag}, {"IfModifiedSince": tomorrow}):
            with pytest.raises(ClientError) as error:
                client.get_object(Bucket=bucket, Key="key", **condition)
            assert code(error) == ("304", 304)
        yesterday = tomorrow - timedelta(days=2)
        for condition in ({"IfMatch": '"other"'}, {"IfUnmodifiedSince": yesterday}):
            with pytest.raises(ClientError) as error:
                client.get_object(Bucket=bucket, Key="key", **condition)
            assert code(error) == ("PreconditionFailed", 412)

    def test_conditions_of_writes(self, client: Any, bucket: str) -> None:
        first = client.put_object(Bucket=bucket, Key="key", Body=b"1", IfNoneMatch="*")
        with pytest.raises(ClientError) as error:
            client.put_object(Bucket=bucket, Key="key", Body=b"2", IfNoneMatch="*")
        assert code(error) == ("PreconditionFailed", 412)
        client.put_object(Bucket=bucket, Key="key", Body=b"3", IfMatch=first["ETag"])
        with pytest.raises(ClientError) as error:
            client.put_object(Bucket=bucket, Key="key", Body=b"4", IfMatch=first["ETag"])
        assert code(error) == ("PreconditionFailed", 412)
        with pytest.raises(client.exceptions.NoSuchKey):
            client.put_object(Bucket=bucket, Key="other", Body=b"5", IfMatch=first["ETag"])
        assert client.get_object(Bucket=bucket, Key="key")["Body"].read() == b"3"

    def test_a_body_that_is_not_what_its_checksum_says_is_no_object(
        self, client: Any, bucket: str
    ) -> None:
        with pytest.raises(ClientError) as error:
            client.put_object(Bucket=bucket, Key="key", Body=b"x", ChecksumCRC32="AAAAAA==")
        assert code(error) == ("BadDigest", 400)
        with pytest.raises(client.exceptions.NoSuchKey):
            client.get_object(Bucket=bucket, Key="key")

    def test_a_refused_upload_does_not_spoil_the_connection(
        self, s3: S3, client: Any, bucket: str
    ) -> None:
        s3.authorizer.forbidden = {"s3:PutObject"}
        try:
            for size in (10, 100_000, 3 * MIB):
                with pytest.raises(ClientError) as error:
                    client.put_object(Bucket=bucket, Key="key", Body=b"x" * size)
                assert code(error) == ("AccessDenied", 403)
                assert client.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
        finally:
            s3.authorizer.forbidden = set()

    def test_a_key_that_is_too_long(self, client: Any, bucket: str) -> None:
        put(client, bucket, "k" * 1024)
        with pytest.raises(ClientError) as error:
            put(client, bucket, "ü" * 513)
        assert code(error) == ("KeyTooLongError", 400)

    def test_a_presigned_url_overrides_what_the_answer_says(
        self, s3: S3, client: Any, bucket: str
    ) -> None:
        put(client, bucket, "key")
        config = Config(signature_version="s3v4")
        signing = boto3.client("s3", endpoint_url=s3.url, config=config, **credentials())
        url = signing.generate_presigned_url(
            "get_object",
            {"Bucket": bucket, "Key": "key", "ResponseContentDisposition": "attachment"},
        )
        got = urllib3.request("GET", url)
        assert (got.status, got.data) == (200, b"key")
        assert got.headers["content-disposition"] == "attachment"

    def test_tags(self, client: Any, bucket: str) -> None:
        put(client, bucket, "key")
        tags = [{"Key": "a", "Value": "1"}]
        client.put_object_tagging(Bucket=bucket, Key="key", Tagging={"TagSet": tags})
        assert client.get_object_tagging(Bucket=bucket, Key="key")["TagSet"] == tags
        client.delete_object_tagging(Bucket=bucket, Key="key")
        assert client.get_object_tagging(Bucket=bucket, Key="key")["TagSet"] == []

    def test_many_are_deleted_at_once(self, client: Any, bucket: str) -> None:
        put(client, bucket, "a", "b", "c")
        objects = [{"Key": "a"}, {"Key": "nothing"}, {"Key": "b", "VersionId": "v1"}]
        answer = client.delete_objects(Bucket=bucket, Delete={"Objects": objects})
        assert [one["Key"] for one in answer["Deleted"]] == ["a", "nothing"]
        assert [(one["Key"], one["Code"]) for one in answer["Errors"]] == [("b", "InvalidArgument")]
        quiet = {"Objects": [{"Key": "b"}, {"Key": "c", "VersionId": "null"}], "Quiet": True}
        assert "Deleted" not in client.delete_objects(Bucket=bucket, Delete=quiet)
        assert client.list_objects_v2(Bucket=bucket)["KeyCount"] == 0

    def test_attributes(self, client: Any, bucket: str) -> None:
        etag = client.put_object(Bucket=bucket, Key="key", Body=b"12345")["ETag"]
        wanted = ["ETag", "ObjectSize", "StorageClass", "Checksum"]
        found = client.get_object_attributes(Bucket=bucket, Key="key", ObjectAttributes=wanted)
        assert (found["ETag"], found["ObjectSize"]) == (etag.strip('"'), 5)
        assert found["Checksum"]["ChecksumType"] == "FULL_OBJECT"


class TestCopies:
    def test_a_copy_has_what_its_source_has(self, client: Any, bucket: str) -> None:
        client.put_object(
            Bucket=bucket, Key="a b+ü", Body=b"x", ContentType="text/plain", Metadata={"m": "1"},
            Tagging="t=1",
        )  # fmt: skip
        source = {"Bucket": bucket, "Key": "a b+ü"}
        client.copy_object(Bucket=bucket, Key="copy", CopySource=source)
        client.delete_object(**source)
        got = client.get_object(Bucket=bucket, Key="copy")
        assert got["Body"].read() == b"x"
        assert (got["ContentType"], got["Metadata"], got["TagCount"]) == (
            "text/plain", {"m": "1"}, 1,
        )  # fmt: skip

    def test_the_source_may_be_encoded_whole(self, client: Any, bucket: str) -> None:
        """As Terraform sends it: `bucket%2Fkey`."""
        client.put_object(Bucket=bucket, Key="a/b", Body=b"x")

        def encoded(request: Any, **_: Any) -> None:
            request.headers.replace_header("x-amz-copy-source", f"{bucket}%2Fa%2Fb")

        client.meta.events.register("before-sign.s3.CopyObject", encoded)
        try:
            client.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/a/b")
        finally:
            client.meta.events.unregister("before-sign.s3.CopyObject", encoded)
        assert client.get_object(Bucket=bucket, Key="copy")["Body"].read() == b"x"

    def test_a_copy_may_be_described_anew(self, client: Any, bucket: str) -> None:
        client.put_object(Bucket=bucket, Key="a", Body=b"x", Metadata={"m": "1"}, Tagging="t=1")
        source = {"Bucket": bucket, "Key": "a"}
        client.copy_object(
            Bucket=bucket, Key="a", CopySource=source, MetadataDirective="REPLACE",
            Metadata={"n": "2"}, TaggingDirective="REPLACE", Tagging="",
        )  # fmt: skip
        got = client.get_object(Bucket=bucket, Key="a")
        assert (got["Body"].read(), got["Metadata"]) == (b"x", {"n": "2"})
        assert "TagCount" not in got
        with pytest.raises(ClientError, match="copy an object to itself") as error:
            client.copy_object(Bucket=bucket, Key="a", CopySource=source)
        assert code(error) == ("InvalidRequest", 400)

    def test_conditions_of_copies(self, client: Any, bucket: str) -> None:
        etag = client.put_object(Bucket=bucket, Key="a", Body=b"x")["ETag"]
        source = {"Bucket": bucket, "Key": "a"}
        for condition in ({"CopySourceIfMatch": "no"}, {"CopySourceIfNoneMatch": etag}):
            with pytest.raises(ClientError) as error:
                client.copy_object(Bucket=bucket, Key="b", CopySource=source, **condition)
            assert code(error) == ("PreconditionFailed", 412)
        with pytest.raises(client.exceptions.NoSuchKey):
            client.copy_object(
                Bucket=bucket, Key="b", CopySource={"Bucket": bucket, "Key": "nothing"}
            )


class TestListings:
    KEYS = ("a", "b/1", "b/2", "b/c/1", "d e", "d/1", "ü")

    def test_folders(self, client: Any, bucket: str) -> None:
        put(client, bucket, *self.KEYS)
        for operation in (client.list_objects_v2, client.list_objects):
            page = operation(Bucket=bucket, Delimiter="/")
            assert [one["Key"] for one in page["Contents"]] == ["a", "d e", "ü"]
            assert [one["Prefix"] for one in page["CommonPrefixes"]] == ["b/", "d/"]
            page = operation(Bucket=bucket, Delimiter="/", Prefix="b/")
            assert [one["Key"] for one in page["Contents"]] == ["b/1", "b/2"]
            assert [one["Prefix"] for one in page["CommonPrefixes"]] == ["b/c/"]

    @pytest.mark.parametrize("size", [1, 2, 3, 1000])
    @pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2"])
    def test_pages_join_to_the_whole(
        self, client: Any, bucket: str, operation: str, size: int
    ) -> None:
        put(client, bucket, *self.KEYS)
        pages = client.get_paginator(operation).paginate(
            Bucket=bucket, PaginationConfig={"PageSize": size}
        )
        assert [one["Key"] for page in pages for one in page["Contents"]] == list(self.KEYS)
        pages = client.get_paginator(operation).paginate(
            Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": size}
        )
        found: list[str] = []
        for page in pages:
            found += [one["Key"] for one in page.get("Contents", [])]
            found += [one["Prefix"] for one in page.get("CommonPrefixes", [])]
        assert sorted(found) == ["a", "b/", "d e", "d/", "ü"]

    def test_versions_are_the_objects(self, client: Any, bucket: str) -> None:
        put(client, bucket, "a", "b")
        versions = client.list_object_versions(Bucket=bucket)["Versions"]
        assert [(one["Key"], one["VersionId"], one["IsLatest"]) for one in versions] == [
            ("a", "null", True),
            ("b", "null", True),
        ]
        resource = boto3.resource("s3", endpoint_url=client.meta.endpoint_url, **credentials())
        resource.Bucket(bucket).object_versions.delete()
        resource.Bucket(bucket).delete()

    def test_after_a_key(self, client: Any, bucket: str) -> None:
        put(client, bucket, *self.KEYS)
        page = client.list_objects_v2(Bucket=bucket, StartAfter="b/2", FetchOwner=True)
        assert [one["Key"] for one in page["Contents"]] == ["b/c/1", "d e", "d/1", "ü"]
        assert page["Contents"][0]["Owner"]["ID"]


class TestMultipart:
    def test_boto3_uploads_and_downloads_in_parts(self, client: Any, bucket: str) -> None:
        content = os.urandom(20 * MIB + 7)
        config = TransferConfig(multipart_threshold=6 * MIB, multipart_chunksize=6 * MIB)
        client.upload_fileobj(
            io.BytesIO(content), bucket, "big", ExtraArgs={"Metadata": {"m": "1"}}, Config=config
        )
        head = client.head_object(Bucket=bucket, Key="big")
        assert head["ContentLength"] == len(content)
        assert head["ETag"].endswith('-4"')
        assert head["Metadata"] == {"m": "1"}
        received = io.BytesIO()
        client.download_fileobj(bucket, "big", received, Config=config)
        assert received.getvalue() == content
        part = client.get_object(Bucket=bucket, Key="big", PartNumber=2, ChecksumMode="ENABLED")
        assert part["PartsCount"] == 4
        assert part["Body"].read() == content[6 * MIB : 12 * MIB]
        found = client.get_object_attributes(
            Bucket=bucket, Key="big", ObjectAttributes=["ObjectParts"]
        )
        assert found["ObjectParts"]["TotalPartsCount"] == 4
        client.copy({"Bucket": bucket, "Key": "big"}, bucket, "copy", Config=config)
        assert client.get_object(Bucket=bucket, Key="copy")["Body"].read() == content
        assert client.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []

    def test_an_upload_that_is_completed_twice_is_the_same_object(
        self, client: Any, bucket: str
    ) -> None:
        """A client that lost the answer asks again, as boto3 does by itself."""
        at = {"Bucket": bucket, "Key": "twice"}
        upload = client.create_multipart_upload(**at)["UploadId"]
        etag = client.upload_part(**at, UploadId=upload, PartNumber=1, Body=b"x")["ETag"]

        def complete(etag: str) -> Any:
            parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
            done = client.complete_multipart_upload(**at, UploadId=upload, MultipartUpload=parts)
            return {name: done[name] for name in done if name != "ResponseMetadata"}

        first = complete(etag)
        assert complete(etag) == first
        with pytest.raises(client.exceptions.NoSuchUpload):
            complete('"00000000000000000000000000000000"')
        client.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/twice")
        client.put_object(**at, Body=b"newer")
        with pytest.raises(client.exceptions.NoSuchUpload):
            complete(etag)
        assert client.get_object(**at)["Body"].read() == b"newer"

    @pytest.mark.parametrize(
        ("algorithm", "kind"),
        [("CRC32", "COMPOSITE"), ("CRC32C", "FULL_OBJECT"), ("CRC64NVME", "FULL_OBJECT"),
         ("SHA256", "COMPOSITE")],
    )  # fmt: skip
    def test_checksums_of_parts_add_up(
        self, client: Any, bucket: str, algorithm: str, kind: str
    ) -> None:
        parts = [b"a" * 5 * MIB, b"b"]
        at = {"Bucket": bucket, "Key": "key"}
        begun = client.create_multipart_upload(**at, ChecksumAlgorithm=algorithm, ChecksumType=kind)
        at["UploadId"] = begun["UploadId"]
        member = f"Checksum{algorithm}"
        listed = []
        for number, part in enumerate(parts, 1):
            answer = client.upload_part(
                **at, PartNumber=number, Body=part, ChecksumAlgorithm=algorithm
            )
            listed.append({"PartNumber": number, "ETag": answer["ETag"], member: answer[member]})
        shown = client.list_parts(**at)["Parts"]
        assert [one[member] for one in shown] == [one[member] for one in listed]
        done = client.complete_multipart_upload(**at, MultipartUpload={"Parts": listed})
        assert done["ChecksumType"] == kind
        whole = client.put_object(
            Bucket=bucket, Key="whole", Body=b"".join(parts), ChecksumAlgorithm=algorithm
        )
        if kind == "FULL_OBJECT":
            assert done[member] == whole[member]
        else:
            assert done[member].endswith("-2")
        got = client.get_object(Bucket=bucket, Key="key", ChecksumMode="ENABLED")
        assert got["Body"].read() == b"".join(parts)
        assert got[member] == done[member]

    def test_mistakes(self, client: Any, bucket: str) -> None:
        at = {"Bucket": bucket, "Key": "key"}
        at["UploadId"] = client.create_multipart_upload(**at)["UploadId"]
        etags = [
            client.upload_part(**at, PartNumber=number, Body=b"small")["ETag"] for number in (1, 2)
        ]

        def complete(*numbers: int, etags: list[str] = etags) -> str:
            parts = [{"PartNumber": n, "ETag": etags[n - 1]} for n in numbers]
            with pytest.raises(ClientError) as error:
                client.complete_multipart_upload(**at, MultipartUpload={"Parts": parts})
            return code(error)[0]

        assert complete(2, 1) == "InvalidPartOrder"
        assert complete(1, 2) == "EntityTooSmall"
        assert complete(1, etags=['"other"']) == "InvalidPart"
        assert complete() == "MalformedXML"
        (upload,) = client.list_multipart_uploads(Bucket=bucket)["Uploads"]
        assert (upload["Key"], upload["UploadId"]) == ("key", at["UploadId"])
        client.abort_multipart_upload(**at)
        assert complete(1) == "NoSuchUpload"
        with pytest.raises(client.exceptions.NoSuchUpload):
            client.upload_part(**at, PartNumber=1, Body=b"late")
