"""kfp.kubernetes through the real kfp.Client: what a task got of its platform configuration."""

import base64
import time
from collections.abc import Callable
from typing import Any, Optional

import httpx
import pytest
from kfp import dsl, kubernetes
from kfp_server_api import ApiException

from tests.fakes.kfp_batch import Batch, Submitted
from tests.house import House

# Components import what they need, and optional parameters are written as users do.
# ruff: noqa: UP045

BATCH = Batch()


def eventually(holds: Callable[[], bool], seconds: float = 120) -> bool:
    until = time.monotonic() + seconds
    while not holds() and time.monotonic() < until:
        time.sleep(0.02)
    return holds()


@dsl.component(base_image="python:3.11")
def variables(names: list):
    import json
    import os

    print("RESULT " + json.dumps([os.environ.get(name) for name in names]))


@dsl.component(base_image="python:3.11")
def files(folder: str):
    import json
    from pathlib import Path

    found = {each.name: each.read_text() for each in Path(folder).glob("*")}
    try:
        Path(folder, "new").write_text("x")
        writable = True
    except OSError:
        writable = False
    print("RESULT " + json.dumps([Path(folder).is_dir(), found, writable]))


@BATCH.add(given="settings", secret="kfp-secret")
@dsl.pipeline(name="config-maps-and-secrets")
def objects(given: str, secret: str, absent: Optional[str] = None):
    env = variables(names=["COLOUR", "SIZE", "PASSWORD", "NOT_THERE"]).set_display_name("env")
    kubernetes.use_secret_as_env(env, secret, {"password": "PASSWORD", "colour": "COLOUR"})
    kubernetes.use_config_map_as_env(env, given, {"colour": "COLOUR"})
    kubernetes.use_config_map_as_env(env, "settings", {"size": "SIZE"})
    kubernetes.use_config_map_as_env(env, "nowhere", {"size": "NOT_THERE"}, optional=True)
    kubernetes.use_config_map_as_env(env, absent, {"size": "NOT_THERE"}, optional=True)
    kubernetes.use_config_map_as_env(env, "settings", {"no-key": "NOT_THERE"}, optional=True)
    of_secret = files(folder="/etc/credentials").set_display_name("secret")
    kubernetes.use_secret_as_volume(of_secret, secret, "/etc/credentials")
    of_map = files(folder="/settings/of/mine").set_display_name("config map")
    kubernetes.use_config_map_as_volume(of_map, given, "/settings/of/mine")
    nothing = files(folder="/nothing-here").set_display_name("nothing")
    kubernetes.use_secret_as_volume(nothing, "nowhere", "/nothing-here", optional=True)
    kubernetes.use_config_map_as_volume(nothing, absent, "/nothing-there", optional=True)


def _lacking(name: str, use: Any, *arguments: Any) -> Any:
    @BATCH.add()
    @dsl.pipeline(name=name)
    def pipeline():
        use(variables(names=[]), *arguments)

    return pipeline


LACKING = {
    "Secret 'nowhere' not found in namespace kubeflow. Create it with": _lacking(
        "no-secret", kubernetes.use_secret_as_volume, "nowhere", "/etc/x"
    ),
    "ConfigMap 'nowhere' not found in namespace kubeflow. Create it with": _lacking(
        "no-config-map", kubernetes.use_config_map_as_volume, "nowhere", "/etc/x"
    ),
    "PersistentVolumeClaim 'nowhere' not found in namespace kubeflow": _lacking(
        "no-claim", kubernetes.mount_pvc, "nowhere", "/x"
    ),
    "Secret 'of-default' not found in namespace kubeflow; there is one in default, where": _lacking(
        "in-default", kubernetes.use_secret_as_volume, "of-default", "/etc/x"
    ),
    "kubectl create configmap nowhere -n kubeflow": _lacking(
        "no-config-map-as-env", kubernetes.use_config_map_as_env, "nowhere", {"a": "A"}
    ),
    "ConfigMap 'settings' has no key 'a'; its keys: colour, size": _lacking(
        "no-key", kubernetes.use_config_map_as_env, "settings", {"a": "A"}
    ),
}
UNKNOWN_FIELD = _lacking("unknown-field", kubernetes.use_field_path_as_env, "A", "status.phase")
NO_PLACE = _lacking("no-place", kubernetes.use_secret_as_volume, "kfp-secret", "relative")
TWICE = _lacking(
    "mounted-twice",
    lambda task: kubernetes.use_secret_as_volume(  # type: ignore[no-untyped-call]
        kubernetes.use_secret_as_volume(task, "kfp-secret", "/a"), "kfp-secret", "/a/"
    ),
)

