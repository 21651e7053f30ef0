"""Script mode: runs the user's program in /opt/ml/code, and says why it failed."""

import os
import select
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from flowmaker.sagemaker.algorithms.exchange import port
from flowmaker.sagemaker.algorithms.job import base_folder
from flowmaker.sagemaker.frameworks.described import Described

#: How much of what the program said last is its ErrorMessage: FailureReason has 1,024 characters.
_LAST_CHARACTERS = 800
_PIECE = 65536
#: PyTorch's launcher: a process per core of each instance that the SDK asks for.
_TORCHRUN = "sagemaker_torch_distributed_enabled"


class ScriptError(Exception):
    """A program of the user's failed; said as SageMaker's toolkit says it."""

    def __init__(self, kind: str, code: int, said: str, command: Sequence[str]) -> None:
        """Keeps what FailureReason is made of."""
        words = " ".join(command)
        super().__init__(f'{kind}:\nExitCode {code}\nErrorMessage "{said}"\nCommand "{words}"')


def run(framework: str) -> int:
    """Trains, and gives the exit code."""
    base = base_folder()
    # The program has the signal too, and two minutes to save what it has; this waits for it.
    signal.signal(signal.SIGTERM, _wait_on)
    try:
        job = Described.read(base, framework)
        variables = {**os.environ, **job.variables(), **_meeting_point(job)}
        variables["PYTHONPATH"] = ":".join(
            filter(None, [str(job.code), os.environ.get("PYTHONPATH", "")])
        )
        if (job.code / "setup.py").is_file():
            _install(job.code, variables)
        command = _command(job)
        print(f"Invoking script with the following command:\n\n{shlex.join(command)}\n", flush=True)  # noqa: T201
        _execute("ExecuteUserScriptError", command, job.code, variables)
    except ScriptError as error:
        print(f"Reporting training FAILURE\n{error}", file=sys.stderr, flush=True)  # noqa: T201
        output = base / "output"
        output.mkdir(parents=True, exist_ok=True)
        (output / "failure").write_text(str(error))
        return 1
    print("Reporting training SUCCESS", flush=True)  # noqa: T201 - the log
    return 0


def _wait_on(number: int, frame: object) -> None:
    del number, frame


def _command(job: Described) -> list[str]:
    """How the entry point is run: a program of Python's, a module of a package, or a command."""
    program, arguments = job.program, job.arguments()
    if not (job.code / program).is_file():
        said = f"there is no {program} in the source folder"
        raise ScriptError("ExecuteUserScriptError", 2, said, [sys.executable, program])
    if (job.code / "setup.py").is_file():
        script = ["-m", program.removesuffix(".py").replace("/", ".")]
    elif program.endswith(".py"):
        script = [program]
    else:
        (job.code / program).chmod(0o777)
        return ["/bin/sh", "-c", shlex.join([f"./{program}", *arguments])]
    if job.framework_parameters.get(_TORCHRUN):
        return [sys.executable, *_torchrun(job), *script, *arguments]
    return [sys.executable, *script, *arguments]


def _torchrun(job: Described) -> list[str]:
    return [
        *("-m", "torch.distributed.run"),
        *("--nnodes", str(len(job.hosts)), "--node_rank", str(job.hosts.index(job.host))),
        *("--nproc_per_node", "1"),
        *("--master_addr", job.hosts[0], "--master_port", str(port(job.hosts[0]))),
    ]


def _meeting_point(job: Described) -> dict[str, str]:
    """Where PyTorch's processes meet. The port is the job's own: others are on this machine too."""
    if job.framework != "pytorch":
        return {}
    interface = str(job.resources.get("network_interface_name", "lo"))
    return {
        "MASTER_ADDR": job.hosts[0],
        "MASTER_PORT": str(port(job.hosts[0])),
        "GLOO_SOCKET_IFNAME": interface,
    }


def _install(code: Path, variables: Mapping[str, str]) -> None:
    command = [sys.executable, "-m", "pip", "install", "--no-build-isolation", "."]
    _execute("InstallModuleError", command, code, variables)


def _execute(kind: str, command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> None:
    """Run it to its end.

    Raises:
        ScriptError: its exit code was not 0; with the end of what it wrote to stderr.
    """
    with subprocess.Popen(  # noqa: S603 - the user's own program
        command, cwd=folder, env=dict(variables), stderr=subprocess.PIPE
    ) as process:
        said = _passed_on(process)
        code = process.wait()
    if code:
        raise ScriptError(kind, code, _end(said), command)


def _passed_on(process: "subprocess.Popen[bytes]") -> bytes:
    """Its stderr into ours, until it ends: who inherited it may hold it open for ever. The end."""
    assert process.stderr is not None
    stderr, ended = process.stderr.fileno(), os.pidfd_open(process.pid)
    os.set_blocking(stderr, False)
    tail = b""
    open_ends = [stderr, ended]
    while ended in open_ends:
        ready, _, _ = select.select(open_ends, [], [])
        while stderr in open_ends and (piece := _piece(stderr)) is not None:
            if not piece:
                open_ends.remove(stderr)
                break
            os.write(sys.stderr.fileno(), piece)
            tail = (tail + piece)[-_PIECE:]
        if ended in ready:
            open_ends.remove(ended)
    os.close(ended)
    return tail


def _piece(stderr: int) -> bytes | None:
    """What there is to read, nothing at its end; None: nothing yet."""
    try:
        return os.read(stderr, _PIECE)
    except BlockingIOError:
        return None


def _end(said: bytes) -> str:
    """The last lines that fit: of a traceback, those that say what went wrong."""
    text = said.decode(errors="replace").strip()
    if len(text) <= _LAST_CHARACTERS:
        return text
    return text[-_LAST_CHARACTERS:].partition("\n")[2] or text[-_LAST_CHARACTERS:]
