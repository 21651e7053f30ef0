"""A function called in the fork of a warm interpreter behaves as a program of its own."""

import fcntl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flowmaker.errors import Unavailable
from flowmaker.executors.executor import Outcome, ProcessSpec
from tests.contract.executing import Runner, running
from tests.contract.test_executor_local import levels_of

PROGRAM = """
import atexit, os, random, signal, subprocess, sys, threading

def says():
    print(sys.argv, sorted(os.environ), os.getcwd(), __import__("__main__").__name__)
    sys.stderr.write("to stderr ä\\n")

def raises_elsewhere():
    import json
    json.loads("{")

def raises():
    raise ValueError("it went wrong")

def leaves():
    sys.exit(int(sys.argv[1]))

def leaves_with_words():
    sys.exit("no data")

def winds_up():
    atexit.register(lambda: print("at exit"))
    threading.Timer(0.05, lambda: print("the thread")).start()

def dies():
    os.kill(os.getpid(), 9)

def random_number():
    print(random.random())

def leaves_strays():
    # Of a thread, in a session of its own: it is a child of neither the supervisor nor its group.
    def start():
        child = subprocess.Popen(["sleep", "600"], start_new_session=True)
        print(child.pid)
    thread = threading.Thread(target=start)
    thread.start()
    thread.join()

def has_it_said_for_it():
    script = f"import os; os.kill({os.getppid()}, {signal.SIGRTMIN + 1})"
    subprocess.run([sys.executable, "-c", script], check=True)
    sys.exit(4)

def holds_a_lock():
    import fcntl
    # Their contents outlive the call, as a library's do; to take so much apart takes a while.
    global file, much
    file = open("lock", "w")
    fcntl.flock(file, fcntl.LOCK_EX)
    much = bytearray(b"1") * (256 << 20)

def holds_a_lock_in_a_thread():
    held = threading.Event()
    def hold():
        holds_a_lock()
        held.set()
        threading.Event().wait()
    threading.Thread(target=hold, daemon=True).start()
    held.wait()

def sockets():
    links = [f"/proc/self/fd/{number}" for number in range(256)]
    print([link for link in links if os.path.exists(link) and "socket:" in os.readlink(link)])
"""


@pytest.fixture(params=["namespace", "plain"])
async def runner(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Runner]:
    async with running(tmp_path, await levels_of(request.param)) as runner:
        yield runner


async def call(runner: Runner, function: str, *argv: str, name: str = "p") -> Outcome:
    work = runner.executor.folder(name) / "work"
    work.mkdir(parents=True)
    (work / "program.py").write_text(PROGRAM)
    spec = ProcessSpec(id=name, call=f"program:{function}", argv=("program", *argv), env={"A": "1"})
    return await runner.run(spec)


async def test_it_sees_its_own_arguments_environment_and_folder(runner: Runner) -> None:
    assert (await call(runner, "says", "x")).succeeded
    first, second = runner.log("p").splitlines()
    work = runner.executor.folder("p") / "work"
    known = [name for name in ("A", "HOME", "LANG", "PATH", "TMPDIR", "TZ") if name in first]
    assert first == f"['program', 'x'] {known} {work} __main__"
    assert second == "to stderr ä"


async def test_an_exception_is_a_traceback_and_exit_code_1(runner: Runner) -> None:
    assert (await call(runner, "raises")).exit_code == 1
    log = runner.log("p")
    assert log.startswith("Traceback (most recent call last):\n")
    assert log.endswith("ValueError: it went wrong\n")
    assert "zygote.py" not in log
    assert "in raises" in log


async def test_a_traceback_begins_where_the_callee_went(runner: Runner) -> None:
    assert (await call(runner, "raises_elsewhere")).exit_code == 1
    _, place, *_ = runner.log("p").splitlines()
    assert place.endswith(", in loads")


async def test_what_cannot_be_imported_is_told_in_the_log(runner: Runner) -> None:
    outcome = await runner.run(ProcessSpec(id="p", call="no_such:thing", preload=("no_such",)))
    assert outcome.exit_code == 1
    assert "No module named 'no_such'" in runner.log("p")


async def test_system_exit_is_the_exit_code(runner: Runner) -> None:
    assert (await call(runner, "leaves", "42")).exit_code == 42
    assert (await call(runner, "leaves_with_words", name="q")).exit_code == 1
    assert runner.log("q") == "no data\n"


async def test_threads_and_exit_handlers_have_their_turn(runner: Runner) -> None:
    assert (await call(runner, "winds_up")).succeeded
    assert runner.log("p") == "the thread\nat exit\n"


async def test_what_it_leaves_running_is_gone_when_it_is_told(runner: Runner) -> None:
    assert (await call(runner, "leaves_strays")).succeeded
    assert not _lives(int(runner.log("p")))


def _lives(pid: int) -> bool:
    """Its remains do not count, until somebody takes them."""
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


async def test_nobody_else_can_say_that_it_ended_well(runner: Runner) -> None:
    assert (await call(runner, "has_it_said_for_it")).exit_code == 4
    # Nor is it said of the next one that the same supervisor has.
    assert (await call(runner, "leaves", "3", name="next")).exit_code == 3


async def test_a_signal_is_told(runner: Runner) -> None:
    assert (await call(runner, "dies")).exit_code == -9


async def test_each_has_random_numbers_of_its_own(runner: Runner) -> None:
    await call(runner, "random_number", name="a")
    await call(runner, "random_number", name="b")
    assert runner.log("a") != runner.log("b")


async def test_it_has_none_of_its_supervisors_sockets(runner: Runner) -> None:
    for name in ("a", "b", "c"):  # the first of a supervisor, and a later one
        await call(runner, "sockets", name=name)
        assert runner.log(name) == "[]\n"


async def test_modules_are_imported_before_the_fork(runner: Runner) -> None:
    work = runner.executor.folder("p") / "work"
    work.mkdir(parents=True)
    (work / "program.py").write_text(
        "import sys\nEARLY = 'wave' in sys.modules\ndef says(): print(EARLY)"
    )
    await runner.run(ProcessSpec(id="p", call="program:says", preload=("wave",)))
    assert runner.log("p") == "True\n"


async def test_an_environment_without_python_is_unavailable(runner: Runner, tmp_path: Path) -> None:
    spec = ProcessSpec(id="p", call="os:getpid", environment=tmp_path)
    with pytest.raises(Unavailable, match="bin/python"):
        await runner.executor.ensure_started(spec)


@pytest.mark.parametrize("function", ["holds_a_lock", "holds_a_lock_in_a_thread"])
async def test_what_it_held_is_free_when_its_end_is_told(runner: Runner, function: str) -> None:
    """The next task may want the same lock, port or device, and it begins at once."""
    found: list[bool] = []

    def is_free(process_id: str) -> None:
        with (runner.executor.folder(process_id) / "work" / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                found.append(False)
            else:
                found.append(True)

    runner.executor.on_exit(is_free)
    assert (await call(runner, function)).succeeded
    await runner.until_told("p")
    assert found == [True]
