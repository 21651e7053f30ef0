"""The text that a signature covers: a request in its one canonical form.

S3 differs from the others: its paths are not normalised, and are encoded once.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from functools import lru_cache
from urllib.parse import parse_qsl, quote, unquote_to_bytes

from flowmaker.aws.auth.claims import ALGORITHM, Scope, Signed
from flowmaker.aws.protocol.request import Request


def sign(key: bytes, to_sign: bytes) -> bytes:
    """The signature in hexadecimal."""
    return hmac.digest(key, to_sign, "sha256").hex().encode()


@lru_cache(maxsize=256)  # a client's is the same for a day
def signing_key(secret: str, scope: Scope) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (scope.date, scope.region, scope.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def string_to_sign(signed: Signed, canonical: bytes) -> bytes:
    digest = hashlib.sha256(canonical).hexdigest()
    return f"{ALGORITHM}\n{signed.date}\n{signed.scope}\n{digest}".encode()


def canonical_request(signed: Signed, request: Request, path: str, payload_hash: str) -> bytes:
    lines = [request.method, path, _canonical_query(request.query_string)]
    head = "\n".join(lines).encode("latin-1")
    headers = _canonical_headers(request.header_list, signed.signed_headers)
    tail = f"\n{';'.join(signed.signed_headers)}\n{payload_hash}".encode("latin-1")
    return head + b"\n" + headers + tail


def canonical_paths(path: str, service: str) -> Iterable[str]:
    """The path as it is signed, most usual first.

    Of S3's paths some clients sign what they send, others its one right encoding: both stand for
    the same bytes.
    """
    path = path or "/"
    if service == "s3":
        encoded = quote(unquote_to_bytes(path), safe="/-_.~")
        return dict.fromkeys((encoded, path))
    return (quote(_normalised(path), safe="/-_.~"),)


def _normalised(path: str) -> str:
    """Without `.`, `..` and empty segments."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            kept = kept[:-1]
        elif segment not in ("", "."):
            kept.append(segment)
    trailing = "/" if kept and path.endswith("/") else ""
    return f"/{'/'.join(kept)}{trailing}"


def _canonical_query(query: str) -> str:
    if not query:
        return ""
    pairs = [
        (_quote(name), _quote(value))
        for name, value in parse_qsl(
            query, keep_blank_values=True, encoding="latin-1", max_num_fields=1000
        )
        if name != "X-Amz-Signature"
    ]
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _quote(part: str) -> str:
    return quote(part, safe="-_.~", encoding="latin-1")


def _canonical_headers(headers: Iterable[tuple[str, str]], signed_headers: Iterable[str]) -> bytes:
    values: Mapping[str, list[bytes]] = {name: [] for name in signed_headers}
    for name, value in headers:
        if name in values:
            values[name].append(b" ".join(value.encode("latin-1").split()))
    return b"".join(
        name.encode("latin-1") + b":" + b",".join(found) + b"\n" for name, found in values.items()
    )
