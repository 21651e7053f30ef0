"""Bodies in chunks: AWS's own examples, our own chunks, and every kind of damage."""

import base64
import hashlib
import zlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from flowmaker.aws.auth import chunked, sigv4
from flowmaker.aws.auth.claims import Signed
from flowmaker.aws.auth.payload import Payload
from flowmaker.aws.errors import AwsError
from flowmaker.aws.protocol.request import Request
from tests.fakes.aws_identity import FakeKeys
from tests.fakes.aws_services import pieces

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
CONTENT = b"a" * 66560

# The examples of "Signature calculations for the Authorization header: transferring payload in
# multiple chunks" and "… with trailing headers" in the S3 API reference.
SEED = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
SIGNATURES = (
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
)
TRAILER_SEED = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
TRAILER_SIGNATURES = (
    "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
    "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
    "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
)
TRAILER = (
    b"x-amz-checksum-crc32c:sOO8/Q==\r\n"
    b"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n"
)


def chunk(content: bytes, signature: str = "") -> bytes:
    head = f"{len(content):x};chunk-signature={signature}" if signature else f"{len(content):x}"
    end = b"\r\n" if content else b""
    return head.encode() + b"\r\n" + content + end


def signed_body(signatures: tuple[str, ...], end: bytes = b"") -> bytes:
    parts = (CONTENT[:65536], CONTENT[65536:], b"")
    return b"".join(map(chunk, parts, signatures)) + end + b"\r\n"


def example(kind: str, seed: str, **headers: str) -> tuple[Request, Signed]:
    fields = {
        "content-encoding": "aws-chunked",
        "host": "s3.amazonaws.com",
        "x-amz-content-sha256": kind,
        "x-amz-date": "20130524T000000Z",
        "x-amz-decoded-content-length": "66560",
        "x-amz-storage-class": "REDUCED_REDUNDANCY",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    authorization = (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        f"SignedHeaders={';'.join(sorted(fields))},Signature={seed}"
    )
    request = Request(
        method="PUT",
        path="/examplebucket/chunkObject.txt",
        query_string="",
        header_list=(*fields.items(), ("authorization", authorization)),
    )
    return request, sigv4.read(request)


async def read(
    request: Request, signed: Signed, body: bytes, size: int = 1000
) -> tuple[bytes, dict[str, str]]:
    payload = Payload(pieces(body, size), signed, request)
    payload.start(SECRET, checksums=True)
    content = b"".join([piece async for piece in payload])
    assert payload.ended
    return content, payload.trailers


async def refused(request: Request, signed: Signed, body: bytes) -> str:
    with pytest.raises(AwsError) as caught:
        await read(request, signed, body)
    return caught.value.code


@pytest.mark.parametrize("size", [1, 7, 1000, 100_000])
async def test_the_documented_example(size: int) -> None:
    request, signed = example(chunked.SIGNED, SEED, content_length="66824")
    keys = FakeKeys()
    keys.add("AKIAIOSFODNN7EXAMPLE", SECRET)
    now = datetime(2013, 5, 24, tzinfo=UTC)
    await sigv4.authenticate(signed, request, chunked.SIGNED, keys, now)
    content, _ = await read(request, signed, signed_body(SIGNATURES), size)
    assert content == CONTENT


async def test_the_documented_trailer() -> None:
    request, signed = example(
        chunked.SIGNED_TRAILER, TRAILER_SEED, x_amz_trailer="x-amz-checksum-crc32c"
    )
    keys = FakeKeys()
    keys.add("AKIAIOSFODNN7EXAMPLE", SECRET)
    now = datetime(2013, 5, 24, tzinfo=UTC)
    await sigv4.authenticate(signed, request, chunked.SIGNED_TRAILER, keys, now)
    body = signed_body(TRAILER_SIGNATURES, TRAILER)
    content, trailers = await read(request, signed, body)
    assert content == CONTENT
    assert trailers["x-amz-checksum-crc32c"] == "sOO8/Q=="
    assert await refused(request, signed, body.replace(b"d81f", b"d82f")) == "SignatureDoesNotMatch"
    without = signed_body(TRAILER_SIGNATURES, TRAILER.partition(b"\r\n")[0] + b"\r\n")
    assert await refused(request, signed, without) == "SignatureDoesNotMatch"
    nothing = signed_body(TRAILER_SIGNATURES)
    assert await refused(request, signed, nothing) == "MalformedTrailerError"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"aaa\r\n400", b"aab\r\n400", "SignatureDoesNotMatch"),
        (b"ad80", b"ad81", "SignatureDoesNotMatch"),
        (b"b6c6", b"b6c7", "SignatureDoesNotMatch"),
        (b"10000;", b"ffff;", "InvalidRequest"),
        (b"10000;", b"1g000;", "InvalidRequest"),
        (b";chunk-signature=00556", b";chunk=00556", "InvalidRequest"),
        (b"\r\n0;chunk", b"\r\n\r\n0;chunk", "InvalidRequest"),
    ],
)
async def test_damage_is_found(old: bytes, new: bytes, code: str) -> None:
    request, signed = example(chunked.SIGNED, SEED, content_length="66824")
    body = signed_body(SIGNATURES).replace(old, new, 1)
    assert await refused(request, signed, body) == code


