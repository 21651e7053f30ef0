"""S3 for whoever holds a link, or nothing at all: URLs as boto3 makes them, and public buckets."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config

from tests.fakes.iam_server import IamServer, iam_server

BUCKET = "links"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IamServer]:
    with iam_server(tmp_path_factory.mktemp("links")) as running:
        client(running).create_bucket(Bucket=BUCKET)
        yield running


def client(server: IamServer, region: str = "us-east-1", version: str | None = None) -> Any:
    """As a user makes it with what `flowmaker env` prints: a session's keys and an endpoint."""
    return boto3.client(
        "s3",
        endpoint_url=server.url,
        region_name=region,
        aws_access_key_id=server.admin.access_key_id,
        aws_secret_access_key=server.admin.secret_access_key,
        aws_session_token=server.admin.session_token,
        config=Config(signature_version=version),
    )


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
@pytest.mark.parametrize("version", [None, "s3v4"])
def test_links_to_put_get_look_and_delete(
    server: IamServer, region: str, version: str | None
) -> None:
    s3 = client(server, region, version)
    where = {"Bucket": BUCKET, "Key": "a folder/naïve+name.csv"}

    def link(operation: str, **more: str) -> str:
        return s3.generate_presigned_url(operation, Params={**where, **more}, ExpiresIn=60)

    assert httpx.put(link("put_object"), content=b"1,2\n").status_code == 200
    got = httpx.get(link("get_object"))
    assert (got.status_code, got.content) == (200, b"1,2\n")
    assert httpx.get(link("get_object"), headers={"Range": "bytes=0-0"}).content == b"1"
    assert httpx.head(link("head_object")).headers["content-length"] == "4"
    named = link("get_object", ResponseContentDisposition='attachment; filename="é.csv"')
    assert httpx.get(named).headers["content-disposition"].startswith("attachment; filename=")
    listing = s3.generate_presigned_url("list_objects_v2", Params={"Bucket": BUCKET})
    assert "name.csv</Key>" in httpx.get(listing).text
    assert httpx.delete(link("delete_object")).status_code == 204
    assert "NoSuchKey" in httpx.get(link("get_object")).text


@pytest.mark.parametrize("version", [None, "s3v4"])
def test_what_the_link_says_of_the_object_is_kept(server: IamServer, version: str | None) -> None:
    s3 = client(server, version=version)
    params = {"Bucket": BUCKET, "Key": "k", "ContentType": "text/csv", "Metadata": {"who": "me"}}
    link = s3.generate_presigned_url("put_object", Params=params)
    headers = {"Content-Type": "text/csv"} | ({"x-amz-meta-who": "me"} if version else {})
    assert httpx.put(link, content=b"x", headers=headers).status_code == 200
    stored = s3.head_object(Bucket=BUCKET, Key="k")
    assert (stored["ContentType"], stored["Metadata"]) == ("text/csv", {"who": "me"})


def test_links_that_are_wrong_or_over(server: IamServer) -> None:
    s3 = client(server)
    s3.put_object(Bucket=BUCKET, Key="key", Body=b"secret")
    link = s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "key"})
    assert "AWSAccessKeyId=" in link, "boto3 presigns in version 2 by default"
    for wrong in (
        httpx.get(link.replace("/key?", "/other?")),
        httpx.put(link, content=b""),
        httpx.delete(link),
        httpx.get(link, headers={"x-amz-meta-a": "b"}),
    ):
        assert wrong.status_code == 403
        assert "<Code>SignatureDoesNotMatch</Code>" in wrong.text
    assert httpx.head(link).status_code == 403
    server.clock.ahead = timedelta(hours=1, seconds=1)
    try:
        over = httpx.get(link)
    finally:
        server.clock.ahead = timedelta()
    assert over.status_code == 403
    assert "<Message>Request has expired</Message>" in over.text
    assert httpx.get(link).content == b"secret"
    of_bucket = s3.generate_presigned_url("head_bucket", Params={"Bucket": BUCKET})
    other = s3.generate_presigned_url("get_bucket_encryption", Params={"Bucket": BUCKET})
    assert httpx.head(of_bucket).status_code == 200
    assert "does not cover encryption" in httpx.get(other).text


def test_a_link_may_no_more_than_its_maker(server: IamServer) -> None:
    iam = server.client("iam")
    iam.create_user(UserName="reader")
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    s3 = server.client("s3", (key["AccessKeyId"], key["SecretAccessKey"]))
    link = s3.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "key"})
    denied = httpx.get(link)
    assert denied.status_code == 403
    assert "user/reader is not authorized to perform: s3:" in denied.text


class TestPublic:
    """A bucket that its policy opens to everyone."""

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def public(cls, server: IamServer) -> None:
        s3 = client(server)
        s3.create_bucket(Bucket="public")
        s3.delete_public_access_block(Bucket="public")
        for key in ("open/a b.txt", "closed/b.txt"):
            s3.put_object(Bucket="public", Key=key, Body=b"hello", ContentType="text/plain")
        statement = {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::public/open/*",
        }
        s3.put_bucket_policy(Bucket="public", Policy=policy(statement))

    def test_everyone_reads_what_is_open(self, server: IamServer) -> None:
        url = f"{server.url}/s3/public/open/a%20b.txt"
        got = httpx.get(url, headers={"Range": "bytes=1-"})
        assert (got.status_code, got.content) == (206, b"ello")
        assert got.headers["content-type"] == "text/plain"
        assert httpx.head(url).headers["content-length"] == "5"

    def test_and_nothing_else(self, server: IamServer) -> None:
        for path in ("public/closed/b.txt", "public/open/none", "public", "public?policy", ""):
            denied = httpx.get(f"{server.url}/s3/{path}")
            assert denied.status_code == 403, path
            assert "<Code>AccessDenied</Code>" in denied.text
        assert "NoSuchBucket" in httpx.get(f"{server.url}/s3/none/key").text
        url = f"{server.url}/s3/public/open/a%20b.txt"
        for method in ("PUT", "POST", "DELETE"):
            assert httpx.request(method, url).status_code == 403
        assert "InvalidRequest" in httpx.get(f"{url}?response-content-type=text/html").text


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def test_policies_may_ask_where_a_request_comes_from(server: IamServer) -> None:
    iam = server.client("iam")
    iam.create_user(UserName="near")
    key = iam.create_access_key(UserName="near")["AccessKey"]
    s3 = server.client("s3", (key["AccessKeyId"], key["SecretAccessKey"]))

    def may(condition: dict[str, Any]) -> bool:
        statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": condition}
        document = policy(statement)
        iam.put_user_policy(UserName="near", PolicyName="from", PolicyDocument=document)
        try:
            s3.list_objects_v2(Bucket=BUCKET)
        except s3.exceptions.ClientError as error:
            return error.response["Error"]["Code"] != "AccessDenied"
        return True

    assert may({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}})
    assert not may({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})
    assert may({"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}})
    assert may({"StringLike": {"aws:UserAgent": "*Boto3*"}})
    assert may({"StringEquals": {"s3:signatureversion": "AWS4-HMAC-SHA256"}})
    assert not may({"StringEquals": {"s3:authType": "REST-QUERY-STRING"}})
