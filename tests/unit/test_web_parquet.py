"""What is told of Parquet files, and how little of them is read for it."""

import asyncio
import io
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flowmaker.errors import InvalidInput, Unavailable
from flowmaker.web.parquet import reading
from flowmaker.web.parquet.reading import Remote, beginning
from flowmaker.web.tables import ask_program


def written(columns: dict[str, Any], **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, **options)
    return sink.getvalue()


def remote(content: bytes) -> Remote:
    return Remote(len(content), lambda at, length: content[at : at + length])


def test_types_and_values_are_told() -> None:
    columns = {
        "name": ["Ada", None],
        "born": [datetime(1815, 12, 10, tzinfo=UTC), None],
        "scores": [[1, 2], []],
        "raw": [b"\x01\xff", b""],
        "is_known": [True, False],
        "note": ["x" * 500, ""],
    }
    told = beginning(remote(written(columns)))
    assert (told["rows_count"], told["groups_count"], told["columns_count"]) == (2, 1, 6)
    assert told["columns"][1] == {
        "name": "born",
        "type": "timestamp[us, tz=UTC]",
        "nullable": True,
    }
    first, second = told["rows"]
    assert first[:5] == ["Ada", "1815-12-10 00:00:00+00:00", "[1, 2]", "01 ff", "true"]
    assert first[5] == "x" * reading.LETTERS + "…"
    assert second == [None, None, "[]", "", "false", ""]
    assert "unread" not in told


def test_of_a_large_file_little_is_read() -> None:
    numbers = np.random.default_rng(1).random((3, 1_000_000))
    content = written(dict(zip("abc", numbers, strict=True)), row_group_size=1_000_000)
    source = remote(content)
    told = beginning(source)
    assert (told["rows_count"], len(told["rows"])) == (1_000_000, reading.ROWS)
    assert told["rows"][0][0] == str(numbers[0][0])
    assert source.taken < len(content) / 5


def test_a_wide_table_is_cut() -> None:
    told = beginning(remote(written({f"c{number}": [number] for number in range(1200)})))
    assert told["columns_count"] == 1200
    assert len(told["columns"]) == reading.TOLD
    assert told["rows"] == [[str(number) for number in range(reading.COLUMNS)]]


def test_an_empty_table_has_no_rows() -> None:
    told = beginning(remote(written({"a": pa.array([], pa.int64())})))
    assert (told["rows_count"], told["rows"]) == (0, [])


def test_what_takes_too_much_to_read_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    content = written({"a": np.random.default_rng(1).random(500_000)}, use_dictionary=False)
    monkeypatch.setattr(reading, "MOST", 200_000)
    told = beginning(remote(content))
    assert told["rows_count"] == 500_000
    assert told["rows"] == []
    assert "take more than" in told["unread"]


def test_what_is_no_parquet_is_refused() -> None:
    good = written({"a": list(range(1000))})
    for content in (b"PAR1 and nothing more", good[: len(good) // 2], b"PAR1" + bytes(1000)):
        with pytest.raises(ValueError, match="cannot be read as Parquet"):
            beginning(remote(content))


def asked(
    content: bytes, environment: Path = Path(sys.prefix), memory: int = 512_000_000
) -> dict[str, Any]:
    """What the program tells, by default in the tests' own environment."""

    async def part(at: int, length: int) -> bytes:
        return content[at : at + length]

    return asyncio.run(ask_program(environment, len(content), part, memory))


def test_what_unpacks_to_too_much_memory_says_so() -> None:
    page = {"use_dictionary": False, "write_statistics": False, "compression": "zstd"}
    content = written({"text": ["x" * 50_000_000]}, **page)
    assert len(content) < 100_000
    assert asked(content)["rows"] == [["x" * reading.LETTERS + "…"]]
    told = asked(content, memory=80_000_000)
    assert (told["rows_count"], told["rows"]) == (1, [])
    assert told["unread"]


def test_the_program_refuses_what_is_no_parquet() -> None:
    with pytest.raises(InvalidInput, match="cannot be read as Parquet"):
        asked(b"PAR1 and nothing more")


def test_a_program_that_dies_is_told_of(tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text("#!/bin/sh\nexit 3\n")
    python.chmod(0o700)
    with pytest.raises(Unavailable, match="too much memory, or the file is broken"):
        asked(b"PAR1", tmp_path)