async def test_a_body_that_ends_early() -> None:
    request, signed = example(chunked.SIGNED, SEED, content_length="66824")
    body = signed_body(SIGNATURES)
    for end in (0, 100, 65650, len(body) - 90):
        assert await refused(request, signed, body[:end]) == "IncompleteBody"


def unsigned(**headers: str) -> tuple[Request, Signed]:
    length = headers.pop("length", str(len(CONTENT)))
    return example(chunked.UNSIGNED_TRAILER, SEED, x_amz_decoded_content_length=length, **headers)


async def test_unsigned_chunks_with_a_checksum() -> None:
    crc = base64.b64encode(zlib.crc32(CONTENT).to_bytes(4, "big"))
    body = chunk(CONTENT[:1000]) + chunk(CONTENT[1000:]) + chunk(b"")
    request, signed = unsigned(x_amz_trailer="x-amz-checksum-crc32")
    good = body + b"x-amz-checksum-crc32:" + crc + b"\r\n\r\n"
    content, trailers = await read(request, signed, good)
    assert content == CONTENT
    assert trailers == {"x-amz-checksum-crc32": crc.decode()}
    bad = body + b"x-amz-checksum-crc32:AAAAAA==\r\n\r\n"
    assert await refused(request, signed, bad) == "BadDigest"
    assert await refused(request, signed, body + b"\r\n") == "MalformedTrailerError"
    assert await refused(request, signed, good + b"more\r\n") == "InvalidRequest"
    request, signed = unsigned(length="66559")
    assert await refused(request, signed, body + b"\r\n") == "IncompleteBody"


CHECKED = b"123456789"  # the nine bytes that catalogues of checksums use


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x-amz-checksum-crc32", 0xCBF43926.to_bytes(4, "big")),
        ("x-amz-checksum-crc32c", 0xE3069283.to_bytes(4, "big")),
        ("x-amz-checksum-crc64nvme", 0xAE8B14860A799888.to_bytes(8, "big")),
        ("x-amz-checksum-sha1", hashlib.sha1(CHECKED).digest()),
        ("x-amz-checksum-sha256", hashlib.sha256(CHECKED).digest()),
        ("content-md5", hashlib.md5(CHECKED).digest()),
    ],
)
async def test_checksums_in_headers(name: str, expected: bytes) -> None:
    value = base64.b64encode(expected).decode()
    headers = {name.replace("-", "_"): value}
    request, signed = example("UNSIGNED-PAYLOAD", SEED, **headers)
    assert await read(request, signed, CHECKED) == (CHECKED, {})
    assert await refused(request, signed, CHECKED[::-1]) == "BadDigest"
    request, signed = example("UNSIGNED-PAYLOAD", SEED, **{name.replace("-", "_"): "!"})
    code = "InvalidDigest" if name == "content-md5" else "InvalidRequest"
    assert await refused(request, signed, CHECKED) == code


async def test_the_hash_in_the_header() -> None:
    request, signed = example(hashlib.sha256(b"right").hexdigest(), SEED)
    assert await read(request, signed, b"right") == (b"right", {})
    assert await refused(request, signed, b"wrong") == "XAmzContentSHA256Mismatch"


async def test_large_pieces_are_hashed_as_well() -> None:
    content = bytes(3 << 20)
    request, signed = example(hashlib.sha256(content).hexdigest(), SEED)
    payload = Payload(whole(content), signed, request)
    payload.start(SECRET, checksums=True)
    assert b"".join([piece async for piece in payload]) == content


async def whole(content: bytes) -> AsyncIterator[bytes]:
    yield content