FIELDS = {
    "NAME": "metadata.name",
    "NAMESPACE_OF_MINE": "metadata.namespace",
    "IP": "status.podIP",
    "IPS": "status.podIPs",
    "HOST_IP": "status.hostIP",
    "HOST_IPS": "status.hostIPs",
    "ACCOUNT": "spec.serviceAccountName",
    "NODE": "spec.nodeName",
    "TEAM": "metadata.labels['team']",
    "RUN": "metadata.labels['pipeline/runid']",
    "WHY": "metadata.annotations['example.com/why']",
    "NO_LABEL": "metadata.labels['none']",
}


@BATCH.add()
@dsl.pipeline(name="fields-of-the-pod")
def fields():
    task = variables(names=[*FIELDS, "KFP_POD_NAME"]).set_display_name("fields")
    kubernetes.add_pod_label(task, "team", "blue")
    kubernetes.add_pod_annotation(task, "example.com/why", "because")
    for name, path in FIELDS.items():
        kubernetes.use_field_path_as_env(task, name, path)


@BATCH.add()
@dsl.pipeline(name="scratch")
def scratch():
    empty = files(folder="/scratch/a").set_display_name("empty dir")
    kubernetes.empty_dir_mount(empty, "a", "/scratch/a", size_limit="1Gi")
    volume = files(folder="/mnt/large").set_display_name("ephemeral")
    kubernetes.add_ephemeral_volume(volume, "large", "/mnt/large", ["ReadWriteOnce"], "5Gi")


@dsl.component(base_image="python:3.11")
def write(file: str, text: str):
    from pathlib import Path

    Path(file).write_text(text)


@dsl.component(base_image="python:3.11")
def linked(link: str, target: str):
    from pathlib import Path

    Path(link).symlink_to(target)


@BATCH.add(claim="kept")
@dsl.pipeline(name="volume-claims")
def claims(claim: str):
    written = write(file="/mnt/part/said.txt", text="hello")
    kubernetes.mount_pvc(written, claim, "/mnt/part", sub_path="deep/part")
    read = files(folder="/elsewhere/deep/part").set_display_name("read").after(written)
    kubernetes.mount_pvc(read, "kept", "/elsewhere")


@BATCH.add()
@dsl.pipeline(name="out-of-the-volume")
def out_of_volume():
    made = linked(link="/mnt/a/out", target="/etc")
    kubernetes.mount_pvc(made, "escaped", "/mnt/a")
    kubernetes.mount_pvc(files(folder="/x").after(made), "escaped", "/x", sub_path="out")


@BATCH.add()
@dsl.pipeline(name="made-and-deleted")
def made_and_deleted():
    made = kubernetes.CreatePVC(
        access_modes=["ReadWriteOnce"], size="1Gi", pvc_name_suffix="-mine"
    ).set_retry(2)
    written = write(file="/mnt/said.txt", text="hello")
    kubernetes.mount_pvc(written, made.outputs["name"], "/mnt")
    read = files(folder="/mnt").set_display_name("read").after(written)
    kubernetes.mount_pvc(read, made.outputs["name"], "/mnt")
    kubernetes.DeletePVC(pvc_name=made.outputs["name"]).after(read)


@BATCH.add()
@dsl.pipeline(name="made-twice")
def made_twice():
    kubernetes.CreatePVC(access_modes=["ReadWriteOnce"], size="1Gi", pvc_name="kept").set_retry(2)


@BATCH.add()
@dsl.pipeline(name="made-with-two-names")
def made_with_two_names():
    kubernetes.CreatePVC(
        access_modes=["ReadWriteOnce"], size="1Gi", pvc_name="a", pvc_name_suffix="-b"
    )


@BATCH.add()
@dsl.pipeline(name="made-of-a-volume")
def made_of_a_volume():
    kubernetes.CreatePVC(
        access_modes=["ReadWriteOnce"], size="1Gi", pvc_name="a", volume_name="disk"
    )


@BATCH.add()
@dsl.pipeline(name="made-without-a-name")
def made_without_a_name():
    made = kubernetes.CreatePVC(access_modes=["ReadWriteOnce"], size="1Gi")
    variables(names=[]).set_env_variable("CLAIM", "x").after(made)


@BATCH.add()
@dsl.pipeline(name="deleted-by-nobody")
def deleted_by_nobody():
    kubernetes.DeletePVC(pvc_name="nowhere")


