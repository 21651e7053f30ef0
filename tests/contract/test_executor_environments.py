"""Environments are really made, by uv, once."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flowmaker.clock import SystemClock
from flowmaker.executors.environments import UvEnvironments
from flowmaker.executors.executor import EnvironmentFailed, EnvironmentSpec

SIX = EnvironmentSpec(requirements=("six==1.17.0",))


@pytest.fixture
async def environments(tmp_path: Path) -> AsyncIterator[UvEnvironments]:
    made = UvEnvironments(tmp_path / "envs", tmp_path / "programs", SystemClock())
    await made.start()
    yield made
    await made.close()


async def make(environments: UvEnvironments, spec: EnvironmentSpec) -> Path:
    done = asyncio.Event()
    path = environments.ready(spec, done.set)
    while path is None:
        await asyncio.wait_for(done.wait(), 100)
        done.clear()
        path = environments.ready(spec, done.set)
    return path


async def said(environment: Path, program: str) -> str:
    command = [str(environment / "bin" / "python"), "-I", "-c", program]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


async def test_made_once_and_shared(environments: UvEnvironments, tmp_path: Path) -> None:
    first, second = await asyncio.gather(make(environments, SIX), make(environments, SIX))
    assert first == second
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    # Compiled when it was made: nothing is written there later.
    place = await said(first, "import six, os; print(six.__file__, os.path.exists(six.__cached__))")
    assert place == f"{first}/lib/{version}/site-packages/six.py True"
    # The next server knows it at once.
    other = UvEnvironments(tmp_path / "envs", tmp_path / "programs", SystemClock())
    assert other.ready(SIX, lambda: None) == first


async def test_flowmakers_programs_without_the_servers_packages(
    environments: UvEnvironments,
) -> None:
    path = await make(environments, EnvironmentSpec(programs=True))
    program = (
        "import importlib.util as u, flowmaker.clock; print(flowmaker.__name__, u.find_spec('uv'))"
    )
    assert await said(path, program) == "flowmaker None"


async def test_an_environment_may_be_made_of_another(environments: UvEnvironments) -> None:
    base = EnvironmentSpec(requirements=("six==1.16.0", "iniconfig==2.0.0"))
    more = EnvironmentSpec(base=base, requirements=("six==1.17.0",), programs=True)
    derived, plain = await make(environments, more), await make(environments, base)
    program = "import six, iniconfig; print(six.__version__)"
    assert await said(derived, f"{program}; import flowmaker") == "1.17.0"
    assert await said(plain, program) == "1.16.0"
    found = "import importlib.util; print(importlib.util.find_spec('flowmaker'))"
    assert await said(plain, found) == "None"
    assert (plain / "requirements.txt").read_text() != (derived / "requirements.txt").read_text()


async def test_scripts_work_where_the_environment_ends_up(environments: UvEnvironments) -> None:
    path = await make(environments, EnvironmentSpec(requirements=("wheel==0.45.1",)))
    command = [str(path / "bin" / "wheel"), "version"]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
    assert done.stdout.startswith("wheel 0.45.1"), done.stderr


async def test_a_failure_names_the_package_and_is_tried_again(environments: UvEnvironments) -> None:
    spec = EnvironmentSpec(requirements=("no-such-package-of-flowmaker",))
    told = asyncio.Queue[int]()
    for number in (1, 2):
        assert environments.ready(spec, lambda n=number: told.put_nowait(n)) is None
    assert [await told.get(), await told.get()] == [1, 2]
    for _ in range(2):  # everyone who waited is told
        with pytest.raises(EnvironmentFailed, match="no-such-package-of-flowmaker"):
            environments.ready(spec, lambda: None)
    assert environments.ready(spec, lambda: told.put_nowait(3)) is None
    assert await told.get() == 3
    assert [path.name for path in environments._folder.glob(".new-*")] == []


async def test_which_python_and_why(environments: UvEnvironments) -> None:
    own = ".".join(map(str, sys.version_info[:3]))
    assert environments.note(SIX) == f"Python {own}"
    spec = EnvironmentSpec(python="3.2")
    path = await make(environments, spec)
    assert environments.note(spec) == f"no Python 3.2 on this machine, running on Python {own}"
    assert await said(path, "import sys; print(sys.version.split()[0])") == own


async def test_what_a_killed_server_left_half_made_is_removed(
    environments: UvEnvironments, tmp_path: Path
) -> None:
    half = tmp_path / "envs" / ".new-X"
    half.mkdir(parents=True)
    await environments.start()
    assert not half.exists()
