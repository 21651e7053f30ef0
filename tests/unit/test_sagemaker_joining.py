"""Batch transform's data processing: filters, joins, and how files are cut into records."""

import gzip
import json
import struct
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowmaker.sagemaker.algorithms import recordio
from flowmaker.sagemaker.container import filters, joining
from flowmaker.sagemaker.container.batches import Batching, assembled, payloads
from flowmaker.sagemaker.container.joining import Joining
from flowmaker.sagemaker.container.storage import DataError

#: When the job did, in another time zone than the output has it.
STARTED = datetime(2026, 1, 2, 4, 5, 6, tzinfo=timezone(timedelta(hours=1)))
DOCUMENT = {"id": 7, "a b": [1, 2, 3, 4], "in": {"x": "y", "z": [{"q": 1}, {"q": 2}]}}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", DOCUMENT),
        ("$.id", 7),
        ("$['a b'][1:3]", [2, 3]),
        ("$['a b'][0,2]", [1, 3]),
        ("$['a b'][-1]", 4),
        ("$['a b'][2:]", [3, 4]),
        ("$['id','in']", {"id": 7, "in": DOCUMENT["in"]}),
        ("$.in.z[0].q", 1),
        ("$.in.*", ["y", [{"q": 1}, {"q": 2}]]),
        ("$.in.z[*]", [{"q": 1}, {"q": 2}]),
    ],
)
def test_filters_select(path: str, expected: Any) -> None:
    assert filters.Path.parse(path).select(DOCUMENT) == expected


