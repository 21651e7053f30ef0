"""What is said of a task that failed."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from flowmaker.pipelines.lifecycle.failure import LONGEST, Failed, ended, left_wrong, lost
from flowmaker.pipelines.records.run import Task, TaskKind

TASK = Task(
    task_id="task-1",
    run_id="run-1",
    parent_task_id="root-1",
    name="train",
    kind=TaskKind.CONTAINER,
    component="comp-train",
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    attempt=1,
)
FAILED = Failed(task=TASK, component="comp-train", image="python:3.11")
TRACE = """\
[flowmaker] Python 3.11.7
starting
Traceback (most recent call last):
  File "ephemeral_component.py", line 3, in train
    raise ValueError("no way")
ValueError: no way
"""


def test_the_exception_comes_first_and_the_way_on_last() -> None:
    error = ended(FAILED, 1, "", TRACE)
    lines = error.splitlines()
    assert lines[0] == "ValueError: no way"
    assert lines[1] == "Exit code 1 (component comp-train, image python:3.11)."
    assert lines[2:4] == ["Its log ends:", "Traceback (most recent call last):"]
    assert "flowmaker logs run-1 --task task-1" in lines[-1]
    assert "flowmaker debug run-1 task-1" in lines[-1]


def test_an_input_artifact_that_is_not_there_is_named() -> None:
    artifacts = {"other": [{"uri": "s3://b/other"}], "data": [{"uri": "s3://b/no/file.txt"}]}
    failed = replace(FAILED, task=replace(TASK, inputs={"parameters": {}, "artifacts": artifacts}))
    missing = "FileNotFoundError: [Errno 2] No such file or directory: "
    error = ended(failed, 1, "", f"{TRACE}{missing}'/jobs/task-1/work/s3/b/no/file.txt'\n")
    assert error.splitlines()[-2].startswith(
        "Input artifact 'data' is s3://b/no/file.txt, and there is nothing: the task that made it"
    )
    assert "Input artifact" not in ended(failed, 1, "", f"{TRACE}{missing}'/etc/nothing'\n")
    assert "Input artifact" not in ended(failed, 1, "", TRACE)


def test_who_took_too_much_memory_is_told_the_limit_and_the_way_out() -> None:
    error = ended(replace(FAILED, memory_limit="512Mi"), -9, "memory", TRACE)
    assert error.splitlines()[0] == (
        "OOMKilled: used more than its memory limit of 512Mi; raise it with set_memory_limit "
        "(component comp-train, image python:3.11)."
    )


@pytest.mark.parametrize(
    ("code", "reason", "words"),
    [
        (-9, "", "signal 9 (SIGKILL): somebody killed it, or this machine ran out of memory"),
        (-11, "", "signal 11 (SIGSEGV): native code"),
        (-15, "", "signal 15 (SIGTERM)"),
        (-64, "", "signal 64"),
        (-15, "timeout", "The process was stopped because its time was up"),
        (-15, "stopped", "The process was ended from outside (stopped)"),
        (127, "", "Exit code 127 (the command was not found)"),
        (126, "", "Exit code 126 (the command cannot be executed)"),
    ],
)
def test_each_way_to_end_has_its_words(code: int, reason: str, words: str) -> None:
    error = ended(FAILED, code, reason, "")
    assert words in error
    assert "It printed nothing" in error


@pytest.mark.parametrize(
    ("last", "advice"),
    [
        ("ModuleNotFoundError: No module named 'sklearn.svm'", "packages_to_install=['sklearn']"),
        ("TypeError: cannot pickle '_thread.lock' object", "write such an object to an output"),
        ("TypeError: Object of type set is not JSON serializable", "returns JSON values"),
        ("NameError: name 'LIMIT' is not defined", "imports and constants go inside"),
    ],
)
def test_what_can_be_done_is_said(last: str, advice: str) -> None:
    assert advice in ended(FAILED, 1, "", TRACE.replace("ValueError: no way", last))


def test_an_error_is_bounded_and_keeps_both_ends() -> None:
    log = "Traceback (most recent call last):\n" + "x" * 299 + "\n" + ("y" * 5000 + "\n") * 100
    error = ended(FAILED, 1, "", log + "RuntimeError: " + "z" * 9000)
    assert len(error) <= LONGEST
    assert error.startswith(("Exit code 1", "RuntimeError: zzz"))
    assert "flowmaker debug run-1 task-1" in error


def test_a_long_reason_is_bounded_too() -> None:
    error = left_wrong(FAILED, "An output is wrong: " + "w" * 9000, "said\n")
    assert len(error) <= LONGEST
    assert error.startswith("An output is wrong")
    assert "flowmaker debug" in error


def test_its_own_lines_are_not_quoted() -> None:
    assert "It printed nothing" in ended(FAILED, 1, "", "[flowmaker] Python 3.11.7\n")


def test_who_lost_its_supervisor_says_so() -> None:
    assert lost(FAILED).startswith("The process was killed from outside, with its supervisor")
