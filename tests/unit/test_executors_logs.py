"""Logs are read while they grow."""

from pathlib import Path

from flowmaker.executors import logs


def test_a_log_that_is_not_there_yet_is_empty(tmp_path: Path) -> None:
    assert logs.read(tmp_path / "log") == ([], 0)


def test_a_line_is_read_when_it_is_whole(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"one\ntw")
    lines, offset = logs.read(log)
    assert (lines, offset) == (["one"], 4)
    assert logs.read(log, offset) == ([], 4)
    log.write_bytes(b"one\ntwo\r\n\nthree")
    lines, offset = logs.read(log, offset)
    assert lines == ["two", ""]
    assert logs.read(log, offset, ended=True) == (["three"], 15)
    assert logs.read(log, 15, ended=True) == ([], 15)


def test_at_most_the_limit(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"1\n2\n3\n")
    assert logs.read(log, 0, 2) == (["1", "2"], 4)
    assert logs.read(log, 4, 2) == (["3"], 6)


def test_bytes_that_are_no_utf_8(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"caf\xe9\n\xff\n" + "é\n".encode())
    assert logs.read(log)[0] == ["caf\ufffd", "\ufffd", "é"]


def test_a_line_without_end_comes_in_pieces(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * (1 << 20) + b"yz\n")
    lines, offset = logs.read(log)
    assert ([len(line) for line in lines], offset) == ([1 << 20], 1 << 20)
    assert logs.read(log, offset) == (["yz"], (1 << 20) + 3)