@pytest.mark.parametrize("path", ["id", "$..id", "$[?(@.x)]", "$.id[", "$['id]"])
def test_filters_that_are_none(path: str) -> None:
    with pytest.raises(ValueError, match="filter"):
        filters.Path.parse(path)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("$.no", "no member no"),
        ("$.id.x", "no object"),
        ("$.id[0]", "no array"),
        ("$['a b'][9]", "4"),
    ],
)
def test_what_is_not_there(path: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        filters.Path.parse(path).select(DOCUMENT)


def request(content_type: str = "text/csv", **processing: str) -> dict[str, Any]:
    return {
        "TransformInput": {"ContentType": content_type, "SplitType": "Line"},
        "TransformOutput": {"Accept": content_type},
        "DataProcessing": processing,
    }


def test_rows_of_csv_are_filtered_and_joined() -> None:
    how = joining.of_request(
        request(InputFilter="$[1:]", JoinSource="Input", OutputFilter="$[0,-1]"), STARTED
    )
    rows = [b'1,"a, b",3\n', b"2,c,4\n"]
    assert [how.sent(row) for row in rows] == [b'"a, b",3\n', b"c,4\n"]
    assert how.written(rows, b"0.5\n0.75\n") == b"1,0.5\n2,0.75\n"
    plain = joining.of_request(request(JoinSource="Input"), STARTED)
    assert plain.written(rows, b"0.5\n0.75\n") == b'1,"a, b",3,0.5\n2,c,4,0.75\n'


def test_objects_get_a_member_and_anything_else_becomes_an_object() -> None:
    how = joining.of_request(request("application/jsonlines", JoinSource="Input"), STARTED)
    records = [b'{"id": 1}\n', b"[2]\n"]
    written = how.written(records, b'{"score": 0.5}\n{"score": 0.7}\n')
    assert [json.loads(line) for line in written.splitlines()] == [
        {"id": 1, "SageMakerOutput": {"score": 0.5}},
        {"SageMakerInput": [2], "SageMakerOutput": {"score": 0.7}},
    ]


def test_an_output_filter_without_a_join_is_of_the_answer() -> None:
    given = request("application/json", InputFilter="$.features", OutputFilter="$.predictions[0]")
    how = joining.of_request(given, STARTED)
    assert json.loads(how.sent(b'{"id": 3, "features": [1, 2]}')) == [1, 2]
    answer = b'{"predictions": [{"score": 1}, {"score": 2}]}'
    assert json.loads(how.written([b"{}"], answer)) == {"score": 1}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (request(InputFilter="x"), "InputFilter: a filter begins with"),
        (request("image/png", InputFilter="$[1]"), "not image/png"),
        (
            {**request(JoinSource="Input"), "TransformOutput": {"Accept": "application/json"}},
            "the same format in and out",
        ),
        (
            {
                **request(JoinSource="Input"),
                "TransformInput": {"ContentType": "text/csv", "SplitType": "None"},
            },
            "SplitType Line",
        ),
    ],
)
def test_processing_that_cannot_be(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        joining.of_request(given, STARTED)


def stamped(content_type: str, **processing: str) -> Joining:
    capture = {"DestinationS3Uri": "s3://b/c", "GenerateInferenceId": True}
    given = {**request(content_type, **processing), "DataCaptureConfig": capture}
    return joining.of_request(given, STARTED)


def test_each_record_that_goes_out_gets_an_id_and_the_time() -> None:
    written = stamped("text/csv", JoinSource="Input").written([b"1,2\n", b"3,4\n"], b"0.5\n0.75\n")
    (first, one, then), (second, two, _) = (
        line.rsplit(",", 2) for line in written.decode().splitlines()
    )
    assert (first, second) == ("1,2,0.5", "3,4,0.75")
    assert uuid.UUID(one) != uuid.UUID(two)
    assert then == "2026-01-02T03:05:06Z"


def test_ids_of_objects_are_members() -> None:
    written = stamped("application/jsonlines").written([], b'{"output": 0}\n0.5\n')
    first, second = map(json.loads, written.splitlines())
    assert uuid.UUID(first.pop("SageMakerInferenceId"))
    assert first == {"output": 0, "SageMakerInferenceTime": "2026-01-02T03:05:06Z"}
    assert second["SageMakerOutput"] == 0.5
    with pytest.raises(ValueError, match="GenerateInferenceId takes"):
        stamped("image/png")


def test_answers_must_be_as_many_as_records() -> None:
    how = Joining(joins=True)
    with pytest.raises(DataError, match="2 records got 1 answers"):
        how.written([b"1\n", b"2\n"], b"0.5\n")
    with pytest.raises(DataError, match="InputFilter"):
        Joining(incoming=filters.Path.parse("$[5]")).sent(b"1,2\n")


def cut(file: Path, **how: Any) -> list[bytes]:
    return [one.body for one in payloads(file, "s3://b/k", Batching(**how))]


def test_lines_are_batched_after_the_filter(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes(b"1,aaaa\n\n2,bbbb\n3,cccc\n")
    how = Batching(
        split="Line",
        max_payload=10,
        joining=Joining(incoming=filters.Path.parse("$[1]"), joins=True),
    )
    found = list(payloads(file, "s3://b/k", how))
    assert [one.body for one in found] == [b"aaaa\nbbbb\n", b"cccc\n"]
    assert assembled(found[0], b"1\n2\n", how) == b"1,aaaa,1\n2,bbbb,2\n"


@given(
    st.lists(st.sampled_from([b"", b" \t", b"a", b"bb,1", b"ccc\r", b"dddd "]), max_size=12),
    st.integers(6, 20),
    st.booleans(),
)
def test_lines_are_cut_in_blocks_as_they_are_one_by_one(
    lines: list[bytes], most: int, ends: bool
) -> None:
    content = b"\n".join(lines) + (b"\n" if ends else b"")
    with TemporaryDirectory() as folder:
        file = Path(folder) / "rows"
        file.write_bytes(content)
        blocks = cut(file, split="Line", max_payload=most)
        single = cut(file, split="Line", max_payload=most, strategy="SingleRecord")
    assert b"".join(blocks) == b"".join(single)
    assert all(0 < len(block) <= most and block.strip() for block in blocks)
    # Each is as full as may be, but for the blank lines that were in it.
    assert len(blocks) <= len(single)


@pytest.mark.parametrize("content", [b"1\n1234567\n2\n", b"1\n1234567", b"1\n" + b"7" * 40])
def test_a_line_larger_than_a_payload_is_told(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "rows"
    file.write_bytes(content)
    size = max(len(line) for line in content.splitlines(keepends=True))
    with pytest.raises(DataError, match=f"a payload of {size} bytes exceeds"):
        cut(file, split="Line", max_payload=6)


def test_compressed_files_are_read(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv.gz"
    file.write_bytes(gzip.compress(b"1\n2\n"))
    assert cut(file, split="Line", gzip=True, strategy="SingleRecord") == [b"1\n", b"2\n"]
    file.write_bytes(b"1\n")
    with pytest.raises(DataError, match="not compressed by gzip"):
        cut(file, split="Line", gzip=True)


def test_record_io_and_tf_records_are_cut_between_records(tmp_path: Path) -> None:
    file = tmp_path / "records"
    frames = [recordio.write({"values": np.arange(n, dtype="float32")}) for n in (1, 2, 3)]
    file.write_bytes(b"".join(frames))
    assert cut(file, split="RecordIO", strategy="SingleRecord") == frames
    records = [struct.pack("<QI", len(one), 0) + one + b"crc4" for one in (b"a", b"bcd")]
    file.write_bytes(b"".join(records))
    assert cut(file, split="TFRecord", strategy="SingleRecord") == records
    file.write_bytes(records[0][:-1])
    with pytest.raises(DataError, match="in the middle of a record"):
        cut(file, split="TFRecord")
    with pytest.raises(DataError, match="no RecordIO frame"):
        cut(file, split="RecordIO")


def test_a_file_that_is_not_split_is_one_payload(tmp_path: Path) -> None:
    file = tmp_path / "whole"
    file.write_bytes(b"12345")
    assert cut(file) == [b"12345"]
    with pytest.raises(DataError, match="a payload of 5 bytes"):
        cut(file, max_payload=4)
