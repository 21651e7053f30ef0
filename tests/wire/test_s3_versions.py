"""Versions of objects and delete markers, as boto3 sees them."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.fakes.s3_server import S3, credentials, s3_server

numbers = count()


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="module")
def client(s3: S3) -> Any:
    return s3.client


def keep(client: Any, bucket: str, status: str = "Enabled") -> None:
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})


@pytest.fixture
def bucket(client: Any) -> str:
    name = f"versions-{next(numbers)}"
    client.create_bucket(Bucket=name)
    keep(client, name)
    return name


def put(client: Any, bucket: str, key: str, body: str) -> str:
    return client.put_object(Bucket=bucket, Key=key, Body=body).get("VersionId", "")


def got(client: Any, bucket: str, key: str, **version: str) -> str:
    return client.get_object(Bucket=bucket, Key=key, **version)["Body"].read().decode()


def refused(act: Any, **given: str) -> tuple[str, int]:
    with pytest.raises(ClientError) as error:
        act(**given)
    response = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def listed(client: Any, bucket: str, **given: Any) -> list[tuple[str, str, bool, bool]]:
    """Key, version, whether it is the latest, and whether it is a marker; page by page of two."""
    found: list[tuple[str, str, bool, bool]] = []
    pages = client.get_paginator("list_object_versions").paginate(
        Bucket=bucket, PaginationConfig={"PageSize": 2}, **given
    )
    for page in pages:
        both = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        assert len(both) + len(page.get("CommonPrefixes", ())) <= 2
        found += [
            (one["Key"], one["VersionId"], one["IsLatest"], "Size" not in one) for one in both
        ]
    return found


def told(call: Any, **parameters: Any) -> tuple[str | None, str | None, str | None]:
    """What the headers of an error say of a delete marker."""
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    error: Any = raised.value
    headers = error.response["ResponseMetadata"]["HTTPHeaders"]
    names = ("x-amz-delete-marker", "x-amz-version-id", "allow")
    return headers.get(names[0]), headers.get(names[1]), headers.get(names[2])


def test_every_version_stays_and_can_be_read(client: Any, bucket: str) -> None:
    assert client.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    first, second = put(client, bucket, "k", "one"), put(client, bucket, "k", "two")
    assert first != second
    assert got(client, bucket, "k") == "two"
    assert got(client, bucket, "k", VersionId=first) == "one"
    assert client.head_object(Bucket=bucket, Key="k")["VersionId"] == second
    assert listed(client, bucket) == [("k", second, True, False), ("k", first, False, False)]
    for version, expected in (
        ("A" * 32, ("NoSuchVersion", 404)),
        ("no-version", ("InvalidArgument", 400)),
    ):
        assert refused(client.get_object, Bucket=bucket, Key="k", VersionId=version) == expected


def test_a_deleted_key_has_a_marker_and_comes_back_without_it(client: Any, bucket: str) -> None:
    version = put(client, bucket, "k", "one")
    deleted = client.delete_object(Bucket=bucket, Key="k")
    marker = deleted["VersionId"]
    assert deleted["DeleteMarker"] is True
    assert refused(client.get_object, Bucket=bucket, Key="k") == ("NoSuchKey", 404)
    assert refused(client.get_object, Bucket=bucket, Key="k", VersionId=marker) == (
        "MethodNotAllowed",
        405,
    )
    for call in (client.get_object, client.head_object):
        assert told(call, Bucket=bucket, Key="k") == ("true", marker, None)
        told_of_marker = told(call, Bucket=bucket, Key="k", VersionId=marker)
        assert told_of_marker == ("true", marker, "DELETE")
        assert told(call, Bucket=bucket, Key="never-was") == (None, None, None)
    assert "Contents" not in client.list_objects_v2(Bucket=bucket)
    assert sorted(listed(client, bucket), key=lambda one: not one[2]) == [
        ("k", marker, True, True),
        ("k", version, False, False),
    ]
    assert got(client, bucket, "k", VersionId=version) == "one"
    gone = client.delete_object(Bucket=bucket, Key="k", VersionId=marker)
    assert (gone["DeleteMarker"], gone["VersionId"]) == (True, marker)
    assert got(client, bucket, "k") == "one"


def test_what_is_newest_after_a_version_is_deleted_is_the_object(client: Any, bucket: str) -> None:
    first, second = put(client, bucket, "k", "one"), put(client, bucket, "k", "two")
    client.delete_object(Bucket=bucket, Key="k", VersionId=second)
    assert got(client, bucket, "k") == "one"
    client.delete_object(Bucket=bucket, Key="k", VersionId=first)
    assert listed(client, bucket) == []
    assert refused(client.get_object, Bucket=bucket, Key="k") == ("NoSuchKey", 404)
    # A marker is made even where nothing is, and deleting what is not there is no error.
    assert client.delete_object(Bucket=bucket, Key="k")["DeleteMarker"] is True
    client.delete_object(Bucket=bucket, Key="k", VersionId="never-was")


def test_while_suspended_only_the_last_null_version_is_kept(client: Any) -> None:
    bucket = f"versions-{next(numbers)}"
    client.create_bucket(Bucket=bucket)
    assert put(client, bucket, "k", "before") == ""
    keep(client, bucket)
    kept = put(client, bucket, "k", "kept")
    assert got(client, bucket, "k", VersionId="null") == "before"
    keep(client, bucket, "Suspended")
    assert put(client, bucket, "k", "null 1") == "null"
    assert put(client, bucket, "k", "null 2") == "null"
    assert listed(client, bucket) == [("k", "null", True, False), ("k", kept, False, False)]
    deleted = client.delete_object(Bucket=bucket, Key="k")
    assert (deleted["DeleteMarker"], deleted["VersionId"]) == (True, "null")
    assert got(client, bucket, "k", VersionId=kept) == "kept"
    assert refused(client.get_object, Bucket=bucket, Key="k", VersionId="null")[1] == 405
    client.delete_object(Bucket=bucket, Key="k", VersionId="null")
    assert got(client, bucket, "k") == "kept"


def test_many_are_deleted_at_once(client: Any, bucket: str) -> None:
    version = put(client, bucket, "a", "1")
    put(client, bucket, "a", "2")
    put(client, bucket, "b", "3")
    wanted = [{"Key": "a", "VersionId": version}, {"Key": "b"}]
    deleted = client.delete_objects(Bucket=bucket, Delete={"Objects": wanted})["Deleted"]
    assert deleted[0] == {"Key": "a", "VersionId": version}
    assert (deleted[1]["Key"], deleted[1]["DeleteMarker"]) == ("b", True)
    assert deleted[1]["DeleteMarkerVersionId"]
    assert got(client, bucket, "a") == "2"


def test_a_bucket_with_versions_is_not_empty(s3: S3, client: Any, bucket: str) -> None:
    put(client, bucket, "k", "one")
    client.delete_object(Bucket=bucket, Key="k")
    assert refused(client.delete_bucket, Bucket=bucket) == ("BucketNotEmpty", 409)
    resource = boto3.resource("s3", endpoint_url=s3.url, **credentials())
    resource.Bucket(bucket).object_versions.delete()
    client.delete_bucket(Bucket=bucket)


def test_versions_are_copied_tagged_and_described(client: Any, bucket: str) -> None:
    first = put(client, bucket, "k", "one")
    put(client, bucket, "k", "two")
    source = {"Bucket": bucket, "Key": "k", "VersionId": first}
    copied = client.copy_object(Bucket=bucket, Key="copy", CopySource=source)
    assert copied["CopySourceVersionId"] == first
    assert got(client, bucket, "copy", VersionId=copied["VersionId"]) == "one"
    tags = {"TagSet": [{"Key": "a", "Value": "1"}]}
    client.put_object_tagging(Bucket=bucket, Key="k", VersionId=first, Tagging=tags)
    assert client.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    found = client.get_object_tagging(Bucket=bucket, Key="k", VersionId=first)
    assert (found["TagSet"], found["VersionId"]) == (tags["TagSet"], first)
    attributes = client.get_object_attributes(
        Bucket=bucket, Key="k", VersionId=first, ObjectAttributes=["ObjectSize"]
    )
    assert (attributes["ObjectSize"], attributes["VersionId"]) == (3, first)


def test_uploads_in_parts_are_versions_too(client: Any, bucket: str) -> None:
    first = put(client, bucket, "k", "one")
    upload = client.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    part = client.upload_part(
        Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"in parts"
    )
    done = client.complete_multipart_upload(
        Bucket=bucket,
        Key="k",
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )
    assert got(client, bucket, "k", VersionId=done["VersionId"]) == "in parts"
    assert got(client, bucket, "k", VersionId=first) == "one"


def test_versions_are_listed_by_folder_and_page(client: Any, bucket: str) -> None:
    for key in ("a/1", "a/2", "b", "c/1", "d"):
        put(client, bucket, key, "1")
        put(client, bucket, key, "2")
    client.delete_object(Bucket=bucket, Key="c/1")
    keys = [one[0] for one in listed(client, bucket)]
    assert keys == sorted(keys)
    assert len(keys) == 11
    pages = client.get_paginator("list_object_versions").paginate(
        Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 2}
    )
    prefixes = [one["Prefix"] for page in pages for one in page.get("CommonPrefixes", ())]
    assert prefixes == ["a/", "c/"]
    assert [one[0] for one in listed(client, bucket, Delimiter="/")] == ["b", "b", "d", "d"]
    assert [one[0] for one in listed(client, bucket, Prefix="a/")] == ["a/1"] * 2 + ["a/2"] * 2


def test_permission_on_a_version_is_asked_for(s3: S3, client: Any, bucket: str) -> None:
    version = put(client, bucket, "k", "one")
    for act, action in (
        (client.get_object, "s3:GetObjectVersion"),
        (client.get_object_tagging, "s3:GetObjectVersionTagging"),
        (client.delete_object, "s3:DeleteObjectVersion"),
    ):
        act(Bucket=bucket, Key="k", VersionId=version)
        asked = s3.authorizer.asked[-1]
        assert asked.action == action
        assert asked.context["s3:VersionId"] == version


def test_an_old_version_that_is_copied_onto_its_key_is_the_latest_again(
    client: Any, bucket: str
) -> None:
    first, second = (put(client, bucket, "k", body) for body in ("one", "two"))
    source = {"Bucket": bucket, "Key": "k"}
    copied = client.copy_object(Bucket=bucket, Key="k", CopySource=source | {"VersionId": first})
    assert copied["CopySourceVersionId"] == first
    assert copied["VersionId"] not in (first, second)
    assert got(client, bucket, "k") == "one"
    client.delete_object(Bucket=bucket, Key="k")
    client.copy_object(Bucket=bucket, Key="k", CopySource=source | {"VersionId": second})
    assert got(client, bucket, "k") == "two"
    with pytest.raises(ClientError, match="without changing the object's metadata"):
        client.copy_object(Bucket=bucket, Key="k", CopySource=source)
