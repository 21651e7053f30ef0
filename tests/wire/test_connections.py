"""Connections to a real server, as clients keep them."""

import http.client
import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest

from tests.house import House

#: Seconds between two polls of `kfp.Client.wait_for_run_completion`, and the time of an answer.
POLL = 5.2

BUCKET = "connections"
#: Seconds that botocore waits for `100 Continue` before it sends its body all the same.
PATIENCE = 1.0


@pytest.fixture(scope="module")
def s3(server: House) -> Any:
    client = server.client("s3")
    client.create_bucket(Bucket=BUCKET)
    return client


@pytest.mark.slow
def test_a_client_that_polls_now_and_then_keeps_its_connection(server: House) -> None:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc)
    connection.connect()
    first = connection.sock
    for _ in range(2):
        connection.request("GET", "/apis/v2beta1/healthz")
        assert connection.getresponse().read()
        time.sleep(POLL)  # the server would have closed it by itself: there is no event
    connection.request("GET", "/apis/v2beta1/healthz")
    assert connection.getresponse().status == http.client.OK
    assert connection.sock is first
    connection.close()


@contextmanager
def asked_to_wait(
    server: House, url: str
) -> Iterator[tuple[socket.socket, http.client.HTTPResponse]]:
    """A connection on which a PUT of five bytes was begun, without them, and what is answered."""
    parts = urlsplit(url)
    head = (
        f"PUT {parts.path}?{parts.query} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Content-Length: 5",
        "Expect: 100-continue",
    )
    where = urlsplit(server.url)
    with socket.create_connection((where.hostname, where.port), timeout=10) as connection:
        connection.sendall("\r\n".join((*head, "", "")).encode())
        yield connection, http.client.HTTPResponse(connection, method="PUT")


def signed(s3: Any, **where: str) -> str:
    return s3.generate_presigned_url("put_object", Params={"Bucket": BUCKET, "Key": "k", **where})


@pytest.mark.slow
def test_a_body_that_is_held_back_is_asked_for_at_once(server: House, s3: Any) -> None:
    with asked_to_wait(server, signed(s3, Key="held")) as (connection, response):
        begun = time.monotonic()
        assert connection.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert time.monotonic() - begun < PATIENCE
        connection.sendall(b"hello")
        response.begin()
        assert response.status == http.client.OK
        assert response.headers["Connection"] != "close"
    assert s3.get_object(Bucket=BUCKET, Key="held")["Body"].read() == b"hello"


@pytest.mark.slow
def test_a_request_that_its_headers_refuse_never_gets_its_body(server: House, s3: Any) -> None:
    """It has its answer at once, and the connection ends: the body might yet come."""
    code = "SignatureDoesNotMatch"
    with asked_to_wait(server, signed(s3) + "0") as (connection, response):
        response.begin()
        assert response.status == http.client.FORBIDDEN
        assert f"<Code>{code}</Code>" in response.read().decode()
        assert response.headers["Connection"] == "close"
        assert connection.recv(1) == b""


class Relay:
    """Hands a connection's bytes on to a server and back, and knows who sent what, in order."""

    def __init__(self, server: House) -> None:
        where = urlsplit(server.url)
        self.said: list[tuple[str, bytes]] = []
        self._server = (where.hostname or "", where.port or 0)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        client, _ = self._door.accept()
        server = socket.create_connection(self._server)
        ways = [("client", client, server), ("server", server, client)]
        with client, server:
            both = [threading.Thread(target=self._hand_on, args=way, daemon=True) for way in ways]
            for each in both:
                each.start()
            for each in both:
                each.join()

    def _hand_on(self, who: str, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):  # the other end may be gone
            while piece := one.recv(1 << 16):
                self.said.append((who, piece))
                other.sendall(piece)
            other.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._door.close()


@pytest.mark.slow
def test_boto3_sends_the_body_once_it_was_told_to(server: House, s3: Any) -> None:
    relay, body = Relay(server), b"x" * 5000
    of = server.environment
    client = boto3.client(
        "s3",
        endpoint_url=relay.url,
        region_name="us-east-1",
        aws_access_key_id=of["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=of["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=of.get("AWS_SESSION_TOKEN"),
    )
    client.put_object(Bucket=BUCKET, Key="told", Body=io.BytesIO(body))
    client.close()
    relay.close()
    (first, head), (second, word), (third, _), *_ = relay.said
    assert (first, second, third) == ("client", "server", "client")
    assert b"\r\nExpect: 100-continue\r\n" in head
    assert head.endswith(b"\r\n\r\n"), "nothing of the body yet"
    assert word == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert s3.get_object(Bucket=BUCKET, Key="told")["Body"].read() == body
