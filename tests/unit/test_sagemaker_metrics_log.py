"""The last value of each metric, in short logs and in long ones."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowmaker.aws.cloudwatch.records import Summary
from flowmaker.aws.logs import reading
from flowmaker.sagemaker.algorithms.xgboost.metrics import DEFINITIONS
from flowmaker.sagemaker.container import metrics
from flowmaker.sagemaker.container.literals import required_text
from flowmaker.sagemaker.container.series import Series


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (r"loss=(\S+)", "loss="),
        (r"ab?cd", "cd"),
        (r"(maybe)? sure", " sure"),
        (r"train|test", ""),
        (r"(?i)loss", ""),
        (r"a[bc]d\.ef", "ef"),
        (r"x[]]yz", "yz"),
        (r".*\[[0-9]+\].*(?:#011|\t)train-auc:([^\s#]+)", "train-auc:"),
        (r"epoch (\d+): accuracy: ([0-9.]+)", ": accuracy: "),
    ],
)
def test_what_every_match_contains(expression: str, text: str) -> None:
    assert required_text(expression) == text


@given(st.from_regex(r"[a-c=]{0,3}(\(a\)|\[bc\]|a\?|b\*|c)*[a-c=]{0,3}", fullmatch=True), st.data())
def test_no_match_is_without_it(expression: str, data: st.DataObject) -> None:
    matching = data.draw(st.from_regex(re.compile(expression)))
    assert required_text(expression) in matching


def test_the_last_value_counts_and_what_is_not_printed_is_none(tmp_path: Path) -> None:
    log = tmp_path / "log"
    rounds = (f"[{n}]\ttrain-auc:0.{n}\tvalidation-auc:0.{n + 1}" for n in range(10, 40))
    log.write_text("\n".join([*rounds, "[40]\ttrain-auc:nan", "the end"]))
    found = metrics.final_metrics(log, ((10_000, 5000),), dict(DEFINITIONS))
    assert {each.name: each.value for each in found} == {
        "train:auc": 0.39,
        "validation:auc": 0.4,
    }


def test_lines_of_a_metric_that_is_gone_for_long_are_found(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("score: 7\n" + "nothing to see\n" * 20_000)
    (found,) = metrics.final_metrics(log, (), {"score": r"score: (\d+)", "none": "none: (.*)"})
    assert (found.name, found.value) == ("score", 7)


def test_a_log_that_is_not_there_has_no_metrics(tmp_path: Path) -> None:
    assert metrics.final_metrics(tmp_path / "none", (), {"score": r"score: (\d+)"}) == ()


def test_a_growing_log_is_read_once(tmp_path: Path) -> None:
    log, series = tmp_path / "log", Series()
    log.write_text("loss=3\nnothing\nloss=2\nloss=1")
    assert series.values(log, r"loss=(\S+)") == [3, 2]
    # What was read is not looked at again: that it is another text now is not seen.
    log.write_text("LOSS=3\nnothing\nLOSS=2\nloss=1\nthe loss=0\nloss=-1")
    assert series.values(log, r"loss=(\S+)") == [3, 2, 1, 0]
    marks = ((7, 1000), (22, 2000), (50, 3000))
    assert series.timed(log, marks, r"loss=(\S+)", closed=True) == [
        (1, Summary(1, 3, 3, 3)),
        (2, Summary(1, 2, 2, 2)),
        (3, Summary(3, 0, -1, 1)),
    ]
    log.write_text("loss=9\n")
    assert series.values(log, r"loss=(\S+)") == [9]


@given(st.lists(st.integers(0, 120), unique=True).map(sorted), st.integers(0, 20))
def test_each_value_has_the_time_of_its_line(offsets: list[int], count: int) -> None:
    marks = tuple((offset, 1000 * at) for at, offset in enumerate(offsets, 1))
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        log.write_text("".join(f"v={number}\n" for number in range(count)))
        found = Series().timed(log, marks, r"v=(\d+)", closed=True)
        window = reading.Window(log, marks, 0, log.stat().st_size)
        wanted: dict[float, list[int]] = {}
        for number, event in enumerate(reading.forward(window)):
            wanted.setdefault(event.timestamp / 1000, []).append(number)
    assert found == [
        (at, Summary(len(values), sum(values), min(values), max(values)))
        for at, values in wanted.items()
    ]


def test_an_expression_without_a_sure_text_finds_its_values(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("a\t1\nb 2\n\n")
    assert Series().values(log, r"(?:a#011|b )(\d)") == [1, 2]
