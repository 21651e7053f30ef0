"""Exit handlers, failure and retry through the real kfp.Client: what still ran, and how often."""

# Components import what they need and open files, as users' do.

from typing import Any

import pytest
from kfp import dsl
from kfp.dsl import PipelineTaskFinalStatus

from tests.fakes.kfp_batch import Batch, Submitted
from tests.house import House

BATCH = Batch()


@dsl.component(base_image="python:3.11")
def say(text: str) -> str:
    import json

    print("RESULT " + json.dumps(text))
    return text


@dsl.component(base_image="python:3.11")
def fail(text: str = "on purpose") -> str:
    import json

    print("RESULT " + json.dumps(text))
    raise ValueError(text)


@dsl.component(base_image="python:3.11")
def clean_up(status: PipelineTaskFinalStatus, note: str = ""):
    import json

    said = {
        "state": status.state,
        "task": status.pipeline_task_name,
        "job": status.pipeline_job_resource_name,
        "code": status.error_code,
        "message": status.error_message,
        "note": note,
    }
    print("RESULT " + json.dumps(said))


@dsl.component(base_image="python:3.11")
def count_attempts(key: str, succeeds_at: int):
    import json
    import os
    import time

    attempt = int(os.environ["KFP_POD_NAME"].rpartition("-")[2])
    print("RESULT " + json.dumps([attempt, time.time()]))
    if attempt < succeeds_at:
        raise RuntimeError(f"{key}: attempt {attempt}")


@BATCH.add()
@dsl.pipeline(name="exit-after-success")
def succeeds():
    exit_task = clean_up(note="all is well")
    with dsl.ExitHandler(exit_task, name="body"):
        say(text="work")


@BATCH.add()
@dsl.pipeline(name="exit-after-failure")
def fails():
    exit_task = clean_up(note="it failed")
    with dsl.ExitHandler(exit_task):
        broken = fail()
        say(text="never").after(broken)


@BATCH.add()
@dsl.pipeline(name="failing-exit")
def failing_exit():
    with dsl.ExitHandler(fail(text="the exit failed")):
        say(text="work")


@dsl.pipeline(name="guarded")
def guarded(text: str):
    with dsl.ExitHandler(clean_up(note=text)):
        with dsl.ParallelFor(["a", "b"]):
            say(text=text)
        with dsl.If(text == "inner"):
            say(text="in a branch")


@BATCH.add()
@dsl.pipeline(name="two-handlers")
def two_handlers():
    first = guarded(text="inner")
    with dsl.ExitHandler(clean_up(note="outer"), name="second"):
        say(text="outer")
    say(text="apart").after(first).set_display_name("after the first")


@dsl.pipeline(name="breaks")
def breaks() -> str:
    return fail(text="inside").output


@dsl.component(base_image="python:3.11")
def take(text: str = "by default"):
    import json

    print("RESULT " + json.dumps(text))


@BATCH.add()
@dsl.pipeline(name="ignored-failure")
def ignored():
    first = fail(text="not minded")
    take(text="went on").after(first).ignore_upstream_failure().set_display_name("went on")
    take(text=fail(text="gives nothing").output).ignore_upstream_failure().set_display_name("took")
    take(text=breaks().output).ignore_upstream_failure().set_display_name("took of a pipeline")


@BATCH.add()
@dsl.pipeline(name="siblings")
def siblings():
    broken = fail(text="first")
    say(text="never").after(broken)


def _quick(spec: dict[str, Any]) -> None:
    tasks = spec["root"]["dag"]["tasks"]
    tasks["count-attempts"]["retryPolicy"] |= {"backoffDuration": "0.2s", "backoffFactor": 2.0}
    tasks["count-attempts-3"]["retryPolicy"] |= {
        "backoffDuration": "0.1s",
        "backoffFactor": 1000.0,
        "backoffMaxDuration": "0.2s",
    }
    tasks["group"]["retryPolicy"] = {"maxRetryCount": 2, "backoffDuration": "0s"}


@dsl.pipeline(name="group")
def group():
    count_attempts(key="of its pipeline", succeeds_at=3).set_display_name("of its pipeline")


@BATCH.add(_quick)
@dsl.pipeline(name="retries")
def retries():
    task = count_attempts(key="third", succeeds_at=3).set_retry(num_retries=4)
    task.set_display_name("third")
    count_attempts(key="once", succeeds_at=1).set_retry(num_retries=4).set_display_name("once")
    capped = count_attempts(key="capped", succeeds_at=3).set_retry(num_retries=2)
    capped.set_display_name("capped")
    group()


