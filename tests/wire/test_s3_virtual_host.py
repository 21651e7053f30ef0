"""Buckets in the host's name, `BUCKET.localhost`, as boto3 asks with `addressing_style=virtual`."""

import socket
import urllib.request
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.config import Config

from tests.house import House

BUCKET = "named.in-the-host"
VIRTUAL = Config(s3={"addressing_style": "virtual"}, retries={"total_max_attempts": 1})


@pytest.fixture
def client(server: House, monkeypatch: pytest.MonkeyPatch) -> Any:
    """boto3's S3 on a machine whose resolver knows all names under `localhost` (RFC 6761)."""
    resolve = socket.getaddrinfo

    def under_localhost(host: Any, *given: Any, **more: Any) -> Any:
        name = "127.0.0.1" if str(host).endswith(".localhost") else host
        return resolve(name, *given, **more)

    monkeypatch.setattr(socket, "getaddrinfo", under_localhost)
    named = replace(
        server,
        environment={
            **server.environment,
            "KF_PIPELINES_ENDPOINT": f"http://localhost:{urlsplit(server.url).port}",
        },
    )
    return named.client("s3", VIRTUAL)


def test_a_bucket_in_the_host(client: Any, server: House) -> None:
    asked: list[str] = []
    client.meta.events.register(
        "before-send.s3", lambda request, **_: asked.append(urlsplit(request.url).hostname)
    )
    client.create_bucket(Bucket=BUCKET)
    try:
        client.put_object(Bucket=BUCKET, Key="a folder/käse", Body=b"x")
        keys = [one["Key"] for one in client.list_objects_v2(Bucket=BUCKET)["Contents"]]
        assert keys == ["a folder/käse"]
        signed = client.generate_presigned_url(
            "get_object", {"Bucket": BUCKET, "Key": "a folder/käse"}
        )
        assert urlsplit(signed).hostname == f"{BUCKET}.localhost"
        with urllib.request.urlopen(signed) as answer:
            assert answer.read() == b"x"
        in_path = server.client("s3")
        assert in_path.get_object(Bucket=BUCKET, Key="a folder/käse")["Body"].read() == b"x"
    finally:
        client.delete_object(Bucket=BUCKET, Key="a folder/käse")
        client.delete_bucket(Bucket=BUCKET)
    assert set(asked) == {f"{BUCKET}.localhost"}
