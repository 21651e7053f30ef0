"""S3 for a web page: forms as boto3 makes them, posted as a browser does."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config

from tests.fakes.iam_server import IamServer, iam_server

BUCKET = "forms"
CONTENT = bytes(range(256)) * 5000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IamServer]:
    with iam_server(tmp_path_factory.mktemp("forms")) as running:
        client(running).create_bucket(Bucket=BUCKET)
        yield running


def client(server: IamServer, version: str | None = "s3v4") -> Any:
    return boto3.client(
        "s3",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id=server.admin.access_key_id,
        aws_secret_access_key=server.admin.secret_access_key,
        aws_session_token=server.admin.session_token,
        config=Config(signature_version=version),
    )


def post(form: dict[str, Any], content: bytes = b"x", **more: str) -> httpx.Response:
    """As the page of another server, which a browser shows, would have it sent."""
    return httpx.post(
        form["url"],
        data={**form["fields"], **more},
        files={"file": ("report.csv", content)},
        headers={"Origin": "https://example.com"},
    )


def code(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, code and message of an error."""
    inner = [
        answer.text.partition(f"<{name}>")[2].partition(f"</{name}>")[0]
        for name in ("Code", "Message")
    ]
    return answer.status_code, *inner


@pytest.mark.parametrize("version", [None, "s3v4"])
def test_a_form_puts_a_file(server: IamServer, version: str | None) -> None:
    s3 = client(server, version)
    sent = post(s3.generate_presigned_post(BUCKET, "in/a b.bin"), CONTENT)
    assert sent.status_code == 204
    assert sent.content == b""
    got = s3.get_object(Bucket=BUCKET, Key="in/a b.bin")
    assert got["Body"].read() == CONTENT
    assert got["ETag"] == sent.headers["etag"]
    assert sent.headers["location"] == f"{server.url}/{BUCKET}/in/a%20b.bin"


def test_what_the_fields_say_of_the_object_is_kept(server: IamServer) -> None:
    s3 = client(server)
    fields = {
        "Content-Type": "text/csv",
        "Cache-Control": "no-store",
        "x-amz-meta-who": "Zoë",
        "tagging": "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>",
        "success_action_status": "201",
    }
    conditions = [
        ["starts-with", "$Content-Type", "text/"],
        *({name: value} for name, value in fields.items() if name != "Content-Type"),
    ]
    form = s3.generate_presigned_post(
        BUCKET, "up/${filename}", Fields=fields, Conditions=conditions
    )
    sent = post(form, b"1,2\n")
    assert sent.status_code == 201
    assert "<Bucket>forms</Bucket><Key>up/report.csv</Key>" in sent.text
    stored = s3.head_object(Bucket=BUCKET, Key="up/report.csv")
    assert stored["ContentType"] == "text/csv"
    assert stored["CacheControl"] == "no-store"
    assert stored["Metadata"] == {"who": "Zoë"}
    tags = s3.get_object_tagging(Bucket=BUCKET, Key="up/report.csv")["TagSet"]
    assert tags == [{"Key": "a", "Value": "b"}]


def test_the_browser_is_sent_on(server: IamServer) -> None:
    address = {"success_action_redirect": "https://example.com/done?step=2"}
    form = client(server).generate_presigned_post(
        BUCKET, "key", Fields=address, Conditions=[address]
    )
    sent = post(form)
    assert sent.status_code == 303
    assert sent.headers["location"].startswith(
        "https://example.com/done?step=2&bucket=forms&key=key&etag=%22"
    )


def test_a_form_may_no_more_than_its_policy(server: IamServer) -> None:
    s3 = client(server)
    sized = s3.generate_presigned_post(BUCKET, "sized", Conditions=[["content-length-range", 2, 4]])
    assert post(sized, b"123").status_code == 204
    assert code(post(sized, b"1"))[:2] == (400, "EntityTooSmall")
    assert code(post(sized, b"12345"))[:2] == (400, "EntityTooLarge")
    assert s3.head_object(Bucket=BUCKET, Key="sized")["ContentLength"] == 3

    form = s3.generate_presigned_post(BUCKET, "kept")
    said = "Invalid according to Policy: "
    extra = post(form, **{"x-amz-meta-more": "1"})
    assert code(extra) == (403, "AccessDenied", f"{said}Extra input fields: x-amz-meta-more")
    other = post({**form, "fields": {**form["fields"], "key": "other"}})
    assert code(other)[2].startswith(f"{said}Policy Condition failed: [&quot;eq&quot;, &quot;$key")
    elsewhere = {**form, "url": form["url"].replace(BUCKET, "other-bucket")}
    assert code(post(elsewhere))[1] == "AccessDenied"
    forged = post({**form, "fields": {**form["fields"], "x-amz-signature": "0" * 64}})
    assert code(forged)[:2] == (403, "SignatureDoesNotMatch")
    with pytest.raises(s3.exceptions.ClientError):
        s3.head_object(Bucket=BUCKET, Key="kept")

    server.clock.ahead = timedelta(hours=1, seconds=1)
    try:
        over = post(form)
    finally:
        server.clock.ahead = timedelta()
    assert code(over) == (403, "AccessDenied", f"{said}Policy expired.")


def test_a_form_may_no_more_than_its_maker(server: IamServer) -> None:
    iam = server.client("iam")
    iam.create_user(UserName="former")
    key = iam.create_access_key(UserName="former")["AccessKey"]
    s3 = server.client("s3", (key["AccessKeyId"], key["SecretAccessKey"]))
    denied = post(s3.generate_presigned_post(BUCKET, "key"))
    assert denied.status_code == 403
    assert "user/former is not authorized to perform: s3:PutObject" in denied.text


def test_what_is_no_form_is_refused(server: IamServer) -> None:
    url = f"{server.url}/{BUCKET}"
    form = client(server).generate_presigned_post(BUCKET, "key")
    assert code(httpx.post(url, files={"file": b"x"}))[:2] == (403, "AccessDenied")
    kind = {"content-type": "multipart/form-data; boundary=b"}
    for body in (
        b"",
        b"no part at all",
        b'--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n',
    ):
        status, name, _ = code(httpx.post(url, content=body, headers=kind))
        assert status == 400
        assert name in ("MalformedPOSTRequest", "InvalidArgument")
    without = httpx.post(url, files={name: (None, value) for name, value in form["fields"].items()})
    assert code(without)[1:] == (
        "InvalidArgument",
        "POST requires exactly one file upload per request.",
    )
    long = post({**form, "fields": {"x-ignore-a": "a" * 30_000, **form["fields"]}})
    assert code(long)[1] == "MaxPostPreDataLengthExceededError"