@dsl.component(base_image="python:3.11")
def succeeds_at(retries: str, wanted: str):
    import json
    import os

    said = [retries, os.environ["RETRIES"]]
    print("RESULT " + json.dumps(said))
    if retries != wanted:
        raise RuntimeError(retries)


def _no_pause(spec: dict[str, Any]) -> None:
    spec["root"]["dag"]["tasks"]["succeeds-at"]["retryPolicy"]["backoffDuration"] = "0s"


@BATCH.add(_no_pause)
@dsl.pipeline(name="counted-retries")
def counted():
    task = succeeds_at(retries="{{retries}}", wanted="2").set_retry(num_retries=2)
    task.set_env_variable("RETRIES", "no {{retries}}")


def _at_once(spec: dict[str, Any]) -> None:
    spec["root"]["dag"]["tasks"]["count-attempts"]["retryPolicy"]["backoffDuration"] = "0s"


@BATCH.add(_at_once)
@dsl.pipeline(name="too-few-retries")
def too_few():
    count_attempts(key="in vain", succeeds_at=9).set_retry(num_retries=2)


@pytest.fixture(scope="module")
def ran(server: House, tmp_path_factory: pytest.TempPathFactory) -> Submitted:
    return BATCH.submitted(server, tmp_path_factory.mktemp("packages"))


def test_an_exit_task_is_told_that_all_went_well(ran: Submitted) -> None:
    run = ran(succeeds)
    assert run.run.state == "SUCCEEDED"
    assert run.result("say") == "work"
    assert run.result("clean-up") == {
        "state": "COMPLETE",
        "task": "exit-handler-1",
        "job": f"{succeeds.name}-{run.id[:5]}",
        "code": None,
        "message": None,
        "note": "all is well",
    }


def test_an_exit_task_is_told_what_failed_and_the_run_fails(ran: Submitted) -> None:
    run = ran(fails)
    assert run.run.state == "FAILED"
    assert run.results("say") == []
    status = run.result("clean-up")
    assert status["state"] == "FAILED"
    assert status["note"] == "it failed"
    assert "ValueError: on purpose" in status["message"]
    assert run.states()["clean-up"] == "SUCCEEDED"


def test_an_exit_task_that_fails_fails_the_run(ran: Submitted) -> None:
    run = ran(failing_exit)
    assert run.run.state == "FAILED"
    assert run.result("say") == "work"
    assert "the exit failed" in run.error


def test_handlers_in_pipelines_and_side_by_side(ran: Submitted) -> None:
    run = ran(two_handlers)
    assert run.error == ""
    notes = sorted(each["note"] for each in run.results("clean-up"))
    assert notes == ["inner", "outer"]
    assert run.result("after the first") == "apart"
    said = sorted(run.results("say") + run.results("say-2"))
    assert said == ["in a branch", "inner", "inner", "outer"]


def test_a_failure_that_is_not_minded(ran: Submitted) -> None:
    run = ran(ignored)
    assert run.result("went on") == "went on"
    assert run.result("took") == "by default"
    assert run.result("took of a pipeline") == "by default"
    assert run.run.state == "FAILED"  # as on a cluster: a task did fail


def test_nothing_starts_after_a_failure(ran: Submitted) -> None:
    run = ran(siblings)
    assert run.run.state == "FAILED"
    assert run.results("fail") == ["first"]
    assert run.results("say") == []
    assert "ValueError: first" in run.error


def test_retries_and_their_backoff(ran: Submitted) -> None:
    run = ran(retries)
    assert run.error == ""
    attempts = {name: run.results(name) for name in ("third", "once", "capped", "of its pipeline")}
    counted = {name: [number for number, _ in each] for name, each in attempts.items()}
    assert counted == {
        "third": [1, 2, 3],
        "once": [1],
        "capped": [1, 2, 3],
        "of its pipeline": [1, 2, 3],
    }
    (_, one), (_, two), (_, three) = attempts["third"]
    assert two - one >= 0.2
    assert three - two >= 0.4
    (_, one), (_, two), (_, three) = attempts["capped"]
    assert two - one >= 0.1
    assert three - two >= 0.2


def test_a_task_may_be_told_which_retry_it_is(ran: Submitted) -> None:
    run = ran(counted)
    assert run.error == ""
    assert run.results("succeeds-at") == [["0", "no 0"], ["1", "no 1"], ["2", "no 2"]]


def test_the_last_attempt_decides(ran: Submitted) -> None:
    run = ran(too_few)
    assert run.run.state == "FAILED"
    assert [number for number, _ in run.results("count-attempts")] == [1, 2, 3]
    assert "in vain: attempt 3" in run.error
