"""Checksums that a client sends with a body, verified while the body passes by."""

import base64
import binascii
import hashlib
import hmac
import zlib
from collections.abc import Callable, Mapping
from typing import Protocol, cast

from awscrt import checksums as crt

from flowmaker.aws.errors import AwsError

PREFIX = "x-amz-checksum-"


class Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


_Step = Callable[[bytes, int], int]


class _Crc:
    """A cyclic redundancy check with hashlib's manners."""

    def __init__(self, step: _Step, size: int) -> None:
        self._step = step
        self._size = size
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = self._step(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._size, "big")


def _sha1() -> Digest:
    return hashlib.sha1(usedforsecurity=False)


def _md5() -> Digest:
    return hashlib.md5(usedforsecurity=False)


_ALGORITHMS: Mapping[str, Callable[[], Digest]] = {
    "crc32": lambda: _Crc(zlib.crc32, 4),
    "crc32c": lambda: _Crc(cast("_Step", crt.crc32c), 4),
    "crc64nvme": lambda: _Crc(cast("_Step", crt.crc64nvme), 8),
    "sha1": _sha1,
    "sha256": hashlib.sha256,
}


def digest(algorithm: str) -> Digest:
    """A fresh digest: `crc32`, `crc32c`, `crc64nvme`, `sha1`, `sha256`; KeyError for others."""
    return _ALGORITHMS[algorithm.lower()]()


class Checksums:
    """All the checksums that one request announces, in headers or in its trailer."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        """`headers` by names in lower case.

        Raises:
            AwsError: a value that cannot be a checksum.
        """
        self._digests: dict[str, Digest] = {}
        self._expected: dict[str, bytes] = {}
        for name, value in headers.items():
            if name.startswith(PREFIX) and name.removeprefix(PREFIX) in _ALGORITHMS:
                self._announce(name)
                self._expected[name] = _decoded(name, value, len(self._digests[name].digest()))
        if "content-md5" in headers:
            self._digests["content-md5"] = _md5()
            self._expected["content-md5"] = _md5_value(headers["content-md5"])
        for name in headers.get("x-amz-trailer", "").lower().split(","):
            if name.strip().startswith(PREFIX):
                self._announce(name.strip())

    def _announce(self, name: str) -> None:
        algorithm = name.removeprefix(PREFIX)
        if algorithm not in _ALGORITHMS:
            message = f"The algorithm of {name} is not supported: {', '.join(_ALGORITHMS)} are."
            raise AwsError("InvalidRequest", message)
        self._digests[name] = digest(algorithm)

    def update(self, data: bytes) -> None:
        for one in self._digests.values():
            one.update(data)

    def __bool__(self) -> bool:
        return bool(self._digests)

    def verify(self, trailers: Mapping[str, str]) -> None:
        """After the last byte; `trailers` came behind the body.

        Raises:
            AwsError: BadDigest, or an announced trailer did not come.
        """
        for name, one in self._digests.items():
            actual = one.digest()
            expected = self._expected.get(name)
            if expected is None:
                if name not in trailers:
                    message = f"The trailing header {name} was announced and did not come."
                    raise AwsError("MalformedTrailerError", message)
                expected = _decoded(name, trailers[name], len(actual))
            if not hmac.compare_digest(actual, expected):
                raise _bad_digest(name)


def _bad_digest(name: str) -> AwsError:
    if name == "content-md5":
        message = "The Content-MD5 you specified did not match what we received."
    else:
        algorithm = name.removeprefix(PREFIX).upper()
        message = f"The {algorithm} you specified did not match the calculated checksum."
    return AwsError("BadDigest", message)


def _decoded(name: str, value: str, size: int) -> bytes:
    try:
        decoded = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if len(decoded) != size:
        raise AwsError("InvalidRequest", f"Value for {name} header is invalid.")
    return decoded


def _md5_value(value: str) -> bytes:
    try:
        return _decoded("content-md5", value, 16)
    except AwsError:
        message = "The Content-MD5 you specified is not valid."
        raise AwsError("InvalidDigest", message) from None
