"""The examples are what the README says they are."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.house import House, client_environment, flowmaker

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "examples" / "mnist" / "mnist.ipynb"


def test_the_notebook_is_the_script() -> None:
    subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "notebook.py"), "--check"], check=True, timeout=60
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_demo_ends_with_a_prediction(server: House) -> None:
    done = subprocess.run(
        ["flowmaker", "demo", "--data", str(server.data)],
        env=client_environment(server.data),
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    shown = done.stdout
    assert done.returncode == 0, shown + done.stderr
    accuracies = [
        float(line.split()[-1]) for line in shown.splitlines() if "accuracy of the" in line
    ]
    assert len(accuracies) == 2
    assert accuracies[0] == accuracies[1] >= 0.9
    assert "they agree on every image" in shown
    assert "the endpoint says" in shown
    assert flowmaker("status", "--data", str(server.data)).returncode == 0, (
        "it was not ours to stop"
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_notebook_runs(server: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(notebook, timeout=240, kernel_name="python3")
    client.execute(cwd=str(server.data), env=dict(os.environ))
    printed = "".join(
        output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", [])
    )
    assert "'agreement': 1.0" in printed
    assert "the endpoint says" in printed
