"""Web pages of other origins: preflights and answers, as a browser has them."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.fakes.iam_server import IamServer, iam_server
from tests.wire.test_presigned_post import client

BUCKET = "pages"
PAGE = "https://www.example.com"
RULES = [
    {
        "ID": "one",
        "AllowedOrigins": ["https://*.example.com"],
        "AllowedMethods": ["GET", "PUT"],
        "AllowedHeaders": ["x-amz-*", "Content-Type"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 600,
    },
    {"AllowedOrigins": ["*"], "AllowedMethods": ["HEAD"]},
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IamServer]:
    with iam_server(tmp_path_factory.mktemp("cors")) as running:
        s3 = client(running)
        for name in (BUCKET, "closed"):
            s3.create_bucket(Bucket=name)
        s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": RULES})
        yield running


def preflight(
    server: IamServer, path: str, method: str, asked: str = "", origin: str = PAGE
) -> Any:
    headers = {"Origin": origin, "Access-Control-Request-Method": method}
    if asked:
        headers["Access-Control-Request-Headers"] = asked
    return httpx.options(f"{server.url}/{path}", headers=headers)


def test_rules_are_kept(server: IamServer) -> None:
    s3 = client(server)
    assert s3.get_bucket_cors(Bucket=BUCKET)["CORSRules"] == RULES
    wrong = {"CORSRules": [{"AllowedOrigins": ["*"], "AllowedMethods": ["PATCH"]}]}
    with pytest.raises(ClientError, match="Unsupported method is PATCH"):
        s3.put_bucket_cors(Bucket=BUCKET, CORSConfiguration=wrong)
    s3.put_bucket_cors(Bucket="closed", CORSConfiguration={"CORSRules": RULES})
    s3.delete_bucket_cors(Bucket="closed")
    with pytest.raises(ClientError, match="NoSuchCORSConfiguration"):
        s3.get_bucket_cors(Bucket="closed")


def test_a_preflight_is_answered_by_the_rules(server: IamServer) -> None:
    answer = preflight(server, f"{BUCKET}/key", "PUT", "content-type, x-amz-date")
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["access-control-allow-methods"] == "GET, PUT"
    assert answer.headers["access-control-allow-headers"] == "content-type, x-amz-date"
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["access-control-max-age"] == "600"
    assert "Origin" in answer.headers["vary"]
    everyone = preflight(server, f"{BUCKET}/key", "HEAD", origin="https://other.org")
    assert everyone.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in everyone.headers


@pytest.mark.parametrize(
    ("path", "method", "asked", "origin", "said"),
    [
        (f"{BUCKET}/key", "DELETE", "", PAGE, "This CORS request is not allowed."),
        (f"{BUCKET}/key", "PUT", "authorization", PAGE, "This CORS request is not allowed."),
        (f"{BUCKET}/key", "GET", "", "https://other.org", "This CORS request is not allowed."),
        ("closed/key", "GET", "", PAGE, "CORS is not enabled for this bucket."),
        ("nowhere/key", "GET", "", PAGE, "Bucket not found"),
    ],
)
def test_what_no_rule_allows_is_forbidden(
    server: IamServer, path: str, method: str, asked: str, origin: str, said: str
) -> None:
    answer = preflight(server, path, method, asked, origin)
    assert answer.status_code == 403
    assert "<Code>AccessForbidden</Code>" in answer.text
    assert f"<Message>CORSResponse: {said}" in answer.text
    assert "access-control-allow-origin" not in answer.headers


def test_an_answer_tells_the_browser_who_may_read_it(server: IamServer) -> None:
    s3 = client(server)
    s3.put_object(Bucket=BUCKET, Key="key", Body=b"content")
    url = s3.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": "key"})
    answer = httpx.get(url, headers={"Origin": PAGE})
    assert answer.content == b"content"
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["access-control-expose-headers"] == "ETag"
    assert "Origin" in answer.headers["vary"]
    for other in (httpx.get(url, headers={"Origin": "https://other.org"}), httpx.get(url)):
        assert other.content == b"content"
        assert "access-control-allow-origin" not in other.headers
    missing = s3.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": "missing"})
    refused = httpx.get(missing, headers={"Origin": PAGE})
    assert refused.status_code == 404
    assert refused.headers["access-control-allow-origin"] == PAGE
