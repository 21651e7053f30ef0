"""`flowmaker debug` in a terminal of its own: what is typed, and what comes back."""

import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import kfp
import pytest
from kfp import dsl, kubernetes

from tests.house import FLOWMAKER, House, flowmaker


@dsl.component(base_image="python:3.11")
def make(words: dsl.Output[dsl.Artifact]) -> int:
    with open(words.path, "w") as file:
        file.write("from upstream")
    return 7


@dsl.component(base_image="python:3.11")
def divide(words: dsl.Input[dsl.Artifact], by: int, shown: dsl.Output[dsl.Artifact]) -> float:
    import os

    with open(words.path) as file:
        read = file.read()
    secret = os.environ["PASSWORD"]
    with open(shown.path, "w") as file:
        file.write(read)
    assert secret
    return 42 / (by - 7)


@dsl.container_component
def command(number: int) -> dsl.ContainerSpec:
    return dsl.ContainerSpec(
        image="python:3.11", command=["sh", "-c", 'echo "the number is $0"'], args=[number]
    )


@dsl.pipeline(name="broken")
def broken() -> None:
    made = make()
    made.set_caching_options(enable_caching=True)
    command(number=made.outputs["Output"])
    divided = divide(words=made.outputs["words"], by=made.outputs["Output"])
    kubernetes.use_secret_as_env(divided, "debugged", {"password": "PASSWORD"})


@pytest.fixture(scope="module")
def failed(server: House) -> str:
    """The id of a run of `broken`."""
    _secret(server)
    client = kfp.Client(host=server.url)
    run_id = client.create_run_from_pipeline_func(broken, arguments={}).run_id
    assert client.wait_for_run_completion(run_id, 60, sleep_duration=0.2).state == "FAILED"
    return run_id


def _secret(server: House) -> None:
    body = {"metadata": {"name": "debugged"}, "stringData": {"password": "s3same"}}
    answer = httpx.post(f"{server.url}/api/v1/namespaces/kubeflow/secrets", json=body)
    assert answer.status_code in (201, 409), answer.text


ASK_FOR_IDENTITY = (
    "import os, urllib.request as u; "
    "asked = u.Request(os.environ['AWS_CONTAINER_CREDENTIALS_FULL_URI'], "
    "headers={'Authorization': os.environ['AWS_CONTAINER_AUTHORIZATION_TOKEN']}); "
    "print('status', u.urlopen(asked).status)"
)


