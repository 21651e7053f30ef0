"""Checksums that travel with objects: which one, of what, and how parts' add up.

What a client sends is checked by the gateway while the body streams in. Here the one that is kept
is chosen as S3 chooses it, and computed where the client did not send it up front.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from awscrt import checksums as crt

from flowmaker.aws.auth.checksums import digest
from flowmaker.aws.s3 import failures

#: What S3 computes when the client asks for nothing.
DEFAULT = "CRC64NVME"
COMPOSITE, FULL_OBJECT = "COMPOSITE", "FULL_OBJECT"
_KNOWN = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")
#: Of S3's model, and not done here.
_UNKNOWN = ("SHA512", "MD5", "XXHASH64", "XXHASH3", "XXHASH128")
_TRAILER = "x-amz-checksum-"


_COMBINE: Mapping[str, Callable[[int, int, int], int]] = {
    "CRC32": crt.combine_crc32,
    "CRC32C": crt.combine_crc32c,
    "CRC64NVME": crt.combine_crc64nvme,
}
#: The members of requests and answers.
MEMBERS = tuple(f"Checksum{name}" for name in (*_KNOWN, *_UNKNOWN))


class Checksum:
    """One algorithm's checksum of a stream."""

    def __init__(self, algorithm: str) -> None:
        self.algorithm = checked(algorithm)
        self._hash = digest(algorithm)

    def update(self, data: bytes, /) -> None:
        self._hash.update(data)

    def members(self) -> dict[str, str]:
        """As in answers: `{"ChecksumCRC32": "…"}`."""
        return {f"Checksum{self.algorithm}": base64.b64encode(self._hash.digest()).decode()}


def checked(algorithm: str) -> str:
    """The algorithm, if there is such a one here."""
    if algorithm not in _KNOWN:
        raise failures.not_implemented(f"The checksum algorithm {algorithm}")
    return algorithm


def given(parameters: Mapping[str, Any]) -> dict[str, str]:
    """The checksum that the client sent in a header, none or one.

    Raises:
        AwsError: it sent several.
    """
    found = {name: str(parameters[name]) for name in MEMBERS if name in parameters}
    if len(found) > 1:
        raise failures.invalid_request(
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        )
    for name in found:
        checked(name.removeprefix("Checksum"))
    return found


def trailing(headers: Mapping[str, str]) -> tuple[str, ...]:
    """The algorithms of the checksums that follow the body."""
    names = (name.strip().lower() for name in headers.get("x-amz-trailer", "").split(","))
    return tuple(
        checked(name.removeprefix(_TRAILER).upper()) for name in names if name.startswith(_TRAILER)
    )


def type_for(algorithm: str, wanted: str | None) -> str:
    """Whether a multipart upload's checksum is of all its bytes, or of its parts' checksums.

    Raises:
        AwsError: the algorithm cannot be of the wanted type.
    """
    usual = FULL_OBJECT if algorithm == DEFAULT else COMPOSITE
    possible = {FULL_OBJECT} if algorithm == DEFAULT else {COMPOSITE}
    if algorithm in _COMBINE and algorithm != DEFAULT:
        possible.add(FULL_OBJECT)
    if wanted is not None and wanted not in possible:
        raise failures.invalid_request(
            f"The {wanted} checksum type cannot be used with the {algorithm.lower()} checksum "
            "algorithm."
        )
    return wanted or usual


def of_parts(
    algorithm: str, kind: str, parts: Sequence[tuple[Mapping[str, str], int]]
) -> dict[str, str]:
    """The checksum of an object from the checksums and sizes of its parts."""
    member = f"Checksum{algorithm}"
    raw = [(base64.b64decode(checksums.get(member, "")), size) for checksums, size in parts]
    if not algorithm or not all(value for value, _ in raw):
        return {}
    if kind == COMPOSITE:
        whole = digest(algorithm)
        for value, _ in raw:
            whole.update(value)
        return {member: f"{base64.b64encode(whole.digest()).decode()}-{len(raw)}"}
    width = len(raw[0][0])
    total = 0
    for value, size in raw:
        total = _COMBINE[algorithm](total, int.from_bytes(value, "big"), size)
    return {member: base64.b64encode(total.to_bytes(width, "big")).decode()}
