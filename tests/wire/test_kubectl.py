"""The real kubectl against the Kubernetes sliver."""

import asyncio
import base64
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from flowmaker.clock import SystemClock
from flowmaker.errors import NotFound
from flowmaker.kubernetes.api.app import bootstrap, create_app
from flowmaker.kubernetes.pods import Mark, Pod, Scope
from flowmaker.reconcile.hints import Hints
from flowmaker.store.database import Database
from tests.serving import serving

pytestmark = pytest.mark.skipif(
    not shutil.which("kubectl"), reason="kubectl is not on this machine"
)

Kubectl = Callable[..., subprocess.CompletedProcess[str]]

SECRET = """
apiVersion: v1
kind: Secret
metadata:
  name: aws-secret
  namespace: kubeflow
type: Opaque
data:
  AWS_ACCESS_KEY_ID: QUtJQQ==
  AWS_SECRET_ACCESS_KEY: c2VjcmV0
"""


class NoTasks:
    """Implements `PodSource`: no pipeline ever ran."""

    async def page(self, scope: Scope, size: int, after: str) -> tuple[Sequence[Pod], str]:
        del scope, size, after
        return [], ""

    async def named(self, names: Iterable[str]) -> Mapping[str, Pod]:
        del names
        return {}

    async def marks(self, scope: Scope) -> Mapping[str, Mark]:
        del scope
        return {}

    async def log(self, name: str, run_id: str) -> tuple[Path | None, AsyncIterator[bytes]]:
        raise NotFound(f"{name} of {run_id}")


@pytest.fixture
def kubectl(tmp_path: Path) -> Iterator[Kubectl]:
    database = Database(tmp_path / "flowmaker.db")
    asyncio.run(bootstrap(database, SystemClock()))

    async def held(uids: Iterable[str]) -> dict[str, list[str]]:
        return {uid: ["a-process"] for uid in uids}

    with serving(create_app(database, Hints(), SystemClock(), held, NoTasks())) as url:

        def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                ["kubectl", "--server", url, *arguments],
                input=stdin,
                capture_output=True,
                text=True,
                timeout=30,
                check=False,
                env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
            )

        yield run
    database.close()


def test_a_secret_is_created_shown_and_deleted(kubectl: Kubectl) -> None:
    created = kubectl(
        "create", "secret", "generic", "aws-secret", "-n", "kubeflow", "--from-literal=KEY=value"
    )
    assert created.stdout == "secret/aws-secret created\n", created.stderr

    listed = kubectl("get", "secret", "-n", "kubeflow").stdout.split()
    assert listed[:4] == ["NAME", "TYPE", "DATA", "AGE"]
    assert listed[4:7] == ["aws-secret", "Opaque", "1"]

    shown = json.loads(kubectl("get", "secret", "aws-secret", "-n", "kubeflow", "-ojson").stdout)
    assert base64.b64decode(shown["data"]["KEY"]) == b"value"

    described = kubectl("describe", "secret", "aws-secret", "-n", "kubeflow")
    assert "KEY:  5 bytes" in described.stdout, described.stderr

    deleted = kubectl("delete", "secret", "aws-secret", "-n", "kubeflow")
    assert 'secret "aws-secret" deleted' in deleted.stdout, deleted.stderr
    gone = kubectl("get", "secret", "aws-secret", "-n", "kubeflow")
    assert "NotFound" in gone.stderr


def test_apply_creates_then_configures_then_leaves_alone(kubectl: Kubectl) -> None:
    assert kubectl("apply", "-f", "-", stdin=SECRET).stdout == "secret/aws-secret created\n"
    assert kubectl("apply", "-f", "-", stdin=SECRET).stdout == "secret/aws-secret unchanged\n"
    changed = kubectl("apply", "-f", "-", stdin=SECRET.replace("QUtJQQ==", "QUtJQjE="))
    assert changed.stdout == "secret/aws-secret configured\n", changed.stderr
    value = kubectl(
        "get", "secret", "aws-secret", "-n", "kubeflow", "-o", "jsonpath={.data.AWS_ACCESS_KEY_ID}"
    )
    assert value.stdout == "QUtJQjE="


def test_server_side_apply(kubectl: Kubectl) -> None:
    applied = kubectl("apply", "--server-side", "-f", "-", stdin=SECRET)
    assert applied.stdout == "secret/aws-secret serverside-applied\n", applied.stderr


def test_a_claim_is_described_with_who_has_it(kubectl: Kubectl) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "kept"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Gi"}}},
    }
    assert kubectl("create", "-f", "-", stdin=json.dumps(claim)).returncode == 0
    shown = kubectl("describe", "pvc", "kept")
    assert shown.returncode == 0, shown.stderr
    lines = dict(line.split(":", 1) for line in shown.stdout.splitlines() if ":" in line)
    told = {name: lines[name].strip() for name in ("Name", "Status", "Used By")}
    assert told == {"Name": "kept", "Status": "Bound", "Used By": "a-process"}


def test_namespaces(kubectl: Kubectl) -> None:
    created = kubectl("create", "namespace", "science")
    assert created.stdout == "namespace/science created\n", created.stderr
    names = [line.split()[0] for line in kubectl("get", "ns").stdout.splitlines()[1:]]
    assert names == ["default", "kubeflow", "science"]


@pytest.mark.parametrize(
    ("arguments", "stdin", "words"),
    [
        (
            ["create", "secret", "generic", "s", "-n", "nowhere"],
            "",
            'namespaces "nowhere" not found',
        ),
        (["create", "secret", "generic", "Bad_Name", "-n", "kubeflow"], "", "RFC 1123"),
        (["create", "namespace", "default"], "", "already exists"),
        (["apply", "-f", "-"], SECRET + "colour: blue\n", 'unknown field "colour"'),
        (["apply", "-f", "-"], SECRET.replace("QUtJQQ==", "'***'"), "illegal base64"),
        (["get", "deployments"], "", "the server doesn't have a resource type"),
        (["delete", "secret", "absent", "-n", "kubeflow"], "", "not found"),
    ],
)
def test_what_is_wrong_is_refused_in_words(
    kubectl: Kubectl, arguments: list[str], stdin: str, words: str
) -> None:
    answer = kubectl(*arguments, stdin=stdin)
    assert answer.returncode == 1
    assert words in answer.stderr


def test_a_dry_run_keeps_nothing(kubectl: Kubectl) -> None:
    kubectl("create", "ns", "maybe", "--dry-run=server")
    assert "maybe" not in kubectl("get", "ns").stdout
