"""What a component is told of its configuration (dsl.TaskConfig), and what it gets itself."""

from typing import Any

import pytest
from kfp import dsl, kubernetes

from tests.fakes.kfp_batch import Batch, Submitted
from tests.house import House

BATCH = Batch()
FIELDS = list(dsl.TaskConfigField)


def _looks(workspace: str, config: dsl.TaskConfig):
    import dataclasses
    import json
    import os
    from pathlib import Path

    names = ["COLOUR", "PASSWORD", "SIZE", "POD"]
    paths = [workspace, "/mnt/claim", "/mnt/secret/password", "/mnt/map/size", "/mnt/scratch"]
    print(
        "RESULT "
        + json.dumps(
            [
                dataclasses.asdict(config),
                {name: os.environ[name] for name in names if name in os.environ},
                [path for path in paths if Path(path).exists()],
            ]
        )
    )


told = dsl.component(base_image="python:3.11", task_config_passthroughs=FIELDS)(_looks)
applied = dsl.component(
    base_image="python:3.11",
    task_config_passthroughs=[
        dsl.TaskConfigPassthrough(field=f, apply_to_task=True) for f in FIELDS
    ],
)(_looks)
nothing = dsl.component(base_image="python:3.11")(_looks)


def _configured(task: Any, claim: Any, secret: Any, tolerations: Any, affinity: Any) -> None:
    task.set_env_variable("COLOUR", "blue").set_env_variable("EMPTY", "")
    task.set_cpu_request("100m").set_memory_limit("1G")
    kubernetes.mount_pvc(task, claim, "/mnt/claim")
    kubernetes.use_secret_as_volume(task, secret, "/mnt/secret")
    kubernetes.use_config_map_as_volume(task, "told", "/mnt/map", optional=True)
    kubernetes.use_secret_as_env(task, secret, {"password": "PASSWORD"})
    kubernetes.use_config_map_as_env(task, "told", {"size": "SIZE"})
    kubernetes.use_field_path_as_env(task, "POD", "metadata.name")
    kubernetes.empty_dir_mount(task, "scratch", "/mnt/scratch")
    kubernetes.add_node_selector(task, "disk", "ssd")
    kubernetes.add_toleration(task, key="gpu", operator="Exists", toleration_seconds=3600)
    kubernetes.add_toleration_json(task, tolerations)
    kubernetes.add_node_affinity(task, [{"key": "disk", "operator": "In", "values": ["ssd"]}])
    kubernetes.add_node_affinity_json(task, affinity)


PREFERRED = [
    {"weight": 5, "preference": {"matchExpressions": [{"key": "zone", "operator": "Exists"}]}}
]


@BATCH.add(
    secret="told",
    tolerations=[{"key": "spot", "effect": "NoSchedule"}],
    affinity={"preferredDuringSchedulingIgnoredDuringExecution": PREFERRED},
)
@dsl.pipeline(
    name="task-config-in-full",
    pipeline_config=dsl.PipelineConfig(workspace=dsl.WorkspaceConfig(size="5Mi")),
)
def configured(secret: str, tolerations: list, affinity: dict):
    claim = kubernetes.CreatePVC(
        pvc_name="told", access_modes=["ReadWriteOnce"], size="5Mi", storage_class_name="standard"
    )
    workspace = dsl.WORKSPACE_PATH_PLACEHOLDER
    here = told(workspace=workspace).set_display_name("told")
    here.set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(1)
    there = applied(workspace=workspace).set_display_name("applied")
    for task in (here, there):
        _configured(task, claim.outputs["name"], secret, tolerations, affinity)
    kubernetes.DeletePVC(pvc_name=claim.outputs["name"]).after(here, there)


@BATCH.add()
@dsl.pipeline(name="task-config-of-nothing")
def unconfigured():
    told(workspace="/nowhere").set_display_name("asks")
    nothing(workspace="/nowhere").set_env_variable("COLOUR", "blue").set_display_name(
        "does not ask"
    )


@dsl.component(base_image="python:3.11", task_config_passthroughs=[dsl.TaskConfigField.RESOURCES])
def asks_for_memory(config: dsl.TaskConfig):
    import json

    print("RESULT " + json.dumps(config.resources))


@BATCH.with_options({"enable_caching": True})
@dsl.pipeline(name="task-config-in-the-cache")
def cached():
    first = asks_for_memory().set_memory_limit("1G").set_display_name("1G")
    asks_for_memory().set_memory_limit("2G").set_display_name("2G").after(first)


