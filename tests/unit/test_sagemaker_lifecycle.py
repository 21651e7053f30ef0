"""The status machines of jobs and model servers, under every order of events."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from flowmaker.sagemaker.lifecycle import hosting, training, transform
from flowmaker.sagemaker.lifecycle.hosting import Move
from flowmaker.sagemaker.lifecycle.training import Action
from flowmaker.sagemaker.records.document import decode, encode
from flowmaker.sagemaker.records.hosting import Server, TransformState
from flowmaker.sagemaker.records.training import Ending, Instance, Phase, TrainingState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FINAL = {"Completed", "Failed", "Stopped"}

Step = Callable[[TrainingState, datetime], TrainingState]
STEPS: list[Step] = [
    *(lambda state, now, to=phase: training.enter(state, to, now) for phase in list(Phase)[:-1]),
    training.request_stop,
    lambda state, now: training.restart(state, now, spot=True),
    training.give_up_waiting,
    training.stop_before_training,
    lambda state, now: training.end_training(state, Ending.COMPLETED, "", now),
    lambda state, now: training.end_training(state, Ending.FAILED, "x" * 2000, now),
    lambda state, now: training.end_training(state, Ending.MAX_RUNTIME_EXCEEDED, "", now),
    lambda state, now: training.fail(state, "why", now),
    lambda state, now: training.finish(state, now) if state.ending is not Ending.NONE else state,
]


@given(st.lists(st.sampled_from(STEPS), max_size=12))
def test_no_final_state_of_a_training_job_is_left(steps: list[Step]) -> None:
    state = training.begin(NOW)
    for number, step in enumerate(steps):
        after = step(state, NOW + timedelta(seconds=number))
        if training.is_final(state):
            assert after == state
        state = after
        assert len(state.failure_reason) <= 1024
    assert (training.status(state) in FINAL) == training.is_final(state)
    open_lines = [one for one in state.transitions if one.ended_at is None]
    assert len(open_lines) == (0 if training.is_final(state) else 1)
    assert decode(TrainingState, encode(state)) == state


@given(st.lists(st.sampled_from(Instance), min_size=1, max_size=5), st.booleans())
def test_instances_are_judged(instances: list[Instance], stop_requested: bool) -> None:
    action, ending = training.judge(instances, stop_requested=stop_requested)
    running = Instance.RUNNING in instances
    bad = set(instances) & {Instance.FAILED, Instance.LOST}
    if action is Action.END:
        assert not running
        assert ending is not Ending.NONE
    if running and (stop_requested or bad):
        assert action is Action.STOP
    if bad and not stop_requested:
        assert action is not Action.START
        assert ending is Ending.FAILED
    if set(instances) == {Instance.SUCCEEDED} and not stop_requested:
        assert (action, ending) == (Action.END, Ending.COMPLETED)


@given(st.lists(st.sampled_from(["begin", "stop", "Completed", "Failed", "Stopped"]), max_size=8))
def test_no_final_state_of_a_transform_job_is_left(words: list[str]) -> None:
    state = TransformState()
    for word in words:
        if word == "begin":
            after = transform.begin(state, NOW)
        elif word == "stop":
            after = transform.request_stop(state)
        else:
            after = transform.end(state, word, NOW, "why")
        if transform.is_final(state):
            assert after == state
        state = after
    assert (transform.status(state) in FINAL) == transform.is_final(state)


def server(**changes: object) -> Server:
    return Server(process_id="p", port=1, started_at=NOW, **changes)  # type: ignore[arg-type]


def moved(one: Server, *, absent: bool = False, running: bool = True, new: bool = True) -> Move:
    now = NOW + timedelta(seconds=100)
    return hosting.move(one, absent=absent, running=running, startup=60, now=now, new=new)


def test_what_is_done_about_a_server() -> None:
    assert moved(server(), absent=True, running=False) is Move.START
    later = NOW + timedelta(seconds=200)
    assert moved(server(not_before=later), absent=True, running=False) is Move.WAIT
    assert moved(server(ready=True)) is Move.NONE
    assert moved(server()) is Move.GIVE_UP
    assert moved(server(), new=False) is Move.REPLACE
    assert moved(server(), running=False) is Move.REPLACE
    assert moved(server(deaths=2), running=False) is Move.GIVE_UP
    assert moved(server(deaths=20), running=False, new=False) is Move.REPLACE


def test_pauses_grow_to_a_limit() -> None:
    one = server()
    pauses: list[float] = []
    for number in range(12):
        one = hosting.successor(one, f"p{number}", 2, NOW)
        assert one.not_before is not None
        pauses.append((one.not_before - NOW).total_seconds())
    assert pauses == sorted(pauses)
    assert pauses[0] == 0.5
    assert pauses[-1] == 30
