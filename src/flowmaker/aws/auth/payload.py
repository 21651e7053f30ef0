"""A request's body, verified while it is read: hash, chunk signatures, checksums, length."""

import asyncio
import hashlib
import hmac
import re
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any

from flowmaker.aws.auth import chunked
from flowmaker.aws.auth.canonical import signing_key
from flowmaker.aws.auth.checksums import Checksums
from flowmaker.aws.auth.claims import Signed
from flowmaker.aws.errors import AwsError
from flowmaker.aws.protocol.request import Request

Receive = Callable[[], Awaitable[Mapping[str, Any]]]

UNSIGNED = "UNSIGNED-PAYLOAD"
#: Pieces of a body are gathered to this size: fewer and larger hashes and writes.
PIECE = 1 << 20
#: Pieces of at least this size are hashed in a thread, so that other requests go on.
_IN_THREAD = 1 << 18


async def pieces(receive: Receive, limit: int) -> AsyncIterator[bytes]:
    """The body as it came, in pieces of about `PIECE` bytes.

    Raises:
        AwsError: it is longer than `limit`, or the client went away.
    """
    gathered: list[bytes] = []
    size = total = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            text = "You did not provide the number of bytes specified by the Content-Length header."
            raise AwsError("IncompleteBody", text)
        more = message.get("more_body", False)
        data: bytes = message.get("body", b"")
        size += len(data)
        total += len(data)
        if total > limit:
            raise too_large(limit)
        gathered.append(data)
        if size >= PIECE or (size and not more):
            yield gathered[0] if len(gathered) == 1 else b"".join(gathered)
            gathered, size = [], 0


async def whole(source: AsyncIterable[bytes], limit: int) -> bytes:
    """All of a body that is short enough to be held.

    Raises:
        AwsError: it is not, or whatever `source` finds wrong.
    """
    found: list[bytes] = []
    size = 0
    async for piece in source:
        size += len(piece)
        if size > limit:
            raise too_large(limit)
        found.append(piece)
    return found[0] if len(found) == 1 else b"".join(found)


async def hash_of(body: bytes) -> str:
    """What services other than S3 sign: the hash of the body itself."""
    if len(body) < _IN_THREAD:
        return hashlib.sha256(body).hexdigest()
    return (await asyncio.to_thread(hashlib.sha256, body)).hexdigest()


def too_large(limit: int) -> AwsError:
    return AwsError(
        "RequestEntityTooLarge", f"The request's body is longer than {limit} bytes.", 413
    )


def payload_hash(signed: Signed, request: Request) -> str:
    """What S3 clients say of their payload, as it stands in the signature."""
    if signed.presigned:
        default = UNSIGNED
        said = request.query.get("X-Amz-Content-Sha256") or request.headers.get(
            "x-amz-content-sha256", default
        )
    else:
        said = request.headers.get("x-amz-content-sha256", "")
    if not said:
        message = "Missing required header for this request: x-amz-content-sha256"
        raise AwsError("InvalidRequest", message)
    if said not in (UNSIGNED, *chunked.KINDS) and not re.fullmatch(r"[0-9a-fA-F]{64}", said):
        message = (
            f"x-amz-content-sha256 must be {UNSIGNED}, {', '.join(chunked.KINDS)}, "
            f"or a valid sha256 value; '{said}' is none of them."
        )
        raise AwsError("InvalidArgument", message)
    return said


class Payload:
    """The content of an S3 request's body. Believe it when the iteration has ended."""

    def __init__(self, raw: AsyncIterator[bytes], signed: Signed, request: Request) -> None:
        """`raw` is the body as it came.

        Raises:
            AwsError: what the headers say of the body cannot be.
        """
        self._raw = raw
        self._said = payload_hash(signed, request)
        self._request = request
        self._checksums = Checksums({})
        self._sha256 = hashlib.sha256() if len(self._said) == 64 else None  # noqa: PLR2004
        self._decoder: chunked.ChunkDecoder | None = None
        self._decoded_length: int | None = None
        self._length = 0
        #: Whether it has been read to its end and was right.
        self.ended = False
        #: Headers that came behind the body, names in lower case; filled when it has ended.
        self.trailers: dict[str, str] = {}
        if self._said in chunked.KINDS:
            self._decoded_length = _decoded_length(request)
        self._signed = signed

    @property
    def said(self) -> str:
        """The hash, or the kind of signature, that the client's signature covers."""
        return self._said

    def start(self, secret: str, *, checksums: bool) -> None:
        """When the signature of the head is right; chunks are signed with the same secret.

        `checksums` is false where headers of that name do not speak of this body.

        Raises:
            AwsError: a checksum that cannot be one.
        """
        if checksums:
            self._checksums = Checksums(self._request.headers)
        if self._said == chunked.UNSIGNED_TRAILER:
            self._decoder = chunked.ChunkDecoder(None)
        elif self._said in chunked.KINDS:
            key = signing_key(secret, self._signed.scope)
            signatures = chunked.ChunkSignatures(self._signed, key)
            self._decoder = chunked.ChunkDecoder(signatures)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._raw:
            if len(piece) < _IN_THREAD:
                contents = self._take(piece)
            else:
                contents = await asyncio.to_thread(self._take, piece)
            for content in contents:
                yield content
        self._finish()

    def _take(self, piece: bytes) -> Iterable[bytes]:
        contents = (piece,) if self._decoder is None else _joined(self._decoder.feed(piece))
        for content in contents:
            self._length += len(content)
            self._checksums.update(content)
            if self._sha256 is not None:
                self._sha256.update(content)
        return contents

    def _finish(self) -> None:
        if self._decoder is not None:
            self._decoder.finish()
            self.trailers.update(self._decoder.trailers)
        if self._decoded_length not in (None, self._length):
            message = "The content is not as long as x-amz-decoded-content-length says."
            raise AwsError("IncompleteBody", message)
        if self._sha256 is not None:
            self._check_hash(self._sha256.hexdigest())
        self._checksums.verify(self.trailers)
        self.ended = True

    def _check_hash(self, computed: str) -> None:
        if not hmac.compare_digest(computed, self._said.lower()):
            message = "The provided 'x-amz-content-sha256' header does not match what was computed."
            raise AwsError(
                "XAmzContentSHA256Mismatch",
                message,
                400,
                ClientComputedContentSHA256=self._said,
                S3ComputedContentSHA256=computed,
            )


def _joined(contents: Iterable[bytes]) -> tuple[bytes, ...]:
    """One piece for one piece: small chunks are not passed on one by one."""
    parts = list(contents)
    if not parts:
        return ()
    return (parts[0] if len(parts) == 1 else b"".join(parts),)


def _decoded_length(request: Request) -> int:
    value = request.headers.get("x-amz-decoded-content-length", "")
    if not value.isascii() or not value.isdecimal():
        message = (
            "You must provide the x-amz-decoded-content-length header with aws-chunked bodies."
        )
        raise AwsError("MissingContentLength", message, 411)
    return int(value)