class Terminal:
    """A program that believes that a person sits before it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._said = ""

    def type(self, line: str) -> None:
        os.write(self._descriptor, f"{line}\n".encode())

    def interrupt(self) -> None:
        os.write(self._descriptor, b"\x03")

    def expect(self, pattern: str) -> str:
        """What is said up to and with the pattern, which must come."""
        deadline = time.monotonic() + 60
        while (match := re.search(pattern, self._said)) is None:
            ready = select.select([self._descriptor], [], [], max(0, deadline - time.monotonic()))
            assert ready[0], f"{pattern!r} did not come; it said:\n{self._said}"
            try:
                piece = os.read(self._descriptor, 65536)
            except OSError:  # the other side has closed
                piece = b""
            assert piece, f"it ended without {pattern!r}; it said:\n{self._said}"
            self._said += piece.decode(errors="replace")
        before, self._said = self._said[: match.end()], self._said[match.end() :]
        return before


@contextmanager
def debugging(
    server: House, *arguments: str
) -> Iterator[tuple[Terminal, "subprocess.Popen[bytes]"]]:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*FLOWMAKER, "debug", "--data", str(server.data), *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        # A session whose controlling terminal this is, so that ^C is a signal.
        preexec_fn=lambda: _control(theirs),  # noqa: PLW1509
        env={"PATH": os.environ["PATH"], "TERM": "dumb", "HOME": str(server.data)},
    )
    os.close(theirs)
    try:
        yield Terminal(ours), process
        assert process.wait(30) is not None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        os.close(ours)


def _control(terminal: int) -> None:
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


def test_a_failed_task_is_looked_into_where_it_failed(server: House, failed: str) -> None:
    before = httpx.get(f"{server.url}/apis/v2beta1/runs/{failed}").json()
    with debugging(server, failed, "divide") as (terminal, process):
        said = terminal.expect(r"\(Pdb\) ")
        assert "ZeroDivisionError" in said
        terminal.type("p by, read, secret")
        assert "(7, 'from upstream', 's3same')" in terminal.expect(r"\(Pdb\) ")
        terminal.type("q")
        folder = Path(re.search(r"wrote is in (\S+);", terminal.expect(r"removes it\."))[1])
        assert process.wait(30) == 1
    # What it wrote is there and nowhere else; what it knew is not kept.
    assert [p.read_text() for p in folder.rglob("shown")] == ["from upstream"]
    assert not (folder.parent / "spec.json").exists()
    assert httpx.get(f"{server.url}/apis/v2beta1/runs/{failed}").json() == before


def test_a_task_that_succeeded_is_stopped_at_its_first_line(server: House, failed: str) -> None:
    with debugging(server, failed[:12], "make", "--break") as (terminal, process):
        assert "with open(words.path" in terminal.expect(r"\(Pdb\) ")
        terminal.type("p words.uri")
        assert f"/{failed}/make/" in terminal.expect(r"\(Pdb\) ")
        terminal.type("c")
        terminal.expect("it succeeded")
        assert process.wait(30) == 0


def test_a_cached_task_is_run_again(server: House, failed: str) -> None:
    client = kfp.Client(host=server.url)
    run_id = client.create_run_from_pipeline_func(broken, arguments={}).run_id
    client.wait_for_run_completion(run_id, 60, sleep_duration=0.2)
    details = httpx.get(f"{server.url}/apis/v2beta1/runs/{run_id}").json()["run_details"]
    (made,) = [task for task in details["task_details"] if task["name"] == "make"]
    assert made["cached_from"]
    with debugging(server, run_id, "make") as (terminal, process):
        terminal.expect("it succeeded")
        assert process.wait(30) == 0


def test_a_command_runs_as_it_is(server: House, failed: str) -> None:
    with debugging(server, failed, "command") as (terminal, process):
        terminal.expect("the number is 7")
        assert process.wait(30) == 0


def test_a_shell_sees_what_the_task_saw(server: House, failed: str) -> None:
    with debugging(server, failed, "divide", "--shell") as (terminal, process):
        terminal.expect(r"debug\$ ")
        terminal.type("cat s3/*/*/*/*/*/*/*/words; echo :$PASSWORD:")
        assert "from upstream:s3same:" in terminal.expect(r":s3same:\s")
        # For as long as the session lasts it may be the worker node.
        terminal.type(f'python -c "{ASK_FOR_IDENTITY}"')
        terminal.expect("status 200")
        terminal.type("sleep 60")
        terminal.expect("sleep 60")
        terminal.interrupt()
        terminal.expect(r"debug\$ ")
        terminal.type("./task.sh")
        terminal.expect("ZeroDivisionError")
        terminal.type("exit 3")
        assert process.wait(30) == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("no-such-run", "make"), "there is no run, job or endpoint 'no-such-run'"),
        (("RUN", "nobody"), "the run has no task 'nobody' that runs something; it has: command"),
    ],
)
def test_what_is_not_there_is_named(
    server: House, failed: str, arguments: tuple[str, str], words: str
) -> None:
    run = arguments[0].replace("RUN", failed)
    done = flowmaker("debug", "--data", str(server.data), run, arguments[1], check=False)
    assert done.returncode == 1
    assert words in done.stderr


@dsl.pipeline(name="claims")
def claims() -> None:
    kubernetes.CreatePVC(pvc_name="debugged", access_modes=["ReadWriteOnce"], size="1Gi")


def test_what_the_server_does_itself_is_not_debugged(server: House) -> None:
    client = kfp.Client(host=server.url)
    run_id = client.create_run_from_pipeline_func(claims, arguments={}).run_id
    assert client.wait_for_run_completion(run_id, 60, sleep_duration=0.2).state == "SUCCEEDED"
    done = flowmaker("debug", "--data", str(server.data), run_id, "createpvc", check=False)
    assert done.returncode == 1
    assert "Task 'createpvc' makes or deletes a volume claim: the server does that" in done.stderr


def test_it_asks_for_no_terminal(server: House, failed: str) -> None:
    """In a script there is nobody to type: pdb ends at the end of its input."""
    done = subprocess.run(
        [*FLOWMAKER, "debug", "--data", str(server.data), failed, "divide"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stdout + done.stderr
