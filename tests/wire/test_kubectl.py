"""The real kubectl against the Kubernetes sliver."""

import asyncio
import base64
import json
import os
import shutil
import subprocess
import threading
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Kubectl:
    """kubectl on a server."""

    command: Sequence[str]
    environment: Mapping[str, str]

    def __call__(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.command, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            env=self.environment,
        )


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
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        yield Kubectl(("kubectl", "--server", url), environment)
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
    less = SECRET.replace("  AWS_SECRET_ACCESS_KEY: c2VjcmV0\n", "")
    assert kubectl("apply", "--server-side", "-f", "-", stdin=less).returncode == 0
    assert data(kubectl) == {"AWS_ACCESS_KEY_ID": "QUtJQQ=="}, "what it does not say any more goes"


def test_server_side_apply_leaves_others_their_fields(kubectl: Kubectl) -> None:
    name = ("secret", "aws-secret", "-n", "kubeflow")
    kubectl("apply", "--server-side", "-f", "-", stdin=SECRET)
    kubectl("patch", *name, "-p", '{"stringData": {"AWS_ACCESS_KEY_ID": "other", "MORE": "more"}}')
    refused = kubectl("apply", "--server-side", "-f", "-", stdin=SECRET)
    assert refused.returncode == 1
    assert 'conflict with "kubectl-patch" using v1: .data.AWS_ACCESS_KEY_ID' in refused.stderr
    assert base64.b64decode(data(kubectl)["AWS_ACCESS_KEY_ID"]) == b"other"
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=SECRET)
    forced = data(kubectl)
    assert forced["AWS_ACCESS_KEY_ID"] == "QUtJQQ=="
    assert base64.b64decode(forced["MORE"]) == b"more"


def test_server_side_apply_goes_on_from_client_side_apply(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=SECRET)
    text = SECRET.replace("QUtJQQ==", "QUtJQjE=").replace("AWS_SECRET_ACCESS_KEY", "OTHER")
    applied = kubectl("apply", "--server-side", "-f", "-", stdin=text)
    assert applied.returncode == 0, applied.stderr
    assert data(kubectl) == {"AWS_ACCESS_KEY_ID": "QUtJQjE=", "OTHER": "c2VjcmV0"}


def data(kubectl: Kubectl) -> dict[str, str]:
    shown = kubectl("get", "secret", "aws-secret", "-n", "kubeflow", "-o", "json")
    return json.loads(shown.stdout)["data"]


def test_objects_are_selected(kubectl: Kubectl) -> None:
    for name, team in (("one", "a"), ("two", "b")):
        kubectl("create", "configmap", name, "--from-literal=K=V")
        assert kubectl("label", "configmap", name, f"team={team}").returncode == 0
    kubectl("create", "secret", "docker-registry", "pull", "--docker-password=p")
    kubectl("create", "secret", "generic", "key")

    def names(*arguments: str) -> list[str]:
        shown = kubectl("get", *arguments, "-o", "name")
        assert shown.returncode == 0, shown.stderr
        return [line.partition("/")[2] for line in shown.stdout.split()]

    assert names("cm", "-l", "team=a") == ["one"]
    assert names("cm", "-l", "team in (a, b)") == ["one", "two"]
    assert names("cm", "-l", "!team") == []
    assert names("cm", "--field-selector", "metadata.name=two") == ["two"]
    assert names("secrets", "--field-selector", "type=Opaque") == ["key"]
    assert names("ns", "--field-selector", "status.phase=Terminating") == []
    assert "deleted" in kubectl("delete", "cm", "-l", "team=b").stdout
    assert names("cm") == ["one"]
    wrong = kubectl("get", "cm", "--field-selector", "data.K=V")
    assert "field label not supported: data.K; configmaps are selected by" in wrong.stderr


