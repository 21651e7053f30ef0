"""A whole server for tests: `flowmaker up --detach` on a folder and a free port, ended by pid."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from flowmaker.executors import claims

FLOWMAKER = (sys.executable, "-m", "flowmaker")


@dataclass(frozen=True)
class House:
    """A server that runs, and how its clients find it."""

    data: Path
    environment: Mapping[str, str]

    @property
    def url(self) -> str:
        return self.environment["KF_PIPELINES_ENDPOINT"]

    @property
    def pid(self) -> int:
        return json.loads((self.data / "server.json").read_text())["pid"]

    def client(self, service: str, config: Config | None = None) -> Any:
        """A boto3 client with the credentials of `flowmaker env`."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=self.environment.get("AWS_SESSION_TOKEN"),
            config=config,
        )

    def by(self, key: Mapping[str, Any]) -> "House":
        """The server as the owner of a key has it: an `AccessKey` of IAM."""
        own = {name: of for name, of in self.environment.items() if name != "AWS_SESSION_TOKEN"}
        own["AWS_ACCESS_KEY_ID"] = key["AccessKeyId"]
        own["AWS_SECRET_ACCESS_KEY"] = key["SecretAccessKey"]
        return replace(self, environment=own)

    def account(self, name: str) -> "House":
        """The server as the root user of an account has it, which is made."""
        option = ("--data", str(self.data))
        flowmaker("account", "add", name, *option)
        shown = flowmaker("env", "--account", name, "--format", "json", *option).stdout
        return replace(self, environment=json.loads(shown))

    def run_script(
        self, script: Path, folder: Path, timeout: float = 200, python: Path | None = None
    ) -> tuple[str, Any]:
        """What a script prints under `flowmaker exec` in a folder, and the JSON of its last line.

        It is a program of its own: the SDK that it uses is as it is installed for `python`.
        """
        command = (*FLOWMAKER, "exec", "--data", str(self.data), "--")
        ran = subprocess.run(
            [*command, str(python or sys.executable), "-W", "ignore", str(script)],
            cwd=folder,
            env=client_environment(self.data),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout, json.loads(ran.stdout.splitlines()[-1])

    def run(self, *command: str, stdin: str = "", timeout: float = 120) -> str:
        """What `command` prints, in the environment of `flowmaker env`. It must succeed."""
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env=client_environment(self.data) | self.environment,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout


def client_environment(home: Path) -> dict[str, str]:
    """A user's shell with nothing of AWS or Kubeflow in it."""
    folder = Path(sys.executable).parent
    return {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
    }


def flowmaker(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the command line."""
    done = subprocess.run(
        [*FLOWMAKER, *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def sharing(data: Path, environments: Path) -> Path:
    """The data folder `data`, which has the environments of others: `conftest.environments`."""
    data.mkdir(exist_ok=True)
    (data / "envs").symlink_to(environments)
    return data


def start(data: Path, *options: str, port: int = 0) -> House:
    """Start a server, with further options of `up`, and return once it is ready."""
    flowmaker("up", "--detach", "--port", str(port), "--data", str(data), *options)
    shown = flowmaker("env", "--format", "json", "--data", str(data)).stdout
    return House(data, json.loads(shown))


def stop(data: Path) -> None:
    """Stop the server, and whatever processes it left."""
    flowmaker("down", "--data", str(data), check=False)
    for job in data.glob("jobs/*/"):
        if pid := claims.supervisor_pid(job):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@contextmanager
def house(data: Path, *options: str) -> Iterator[House]:
    """A server while the block runs."""
    try:
        yield start(data, *options)
    finally:
        stop(data)
