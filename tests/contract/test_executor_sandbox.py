"""What a process sees of the machine, in each sandbox, and what is refused without one."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flowmaker.clock import SystemClock
from flowmaker.errors import InvalidInput, Unsupported
from flowmaker.executors import sandbox
from flowmaker.executors.executor import Mount, ProcessSpec
from flowmaker.executors.local import LocalExecutor
from tests.contract.executing import Runner
from tests.contract.test_executor_local import levels_of


@pytest.fixture(params=["bubblewrap", "namespace"])
async def runner(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Runner]:
    levels = await levels_of(request.param)
    executor = LocalExecutor(
        tmp_path / "data" / "jobs", tmp_path / "run", SystemClock(), levels=levels
    )
    await executor.start()
    yield Runner(executor)
    await executor.close()


OPT = [path.name for path in Path("/opt").iterdir()]


def folder(path: Path, **files: str) -> Path:
    path.mkdir(parents=True)
    for name, text in files.items():
        (path / name).write_text(text)
    return path


@pytest.mark.parametrize("target", ["/opt/ml", "/flowmaker-test/deep", "/opt/a/b", "/tmp/place"])
async def test_a_mount_is_seen_and_written_where_nothing_was(
    runner: Runner, tmp_path: Path, target: str
) -> None:
    source = folder(tmp_path / "source", given="given")
    script = f"cat {target}/given; echo made > {target}/made; ls / > /dev/null"
    mounts = (Mount(source=source, target=target),)
    assert await runner.shell(script, mounts=mounts) == "given"
    assert (source / "made").read_text() == "made\n"


async def test_what_was_beside_a_mount_is_still_there(runner: Runner, tmp_path: Path) -> None:
    mounts = (Mount(source=folder(tmp_path / "source"), target="/opt/ml"),)
    printed = await runner.shell("ls -1 /opt", mounts=mounts)
    assert sorted({*OPT, "ml"}) == sorted(printed.split())


async def test_mounts_within_mounts(runner: Runner, tmp_path: Path) -> None:
    mounts = (
        Mount(source=folder(tmp_path / "data1", x="the data"), target="/opt/ml/input/data/train"),
        Mount(source=folder(tmp_path / "ml"), target="/opt/ml"),
        Mount(source=tmp_path / "data1" / "x", target="/opt/ml/input/one.json", read_only=True),
    )
    script = "cat /opt/ml/input/data/train/x /opt/ml/input/one.json; touch /opt/ml/model"
    assert await runner.shell(script, mounts=mounts) == "the datathe data"
    assert (tmp_path / "ml" / "model").exists()


async def test_read_only_is_read_only(runner: Runner, tmp_path: Path) -> None:
    mounts = (Mount(source=folder(tmp_path / "s", x="1"), target="/opt/ml", read_only=True),)
    printed = await runner.shell("echo 2 > /opt/ml/x || cat /opt/ml/x", mounts=mounts)
    assert printed.endswith("1")
    assert (tmp_path / "s" / "x").read_text() == "1"


async def test_the_rest_of_the_machine_is_read_only(runner: Runner, tmp_path: Path) -> None:
    outside = folder(tmp_path / "data" / "objects", x="1")
    printed = await runner.shell(f"cat {outside}/x; touch {outside}/y /usr/y /y || echo refused")
    assert printed.startswith("1")
    assert printed.endswith("refused\n")
    assert not (outside / "y").exists()


async def test_what_is_hidden_cannot_be_read(runner: Runner, tmp_path: Path) -> None:
    data = folder(tmp_path / "data" / "x", credentials="secret")
    more = folder(tmp_path / "data" / "y", key="secret")
    script = f"cat {data}/credentials; ls {more}; umount {more} {data}/credentials; cat {data}/c*"
    hidden = (data / "credentials", more, tmp_path / "not-there")
    printed = await runner.shell(f"{script}; true", hidden=hidden)
    assert "secret" not in printed
    assert "key" not in printed


async def test_other_processes_folders_cannot_be_read(runner: Runner) -> None:
    await runner.shell("true", "first", env={"SECRET": "the-firsts"})
    spec = runner.executor.folder("first") / "spec.json"
    assert "the-firsts" in spec.read_text()
    printed = await runner.shell(f"cat {spec} || ls {spec.parent.parent}", "second")
    assert "the-firsts" not in printed
    assert printed.endswith("second\n")


async def test_hosts_resolve(runner: Runner) -> None:
    script = "getent hosts algo-2; getent hosts localhost > /dev/null && echo localhost"
    printed = await runner.shell(script, hosts={"algo-1": "127.0.0.2", "algo-2": "127.0.0.3"})
    assert printed.split() == ["127.0.0.3", "algo-2", "localhost"]


async def test_without_network_there_is_loopback_alone(runner: Runner) -> None:
    program = (
        "import socket\n"
        "s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname())\n"
        "print(sorted(name for _, name in socket.if_nameindex()))\n"
        "try: socket.create_connection(('192.0.2.1', 9), 1)\n"
        "except OSError as e: print(type(e).__name__)\n"
    )
    printed = await runner.shell(f'/usr/bin/env python3 -c "{program}"', network=False)
    assert printed == "['lo']\nOSError\n"


async def test_processes_without_network_may_have_each_other(runner: Runner) -> None:
    listen = (
        "import socket\n"
        "with socket.create_server(('127.0.0.2', 7777)) as s:\n"
        "    c, _ = s.accept(); c.sendall(b'hello'); c.close()\n"
    )
    await runner.executor.ensure_started(
        ProcessSpec(id="first", argv=("/usr/bin/env", "python3", "-c", listen), network=False)
    )
    call = (
        "import socket, time\n"
        "while True:\n"
        "    try: print(socket.create_connection(('127.0.0.2', 7777)).recv(9)); break\n"
        "    except ConnectionRefusedError: time.sleep(0.02)\n"
        "try: socket.create_connection(('192.0.2.1', 9), 1)\n"
        "except OSError as e: print(type(e).__name__)\n"
    )
    script = f'/usr/bin/env python3 -c "{call}"'
    printed = await runner.shell(script, "second", network=False, network_of="first")
    assert printed == "b'hello'\nOSError\n"
    assert (await runner.end("first")).succeeded


async def test_who_has_no_network_can_be_asked_through_an_inlet(runner: Runner) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    listen = (
        "import socket\n"
        f"with socket.create_server(('127.0.0.1', {port})) as s:\n"
        "    print('up', flush=True)\n"
        "    c, _ = s.accept(); c.sendall(c.recv(9).upper()); c.close()\n"
    )
    argv = ("/usr/bin/env", "python3", "-c", listen)
    await runner.executor.ensure_started(ProcessSpec(id="p", argv=argv, network=False, inlet=port))
    await runner.until_logged("p", "up")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"hello")
    async with asyncio.timeout(20):
        assert await reader.read() == b"HELLO"
    writer.close()
    assert (await runner.end("p")).succeeded
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_who_has_no_peer_says_so(runner: Runner) -> None:
    await runner.shell("true", "first", network=False)
    spec = ProcessSpec(id="second", argv=("true",), network=False, network_of="first")
    assert not (await runner.run(spec)).succeeded
    assert "first, whose network it shares, does not run" in runner.log("second")


async def test_a_call_is_confined_too(runner: Runner, tmp_path: Path) -> None:
    source = folder(tmp_path / "source", **{"program.py": "def f(): open('/opt/ml/made', 'w')"})
    mounts = (Mount(source=source, target="/opt/ml"),)
    spec = ProcessSpec(
        id="p", call="program:f", mounts=mounts, env={"PYTHONPATH": "/opt/ml"}, network=False
    )
    levels = await runner.executor.sandbox_levels()
    if not levels.namespace:
        pytest.skip("this machine has no namespace")
    assert (await runner.run(spec)).succeeded, runner.log("p")
    assert (source / "made").exists()
    assert (await runner.executor.observe("p")).sandbox == "namespace"


@pytest.mark.parametrize(
    "mount",
    [Mount(source=Path("/nowhere"), target="/opt/ml"), Mount(source=Path("/"), target="x/y")],
)
async def test_an_impossible_mount_is_refused(runner: Runner, mount: Mount) -> None:
    with pytest.raises(InvalidInput, match="cannot mount"):
        await runner.executor.ensure_started(ProcessSpec(id="p", argv=("true",), mounts=(mount,)))


@pytest.fixture
async def plain(tmp_path: Path) -> AsyncIterator[Runner]:
    executor = LocalExecutor(
        tmp_path / "jobs", tmp_path / "run", SystemClock(), levels=sandbox.Levels()
    )
    await executor.start()
    yield Runner(executor)
    await executor.close()


async def test_without_a_sandbox_no_network_is_refused(plain: Runner) -> None:
    with pytest.raises(Unsupported, match="network isolation"):
        await plain.executor.ensure_started(ProcessSpec(id="p", argv=("true",), network=False))


async def test_without_a_sandbox_opt_ml_is_named_by_a_variable(
    plain: Runner, tmp_path: Path
) -> None:
    mounts = (Mount(source=tmp_path, target="/opt/ml"),)
    printed = await plain.shell("echo $SAGEMAKER_BASE_DIR", mounts=mounts)
    assert printed == f"{tmp_path}\n"


async def test_without_a_sandbox_other_mounts_are_refused(plain: Runner, tmp_path: Path) -> None:
    mounts = (Mount(source=tmp_path, target="/mnt/data"),)
    with pytest.raises(Unsupported, match="/mnt/data"):
        await plain.executor.ensure_started(ProcessSpec(id="p", argv=("true",), mounts=mounts))