@dsl.component(base_image="python:3.11")
def waits_for(file: str):
    import time
    from pathlib import Path

    Path(file).with_name("begun").write_text("")
    while not Path(file).exists():
        time.sleep(0.05)
    print("RESULT 1")


@BATCH.add()
@dsl.pipeline(name="held-while-it-goes")
def held():
    kubernetes.mount_pvc(waits_for(file="/mnt/go"), "held", "/mnt")


@dsl.container_component
def sleeps():
    return dsl.ContainerSpec(image="python:3.11", command=["sleep", "600"])


@BATCH.add()
@dsl.pipeline(name="too-slow")
def too_slow():
    kubernetes.set_timeout(sleeps(), 1)


@BATCH.add()
@dsl.pipeline(name="in-time")
def in_time():
    kubernetes.set_timeout(variables(names=[]), 600)


@BATCH.add()
@dsl.pipeline(name="without-effect")
def without_effect():
    task = variables(names=[]).set_display_name("placed")
    kubernetes.add_node_selector(task, "disk", "ssd")
    kubernetes.add_toleration(task, key="gpu", operator="Exists")
    kubernetes.add_node_affinity(
        task, match_expressions=[{"key": "disk", "operator": "In", "values": ["ssd"]}]
    )
    kubernetes.set_image_pull_secrets(task, ["registry"])
    kubernetes.set_image_pull_policy(task, "Always")
    kubernetes.set_security_context(task, run_as_user=1000)


CLAIM = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: {}}}
spec:
  accessModes: [ReadWriteOnce]
  resources: {{requests: {{storage: 2Gi}}}}
