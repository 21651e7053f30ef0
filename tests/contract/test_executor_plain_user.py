"""The supervisor by itself, as the plainest user there is, on the machine's own Python."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowmaker.executors import sandbox, supervisor
from flowmaker.executors.executor import Mount, ProcessSpec

PYTHON = "/usr/bin/python3"
PROGRAMS = Path(supervisor.__file__).parent
DRIVER = """
import importlib.util, sys
def load(name):
    spec = importlib.util.spec_from_file_location(name, f"{sys.argv[1]}/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
ahead, namespace, supervisor = load("ahead"), load("namespace"), load("supervisor")
unsynced = load("unsynced").Unsynced()
child = ahead.Ahead(lambda job: namespace.enter(job["view"]), ahead.execute)
supervisor.supervise(sys.argv[2], child, lambda job, say: None, unsynced)
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that nobody in particular can reach."""
    place = Path(tempfile.mkdtemp(prefix="flowmaker-"))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


def as_nobody(*command: str) -> subprocess.CompletedProcess[str]:
    whole = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", *command]
    return subprocess.run(whole, capture_output=True, text=True, check=False)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.skipif(not Path(PYTHON).exists(), reason="this machine has no Python of its own")
@pytest.mark.parametrize("target", ["/opt/ml", "/flowmaker-test"])
def test_a_plain_user_is_confined_as_well(place: Path, target: str) -> None:
    for name in ("ahead.py", "namespace.py", "supervisor.py", "unsynced.py"):
        shutil.copy(PROGRAMS / name, place)
    if as_nobody(PYTHON, "-I", "-S", str(place / "namespace.py"), "no-network").returncode:
        pytest.skip("this machine gives a plain user no namespaces")
    folder = place / "jobs" / "p"
    for part in (folder / "work", folder / "tmp", place / "ml"):
        part.mkdir(parents=True)
    (place / "credentials").write_text("secret")
    script = f"id -u; touch {target}/x; cat {place}/credentials; touch /usr/x || echo refused"
    spec = ProcessSpec(
        id="p",
        argv=("sh", "-c", script),
        mounts=(Mount(source=place / "ml", target=target),),
        hidden=(place / "credentials",),
        network=False,
    )
    levels = sandbox.Levels(namespace=True, namespace_network=True)
    confinement = sandbox.confine(spec, folder, levels, visible=[place])
    job = {
        "id": "p",
        "argv": list(spec.argv),
        "call": "",
        "env": {"PATH": "/usr/bin:/bin"},
        "cwd": str(folder / "work"),
        "grace": 1,
        "timeout": 0,
        "wrapper": [],
        "sandbox": confinement.level,
        "view": confinement.view,
        "inlet": 0,
        "joins": "",
    }
    (folder / "spec.json").write_text(json.dumps(job))
    for path in (place, *place.rglob("*")):
        os.chown(path, 65534, 65534)
    done = as_nobody(PYTHON, "-I", "-S", "-c", DRIVER, str(place), str(folder))
    assert done.returncode == 0, done.stderr
    outcome = json.loads((folder / "outcome.json").read_text())
    log = (folder / "log").read_text()
    assert outcome["exit_code"] == 0, log
    assert log.splitlines()[0] == "65534"
    assert log.endswith("refused\n")
    assert "secret" not in log
    assert (place / "ml" / "x").exists()