@contextmanager
def watching(kubectl: Kubectl, *arguments: str) -> Iterator[Iterator[list[str]]]:
    """The events, word by word, that a kubectl prints while the block runs."""
    with subprocess.Popen(
        [*kubectl.command, "get", *arguments, "-w", "--output-watch-events"],
        stdout=subprocess.PIPE,
        text=True,
        env=kubectl.environment,
    ) as process:
        assert process.stdout
        over = threading.Timer(60, process.kill)  # a test that waits in vain fails
        over.start()
        lines = (line.split() for line in process.stdout)
        try:
            yield (line[:2] for line in lines if line[0] != "EVENT")
        finally:
            over.cancel()
            process.kill()


def test_objects_are_watched(kubectl: Kubectl) -> None:
    kubectl("create", "configmap", "there")
    kubectl("create", "configmap", "marked")
    kubectl("label", "configmap", "marked", "team=a")
    with (
        watching(kubectl, "cm") as all_,
        watching(kubectl, "cm", "-l", "team=a") as some,
    ):
        assert [next(all_), next(all_)] == [["ADDED", "marked"], ["ADDED", "there"]]
        assert next(some) == ["ADDED", "marked"]
        kubectl("label", "configmap", "there", "team=a")
        assert next(all_) == ["MODIFIED", "there"]
        assert next(some) == ["ADDED", "there"]
        kubectl("label", "configmap", "there", "team-")
        assert next(all_) == ["MODIFIED", "there"]
        assert next(some) == ["DELETED", "there"]
        kubectl("delete", "configmap", "there")
        assert next(all_) == ["DELETED", "there"]
        kubectl("delete", "configmap", "marked")
        assert next(some) == ["DELETED", "marked"]


def test_what_is_waited_for_comes(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=SECRET)
    name = ("secret/aws-secret", "-n", "kubeflow", "--timeout=20s")
    met = kubectl("wait", *name, "--for=jsonpath={.data.AWS_ACCESS_KEY_ID}=QUtJQQ==")
    assert "condition met" in met.stdout, met.stderr
    with watching(kubectl, "secrets", "-n", "kubeflow") as events:
        assert next(events) == ["ADDED", "aws-secret"]
        waiting = threading.Thread(
            target=lambda: over.append(kubectl("wait", *name, "--for=delete"))
        )
        over: list[subprocess.CompletedProcess[str]] = []
        waiting.start()
        kubectl("delete", *name[:-1])
        waiting.join()
        assert over[0].returncode == 0, over[0].stderr


def test_a_watch_goes_on_from_a_version(kubectl: Kubectl) -> None:
    def changes(version: str) -> list[tuple[str, str]]:
        path = f"/api/v1/configmaps?watch=true&timeoutSeconds=1&resourceVersion={version}"
        lines = kubectl("get", "--raw", path).stdout.splitlines()
        events = [json.loads(line) for line in lines]
        return [(each["type"], each["object"]["metadata"]["name"]) for each in events]

    kubectl("create", "configmap", "first")
    listed = json.loads(kubectl("get", "--raw", "/api/v1/configmaps").stdout)
    version = listed["metadata"]["resourceVersion"]
    kubectl("create", "configmap", "second")
    kubectl("delete", "configmap", "first")
    kubectl("create", "configmap", "first")
    assert changes(version) == [("ADDED", "second"), ("DELETED", "first"), ("ADDED", "first")]
    assert changes("0") == [("ADDED", "first"), ("ADDED", "second")]
    late = kubectl("get", "--raw", "/api/v1/configmaps?watch=true&resourceVersion=100000")
    assert "too old resource version" in late.stderr


def test_a_name_is_generated(kubectl: Kubectl) -> None:
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "gen-"}}
    made = {kubectl("create", "-f", "-", stdin=json.dumps(manifest)).stdout for _ in range(2)}
    assert len(made) == 2
    assert all(each.startswith("configmap/gen-") for each in made)


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
        (["delete", "namespace", "default"], "", "this namespace may not be deleted"),
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