"""


@pytest.fixture(scope="module")
def ran(server: House, tmp_path_factory: pytest.TempPathFactory) -> Submitted:
    def encoded(text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    for kind, plural, name, data in (
        (
            "Secret",
            "secrets",
            "kfp-secret",
            {"password": encoded("s3cr3t"), "colour": encoded("?")},
        ),
        ("ConfigMap", "configmaps", "settings", {"colour": "blue", "size": "7"}),
    ):
        answer = httpx.post(
            f"{server.url}/api/v1/namespaces/kubeflow/{plural}",
            json={"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "data": data},
        )
        assert answer.status_code == 201, answer.text
    server.run("kubectl", "create", "-n", "default", "secret", "generic", "of-default")
    for name in ("kept", "escaped", "held"):
        server.run("kubectl", "create", "-n", "kubeflow", "-f", "-", stdin=CLAIM.format(name))
    return BATCH.submitted(server, tmp_path_factory.mktemp("packages"))


def test_kubectl_makes_shows_and_deletes_claims(server: House) -> None:
    claims = ("-n", "kubeflow", "pvc", "short-lived")
    server.run("kubectl", "create", "-n", "kubeflow", "-f", "-", stdin=CLAIM.format("short-lived"))
    assert "short-lived" in server.run("kubectl", "get", *claims)
    assert "deleted" in server.run("kubectl", "delete", *claims)
    assert "short-lived" not in server.run("kubectl", "get", "pvc", "-n", "kubeflow")


def test_config_maps_and_secrets_become_variables(ran: Submitted) -> None:
    run = ran(objects)
    assert run.error == ""
    assert run.result("env") == ["blue", "7", "s3cr3t", None]


def test_config_maps_and_secrets_become_files(ran: Submitted) -> None:
    run = ran(objects)
    assert run.result("secret") == [True, {"password": "s3cr3t", "colour": "?"}, False]
    assert run.result("config map") == [True, {"colour": "blue", "size": "7"}, False]
    assert run.result("nothing") == [False, {}, False]


@pytest.mark.parametrize("said", LACKING)
def test_what_is_missing_is_named(ran: Submitted, said: str) -> None:
    run = ran(LACKING[said])
    assert run.run.state == "FAILED"
    assert said in run.error


def test_fields_of_the_pod(ran: Submitted) -> None:
    run = ran(fields)
    assert run.error == ""
    *shown, pod = run.result("fields")
    seen = dict(zip(FIELDS, shown, strict=True))
    assert seen.pop("NODE")
    assert seen == {
        "NAME": pod,
        "NAMESPACE_OF_MINE": "kubeflow",
        **dict.fromkeys(("IP", "IPS", "HOST_IP", "HOST_IPS"), "127.0.0.1"),
        "ACCOUNT": "pipeline-runner",
        "TEAM": "blue",
        "RUN": run.id,
        "WHY": "because",
        "NO_LABEL": "",
    }


@pytest.mark.parametrize(
    ("pipeline", "said"),
    [
        (UNKNOWN_FIELD, "the field path status.phase"),
        (NO_PLACE, "mountPath is 'relative'"),
        (TWICE, "mounts more than one thing at /a"),
    ],
)
def test_what_cannot_be_given_is_refused(ran: Submitted, pipeline: Any, said: str) -> None:
    with pytest.raises(ApiException) as caught:
        ran(pipeline)
    assert said in str(caught.value.body)


def test_volume_claims_keep_what_is_written(ran: Submitted, server: House) -> None:
    run = ran(claims)
    assert run.error == ""
    assert run.result("read") == [True, {"said.txt": "hello"}, True]
    header, shown = server.run("kubectl", "get", "pvc", "kept", "-n", "kubeflow").splitlines()
    assert header.split()[:4] == ["NAME", "STATUS", "VOLUME", "CAPACITY"]
    assert shown.split()[:4] == ["kept", "Bound", "2Gi", "ReadWriteOnce"]


def test_claims_are_made_and_deleted_by_tasks(ran: Submitted, server: House) -> None:
    run = ran(made_and_deleted)
    assert run.error == ""
    assert run.result("read") == [True, {"said.txt": "hello"}, True]
    assert "-mine" not in server.run("kubectl", "get", "pvc", "-n", "kubeflow")


def test_a_claim_that_cannot_be_made_fails_its_task(ran: Submitted) -> None:
    assert 'persistentvolumeclaims "kept" already exists' in ran(made_twice).error
    assert "one of pvc_name and pvc_name_suffix, not both" in ran(made_with_two_names).error
    assert "CreatePVC with volume_name" in ran(made_of_a_volume).error


def test_a_claim_without_a_name_gets_one(ran: Submitted, server: House) -> None:
    run = ran(made_without_a_name)
    assert run.error == ""
    (task,) = [task for task in run.tasks if task.display_name == "createpvc"]
    assert task.task_id in server.run("kubectl", "get", "pvc", "-n", "kubeflow", "-o", "name")


def test_deleting_a_claim_that_is_not_there_fails_its_task(ran: Submitted) -> None:
    run = ran(deleted_by_nobody)
    assert run.run.state == "FAILED"
    assert "PersistentVolumeClaim 'nowhere' not found in namespace kubeflow" in run.error


def test_the_folder_of_a_claim_goes_when_nobody_has_it_any_more(
    ran: Submitted, server: House
) -> None:
    claim = ("pvc", "held", "-n", "kubeflow")
    uid = server.run("kubectl", "get", *claim, "-o", "jsonpath={.metadata.uid}")
    folder = server.data / "volumes" / uid
    assert eventually((folder / "begun").exists)
    (task,) = [
        each
        for each in ran.client.get_run(ran.ids[held.name]).run_details.task_details
        if each.display_name == "waits-for"
    ]
    assert f"Used By:       {task.task_id}-1" in server.run("kubectl", "describe", *claim)
    server.run("kubectl", "delete", *claim)
    assert folder.exists()
    (folder / "go").write_text("")
    assert ran(held).result("waits-for") == 1
    assert eventually(lambda: not folder.exists())


def test_nothing_outside_of_a_volume_is_mounted(ran: Submitted) -> None:
    assert "The subPath 'out' leads out of the volume" in ran(out_of_volume).error


def test_scratch_folders(ran: Submitted) -> None:
    run = ran(scratch)
    assert run.error == ""
    assert run.result("empty dir") == [True, {}, True]
    assert run.result("ephemeral") == [True, {}, True]
    assert eventually(lambda: not [*run.data.glob("jobs/*/volumes/large")])
    assert "volume size 1Gi is not enforced on this machine yet" in run.log("empty dir")
    assert "accessModes of volume large" in run.log("ephemeral")


def test_a_task_has_no_more_than_its_time(ran: Submitted) -> None:
    run = ran(too_slow)
    assert run.run.state == "FAILED"
    assert "The process was stopped because its time was up" in run.error
    assert ran(in_time).error == ""


def test_what_has_no_effect_is_told(ran: Submitted) -> None:
    run = ran(without_effect)
    assert run.error == ""
    told = "nodeSelector, tolerations, nodeAffinity, imagePullSecret, securityContext"
    assert f"[flowmaker] {told}: without effect on this machine\n" in run.log("placed")