@BATCH.add()
@dsl.pipeline(name="accelerated-itself")
def accelerated():
    task = applied(workspace="/nowhere")
    task.set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(1)


@pytest.fixture(scope="module")
def runs(server: House, tmp_path_factory: pytest.TempPathFactory) -> Submitted:
    made = ("-n", "kubeflow", "create")
    server.run("kubectl", *made, "secret", "generic", "told", "--from-literal=password=s3cr3t")
    server.run("kubectl", *made, "configmap", "told", "--from-literal=size=7")
    return BATCH.submitted(server, tmp_path_factory.mktemp("packages"))


def expected(run_id: str, limits: dict[str, str]) -> dict[str, Any]:
    claim = f"{run_id}-kfp-workspace"
    secret = {"name": "told", "key": "password", "optional": False}
    config_map = {"name": "told", "key": "size", "optional": False}
    return {
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [
                        {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}
                    ]
                },
                "preferredDuringSchedulingIgnoredDuringExecution": PREFERRED,
            }
        },
        "env": [
            {"name": "COLOUR", "value": "blue"},
            {"name": "EMPTY"},
            {"name": "PASSWORD", "valueFrom": {"secretKeyRef": secret}},
            {"name": "SIZE", "valueFrom": {"configMapKeyRef": config_map}},
            {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        ],
        "node_selector": {"disk": "ssd"},
        "resources": {"requests": {"cpu": "100m"}, "limits": {"memory": "1G", **limits}},
        "tolerations": [
            {"key": "gpu", "operator": "Exists", "tolerationSeconds": 3600},
            {"key": "spot", "effect": "NoSchedule"},
        ],
        "volumes": [
            {"name": "kfp-workspace", "persistentVolumeClaim": {"claimName": claim}},
            {"name": "told", "persistentVolumeClaim": {"claimName": "told"}},
            {"name": "told", "secret": {"secretName": "told", "optional": False}},
            {"name": "told", "configMap": {"name": "told", "optional": True}},
        ],
        "volume_mounts": [
            {"name": "kfp-workspace", "mountPath": "/kfp-workspace"},
            {"name": "told", "mountPath": "/mnt/claim"},
            {"name": "told", "mountPath": "/mnt/secret"},
            {"name": "told", "mountPath": "/mnt/map"},
        ],
    }


def test_what_is_passed_on_is_told_in_kubernetes_words_and_not_given(runs: Submitted) -> None:
    run = runs(configured)
    assert run.error == ""
    config, variables, paths = run.result("told")
    assert config == expected(run.id, {"nvidia.com/gpu": "1"})
    assert variables == {}
    assert paths == ["/mnt/scratch"]  # an empty folder is nobody else's
    assert "without effect on this machine" not in run.log("told")


def test_what_is_applied_to_the_task_is_given_too(runs: Submitted) -> None:
    run = runs(configured)
    config, variables, paths = run.result("applied")
    assert config == expected(run.id, {})
    (task,) = [each for each in run.tasks if each.display_name == "applied"]
    assert variables == {
        "COLOUR": "blue",
        "PASSWORD": "s3cr3t",
        "SIZE": "7",
        "POD": f"{task.task_id}-1",
    }
    assert paths == [
        "/kfp-workspace",
        "/mnt/claim",
        "/mnt/secret/password",
        "/mnt/map/size",
        "/mnt/scratch",
    ]
    unused = "nodeSelector, tolerations, nodeAffinity: without effect on this machine"
    assert unused in run.log("applied")


def test_where_nothing_is_configured_there_is_nothing_to_tell(runs: Submitted) -> None:
    run = runs(unconfigured)
    assert run.error == ""
    without = dict.fromkeys(
        ("affinity", "node_selector", "tolerations", "volumes", "volume_mounts", "env")
    )
    assert run.result("asks")[0] == {**without, "env": [], "resources": {}}
    assert run.result("does not ask") == [{**without, "resources": {}}, {"COLOUR": "blue"}, []]


def test_who_is_told_something_else_is_not_in_the_cache(runs: Submitted) -> None:
    run = runs(cached)
    assert run.results("1G") == [{"limits": {"memory": "1G"}}]
    assert run.results("2G") == [{"limits": {"memory": "2G"}}]


def test_accelerators_are_refused_where_the_task_itself_is_to_have_them(runs: Submitted) -> None:
    with pytest.raises(Exception, match="this machine has none"):
        runs(accelerated)
