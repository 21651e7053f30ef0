"""AWS requests signed before the clock starts, sent as bytes: the client costs next to nothing."""

import hashlib
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


@dataclass(frozen=True)
class Signer:
    """Whose requests they are."""

    url: str
    credentials: Credentials

    @classmethod
    def of(cls, url: str, environment: Mapping[str, str]) -> "Signer":
        """Of whoever has that environment."""
        return cls(
            url,
            Credentials(
                environment["AWS_ACCESS_KEY_ID"],
                environment["AWS_SECRET_ACCESS_KEY"],
                environment.get("AWS_SESSION_TOKEN"),
            ),
        )

    def message(
        self, method: str, path: str, service: str = "s3", body: bytes = b"", **headers: str
    ) -> bytes:
        """The request's bytes."""
        signed = self.headers(method, path, service, body, **headers)
        lines = [f"{method} {path} HTTP/1.1", f"host: {urlsplit(self.url).netloc}"]
        lines += [f"{name}: {value}" for name, value in signed.items()]
        lines += [f"content-length: {len(body)}", "", ""]
        return "\r\n".join(lines).encode() + body

    def headers(
        self, method: str, path: str, service: str = "s3", body: bytes = b"", **headers: str
    ) -> dict[str, str]:
        """The request's headers, signed; without those of the host and of the body's length."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = AWSRequest(method, self.url + path, headers=named, data=body or None)
        if service == "s3":
            request.headers["x-amz-content-sha256"] = hashlib.sha256(body).hexdigest()
        kind = S3SigV4Auth if service == "s3" else SigV4Auth
        kind(self.credentials, service, "us-east-1").add_auth(request)
        return dict(request.headers.items())


class Connection:
    """One connection, kept as long as the server keeps it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._place = (parts.hostname, parts.port)
        self._socket: socket.socket | None = None
        self._buffer = bytearray(1 << 20)

    def ask(self, message: bytes) -> tuple[int, int]:
        """Status of the answer and the length of its body."""
        if self._socket is None:
            self._socket = socket.create_connection(self._place)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(message)
        head, rest = self._head(self._socket)
        length = _length(head)
        missing = length - len(rest)
        while missing > 0:
            missing -= self._socket.recv_into(self._buffer)
        if head.startswith(b"HTTP/1.0") or b"connection: close" in head.lower():
            self.close()
        return int(head[9:12]), length

    def ask_all(self, messages: Iterable[bytes]) -> None:
        for message in messages:
            status, _ = self.ask(message)
            assert status == 200, (status, message[:200])

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    @staticmethod
    def _head(connected: socket.socket) -> tuple[bytes, bytes]:
        data = b""
        while b"\r\n\r\n" not in data:
            more = connected.recv(1 << 16)
            assert more, "the server closed the connection"
            data += more
        head, _, rest = data.partition(b"\r\n\r\n")
        return head, rest


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    message = f"an answer without a length: {head!r}"
    raise ValueError(message)
