"""`flowmaker account add` is killed: the account is there with its keys, or it is not there."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import flowmaker, house

#: Runs `flowmaker account add half` and kills itself where it would call that.
_KILLED = """
import os, signal, sys
from importlib import import_module
from flowmaker.cli.main import main

module, name, data = sys.argv[1:]
def killed(*_):
    os.kill(os.getpid(), signal.SIGKILL)
setattr(import_module(module), name, killed)
main(["account", "add", "half", "--data", data])
"""
CREDENTIALS = "flowmaker.aws.iam.repository.credentials"


def killed(data: Path, module: str, name: str) -> None:
    command = [sys.executable, "-c", _KILLED, module, name, str(data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert done.stdout == ""


def names(data: Path) -> list[str]:
    listed = flowmaker("account", "list", "--data", str(data)).stdout
    return [line.split()[1] for line in listed.splitlines()]


@pytest.mark.parametrize(
    ("module", "name", "is_made"),
    [(CREDENTIALS, "add_key", False), ("flowmaker.server.accounts", "write_private", True)],
)
def test_who_adds_again_gets_a_whole_account(
    tmp_path: Path, module: str, name: str, is_made: bool
) -> None:
    killed(tmp_path, module, name)
    assert names(tmp_path) == (["main", "half"] if is_made else ["main"])
    printed = flowmaker("account", "add", "half", "--data", str(tmp_path)).stdout
    kept = json.loads((tmp_path / "accounts" / "half").read_text())
    assert f"The account half is {kept['id']}." in printed
    assert f"AWS_SECRET_ACCESS_KEY={kept['secret_access_key']}\n" in printed
    assert names(tmp_path) == ["main", "half"]
    again = flowmaker("account", "add", "half", "--data", str(tmp_path), check=False)
    assert again.returncode == 1


def test_a_server_completes_what_was_broken_off(tmp_path: Path) -> None:
    killed(tmp_path, "flowmaker.server.accounts", "write_private")
    assert not (tmp_path / "accounts" / "half").exists()
    with house(tmp_path) as server:
        command = ("flowmaker", "exec", "--account", "half", "--data", str(tmp_path), "--")
        told = json.loads(server.run(*command, "aws", "sts", "get-caller-identity"))
        assert (
            f"{told['Account']}  half"
            in flowmaker("account", "list", "--data", str(tmp_path)).stdout
        )
