r"""The content encoding `aws-chunked`: a body in chunks, each signed or not, and a trailer.

1000;chunk-signature=SIGNATURE\r\n   (unsigned: only the size, in hexadecimal)
… 0x1000 bytes …\r\n
0;chunk-signature=SIGNATURE\r\n
x-amz-checksum-crc32:AAAAAA==\r\n
x-amz-trailer-signature:SIGNATURE\r\n
\r\n
"""

import hashlib
import hmac
import re
from collections.abc import Iterator

from flowmaker.aws.auth.canonical import sign
from flowmaker.aws.auth.claims import Signed
from flowmaker.aws.errors import AwsError

SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
KINDS = (SIGNED, SIGNED_TRAILER, UNSIGNED_TRAILER)

_EMPTY = hashlib.sha256(b"").hexdigest()
_HEAD = re.compile(rb"([0-9a-fA-F]{1,16})(?:;chunk-signature=([0-9a-f]{64}))?")
#: Longer lines are no chunk's head and no trailer.
_MAX_LINE = 16384
_TRAILER_SIGNATURE = "x-amz-trailer-signature"


class ChunkSignatures:
    """The chain of signatures: each chunk's covers the one before it."""

    def __init__(self, signed: Signed, key: bytes) -> None:
        self._signed = signed
        self._key = key
        self._previous = signed.signature

    def check(self, given: str, digest: str) -> None:
        self._check("PAYLOAD", given, f"{_EMPTY}\n{digest}")

    def check_trailer(self, given: str, digest: str) -> None:
        self._check("TRAILER", given, digest)

    def _check(self, kind: str, given: str, rest: str) -> None:
        start = f"AWS4-HMAC-SHA256-{kind}\n{self._signed.date}\n{self._signed.scope}"
        expected = sign(self._key, f"{start}\n{self._previous}\n{rest}".encode())
        if not hmac.compare_digest(expected, given.encode()):
            message = (
                "The chunk signature we calculated does not match the signature you provided. "
                "Check your AWS Secret Access Key and signing method."
            )
            raise AwsError("SignatureDoesNotMatch", message, 403)
        self._previous = given


class ChunkDecoder:
    """Takes the body in pieces as they come and gives the content in pieces.

    A chunk's content is given before its signature is checked: nothing may be believed before
    `finish` has returned.
    """

    def __init__(self, signatures: ChunkSignatures | None) -> None:
        """`signatures` is None where chunks are not signed."""
        self._signatures = signatures
        self._line = bytearray()
        self._state = "head"
        self._left = 0
        self._given = ""
        self._digest = hashlib.sha256()
        self._trailer_text = b""
        #: Names in lower case.
        self.trailers: dict[str, str] = {}

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The content in `data`."""
        view = memoryview(data)
        while view:
            if self._state == "data":
                content, view = view[: self._left], view[self._left :]
                self._left -= len(content)
                if self._signatures:
                    self._digest.update(content)
                yield bytes(content)
                if not self._left:
                    self._state = "after"
            else:
                view = self._take_line(view)

    def _take_line(self, view: memoryview) -> memoryview:
        """Everything but content comes in lines."""
        piece = bytes(view[: _MAX_LINE + 1])
        end = piece.find(b"\n")
        self._line += piece if end < 0 else piece[: end + 1]
        if len(self._line) > _MAX_LINE:
            raise _broken("a line is too long")
        if end >= 0:
            line = bytes(self._line).rstrip(b"\r\n")
            self._line.clear()
            self._on_line(line)
        return view[len(piece) if end < 0 else end + 1 :]

    def _on_line(self, line: bytes) -> None:
        if self._state == "head":
            self._on_head(line)
        elif self._state == "after":
            if line:
                raise _broken("a chunk is longer than its head says")
            self._end_chunk()
            self._state = "head"
        elif self._state == "trailer" and line:
            self._on_trailer(line)
        elif self._state == "end" and line:
            raise _broken("there is something after the end")
        else:
            self._state = "end"

    def _on_head(self, line: bytes) -> None:
        match = _HEAD.fullmatch(line)
        if match is None or (self._signatures and not match[2]):
            raise _broken("a chunk's head cannot be read")
        self._left = int(match[1], 16)
        self._given = (match[2] or b"").decode()
        self._state = "data"
        if not self._left:
            self._end_chunk()
            self._state = "trailer"

    def _end_chunk(self) -> None:
        if self._signatures:
            self._signatures.check(self._given, self._digest.hexdigest())
            self._digest = hashlib.sha256()

    def _on_trailer(self, line: bytes) -> None:
        name, found, value = line.decode("latin-1").partition(":")
        if not found:
            raise _broken("a trailing header cannot be read")
        self.trailers[name.strip().lower()] = value.strip()
        if name.strip().lower() != _TRAILER_SIGNATURE:
            self._trailer_text += line.strip() + b"\n"

    def finish(self) -> None:
        """After the last piece.

        Raises:
            AwsError: the body ended early, or the trailer is not signed as it must be.
        """
        if self._state not in ("trailer", "end") or self._line:
            raise _broken("it ended before its last chunk", code="IncompleteBody")
        if self._signatures and self._trailer_text:
            digest = hashlib.sha256(self._trailer_text).hexdigest()
            self._signatures.check_trailer(self.trailers.get(_TRAILER_SIGNATURE, ""), digest)


def _broken(why: str, *, code: str = "InvalidRequest") -> AwsError:
    return AwsError(code, f"The aws-chunked body is not well-formed: {why}.")
