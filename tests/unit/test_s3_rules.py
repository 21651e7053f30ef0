"""The rules that S3's operations share."""

import base64
import zlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowmaker.aws.errors import AwsError
from flowmaker.aws.s3 import checksums, headers, names, policies, ranges
from flowmaker.aws.s3.conditions import expectation, unmodified
from flowmaker.clock import SystemClock
from flowmaker.objects.objects import Bucket, Piece, StoredObject
from flowmaker.objects.uploads import Expectation

NOW = SystemClock().now().replace(microsecond=500_000)
STORED = StoredObject(bucket="b", key="k", size=10, etag="e", blob="", modified_at=NOW)


def refused(error: pytest.ExceptionInfo[AwsError]) -> tuple[str, int]:
    return error.value.code, error.value.status


@pytest.mark.parametrize("name", ["abc", "a" * 63, "my.bucket-1", "1a2"])
def test_names_of_buckets(name: str) -> None:
    names.check_bucket(name)


@pytest.mark.parametrize(
    "name",
    ["ab", "a" * 64, "Upper", "under_score", "-a-", "a..b", "192.168.0.1", "xn--a", "a-s3alias"],
)
def test_what_is_no_name_of_a_bucket(name: str) -> None:
    with pytest.raises(AwsError) as error:
        names.check_bucket(name)
    assert refused(error) == ("InvalidBucketName", 400)


@given(st.integers(1, 50), st.integers(0, 60), st.integers(0, 60))
def test_a_range_is_what_python_slices(size: int, first: int, last: int) -> None:
    header = f"bytes={first}-{last}"
    if last < first:
        assert first >= size or ranges.parse(header, size) is None
    elif first >= size:
        with pytest.raises(AwsError, match="satisfiable"):
            ranges.parse(header, size)
    else:
        content = bytes(range(size))
        extent = ranges.parse(header, size)
        assert extent
        found = content[extent.start : extent.start + extent.length]
        assert found == content[first : last + 1]


@pytest.mark.parametrize("header", ["bytes=-", "lines=1-2", "bytes=0-1,3-4", "bytes=a-b"])
def test_what_is_no_range_is_ignored(header: str) -> None:
    assert ranges.parse(header, 10) is None


@pytest.mark.parametrize(("header", "size"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=-1", 0)])
def test_a_range_of_no_byte(header: str, size: int) -> None:
    with pytest.raises(AwsError) as error:
        ranges.parse(header, size)
    assert refused(error) == ("InvalidRange", 416)


def test_a_part_is_a_range() -> None:
    pieces = (Piece(number=1, size=6), Piece(number=2, size=4))
    stored = StoredObject(
        bucket="b", key="k", size=10, etag="e", blob="", modified_at=NOW, parts=pieces
    )
    assert ranges.requested(stored, None, 2) == ranges.Extent(6, 4, 2)
    assert ranges.requested(STORED, None, 1) == ranges.Extent(0, 10, 1)
    with pytest.raises(AwsError) as error:
        ranges.requested(stored, None, 3)
    assert refused(error) == ("InvalidPartNumber", 416)
    with pytest.raises(AwsError) as error:
        ranges.requested(stored, "bytes=0-1", 1)
    assert refused(error) == ("InvalidRequest", 400)


def test_reads_compare_whole_seconds() -> None:
    second = NOW.replace(microsecond=0)
    assert unmodified(STORED, {"IfModifiedSince": second})
    assert not unmodified(STORED, {"IfModifiedSince": second - timedelta(seconds=1)})
    assert not unmodified(STORED, {"IfUnmodifiedSince": second})


def test_an_etag_outweighs_a_date() -> None:
    old = NOW - timedelta(days=1)
    assert not unmodified(STORED, {"IfMatch": '"e"', "IfUnmodifiedSince": old})
    assert not unmodified(STORED, {"IfNoneMatch": '"x"', "IfModifiedSince": NOW})
    assert unmodified(STORED, {"IfNoneMatch": '"x", "e"'})
    with pytest.raises(AwsError) as error:
        unmodified(STORED, {"IfMatch": '"x"'})
    assert refused(error) == ("PreconditionFailed", 412)


def test_what_a_write_expects() -> None:
    assert expectation({}) is None
    assert expectation({"IfNoneMatch": "*"}) == Expectation(absent=True)
    assert expectation({"IfMatch": '"e"'}) == Expectation(etag="e")
    with pytest.raises(AwsError) as error:
        expectation({"IfNoneMatch": '"e"'})
    assert refused(error) == ("NotImplemented", 501)


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=5))
def test_a_checksum_of_all_bytes_is_combined_from_those_of_the_parts(parts: list[bytes]) -> None:
    sums: list[tuple[dict[str, str], int]] = []
    for part in parts:
        checksum = checksums.Checksum("CRC32")
        checksum.update(part)
        sums.append((checksum.members(), len(part)))
    whole = checksums.of_parts("CRC32", "FULL_OBJECT", sums)
    crc = zlib.crc32(b"".join(parts)).to_bytes(4, "big")
    assert whole == {"ChecksumCRC32": base64.b64encode(crc).decode()}
    composite = checksums.of_parts("CRC32", "COMPOSITE", sums)["ChecksumCRC32"]
    assert composite.endswith(f"-{len(parts)}")


