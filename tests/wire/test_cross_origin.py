"""Pages of other origins at the one port: rules for a bucket open no other door."""

import json

import httpx

from tests.house import House

PAGE = {"Origin": "https://www.example.com"}
PREFLIGHT = {**PAGE, "Access-Control-Request-Method": "GET"}


def test_a_page_of_another_origin_reaches_buckets_alone(server: House) -> None:
    s3 = server.client("s3")
    every = {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}
    shown = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::for-pages/*",
    }
    for name in ("apis", "for-pages"):
        s3.create_bucket(Bucket=name)
        s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": [every]})
    s3.delete_public_access_block(Bucket="for-pages")
    s3.put_bucket_policy(Bucket="for-pages", Policy=json.dumps({"Statement": [shown]}))
    s3.put_object(Bucket="for-pages", Key="key", Body=b"content")
    try:
        for path in ("for-pages/key", "s3/for-pages/key"):
            asked = httpx.options(f"{server.url}/{path}", headers=PREFLIGHT)
            assert asked.headers["access-control-allow-origin"] == "*"
        read = httpx.get(f"{server.url}/s3/for-pages/key", headers=PAGE)
        assert (read.content, read.headers["access-control-allow-origin"]) == (b"content", "*")

        rebound = httpx.get(f"{server.url}/s3/for-pages/key", headers={**PAGE, "Host": "evil.org"})
        assert rebound.status_code == 403
        runs = httpx.get(f"{server.url}/apis/v2beta1/runs", headers=PAGE)
        assert runs.status_code == 403
        assert "access-control-allow-origin" not in runs.headers
        home = httpx.options(f"{server.url}/flowmaker/v1/room", headers=PREFLIGHT)
        assert home.status_code == 403
    finally:
        s3.delete_object(Bucket="for-pages", Key="key")
        for name in ("apis", "for-pages"):
            s3.delete_bucket(Bucket=name)
