"""Lines of a log as events, forwards and backwards."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowmaker.aws.logs import reading
from flowmaker.aws.logs.reading import Window


@given(
    content=st.lists(st.sampled_from([b"a", b"bc\td", b"", b"x" * 30]), max_size=30).map(
        b"\n".join
    ),
    block=st.integers(min_value=1, max_value=40),
)
def test_backwards_is_forwards_reversed(
    content: bytes, block: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("log") / "log"
    file.write_bytes(content)
    window = Window(file, ((len(content), 7),), 0, len(content))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "BLOCK", block)
        backwards = list(reading.backward(window))
    forwards = list(reading.forward(window))
    assert backwards == forwards[::-1]
    assert [one.message for one in forwards] == [
        line.replace("\t", "#011") for line in content.decode().split("\n") if line
    ]


def test_an_unfinished_line_waits(tmp_path: Path) -> None:
    file = tmp_path / "log"
    assert reading.whole_lines(file, closed=False) == 0
    file.write_bytes(b"one\ntw")
    assert reading.whole_lines(file, closed=False) == 4
    assert reading.whole_lines(file, closed=True) == 6


def test_a_line_has_the_time_when_it_was_first_seen_whole(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(b"one\ntwo\nthree\n")
    window = Window(file, ((4, 100), (8, 200), (14, 300)), 0, 14)
    assert [one.timestamp for one in reading.forward(window)] == [100, 200, 300]