def test_which_checksums_may_be_of_what() -> None:
    assert checksums.type_for("CRC64NVME", None) == "FULL_OBJECT"
    assert checksums.type_for("SHA256", None) == "COMPOSITE"
    assert checksums.type_for("CRC32", "FULL_OBJECT") == "FULL_OBJECT"
    for algorithm, kind in (("SHA256", "FULL_OBJECT"), ("CRC64NVME", "COMPOSITE")):
        with pytest.raises(AwsError) as error:
            checksums.type_for(algorithm, kind)
        assert refused(error) == ("InvalidRequest", 400)
    with pytest.raises(AwsError, match="XXHASH64") as error:
        checksums.given({"ChecksumXXHASH64": "x"})
    assert refused(error) == ("NotImplemented", 501)


def test_tags() -> None:
    assert headers.tags("a=1&b=two%20words&c=") == {"a": "1", "b": "two words", "c": ""}
    for wrong in ("a=1&a=2", "aws:x=1", "a=" + "x" * 257):
        with pytest.raises(AwsError) as error:
            headers.tags(wrong)
        assert refused(error) == ("InvalidTag", 400)


def test_metadata_is_limited() -> None:
    assert headers.metadata({"Metadata": {"Name": "x"}}) == {"name": "x"}
    with pytest.raises(AwsError) as error:
        headers.metadata({"Metadata": {"name": "x" * 2048}})
    assert refused(error) == ("MetadataTooLarge", 400)


PUBLIC = '{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"arn:aws:s3:::b"}}'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("no json", "valid JSON"),
        ("[]", "valid JSON"),
        ("{}", "Statement"),
        (PUBLIC.replace("Allow", "Perhaps"), "effect"),
        (PUBLIC.replace("Principal", "Nobody"), "Principal"),
        (PUBLIC.replace(":::b", ":::c"), "resource"),
    ],
)
def test_what_is_no_policy_of_a_bucket(text: str, why: str) -> None:
    with pytest.raises(AwsError, match=why) as error:
        policies.check("b", text)
    assert refused(error) == ("MalformedPolicy", 400)


def test_a_public_policy_counts_for_the_owner_only_where_that_is_restricted() -> None:
    policies.check("b", PUBLIC)
    block = '{"PublicAccessBlockConfiguration": {"RestrictPublicBuckets": true}}'
    bucket = Bucket(
        name="b",
        owner="1",
        region="",
        created_at=NOW,
        configurations={"policy": PUBLIC, "public-access-block": block},
    )
    assert policies.in_force(bucket, "1") == PUBLIC
    assert policies.in_force(bucket, "2") == ""
