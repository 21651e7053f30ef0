"""Programs of KFP 1, compiled by an interpreter that flowmaker.compat has extended the SDK of."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import flowmaker.compat

ON_PATH = Path(flowmaker.compat.__file__).parent / "onpath"

HEAD = """
import kfp
from kfp import components, dsl, compiler
from kubernetes.client import V1EnvVar, V1Toleration
op = components.load_component_from_text('''
name: step
inputs: [{name: a, default: x}]
outputs: [{name: o}]
implementation:
  container: {image: "python:3.11", command: [python3, s.py, {inputValue: a}, {outputPath: o}]}
''')
"""
TAIL = """
import sys
compiler.Compiler().compile(pipeline, sys.argv[1])
"""


def run(folder: Path, source: str) -> subprocess.CompletedProcess[str]:
    script = folder / "program.py"
    script.write_text(HEAD + source)
    return subprocess.run(
        [sys.executable, "-W", "ignore", str(script), str(folder / "out.yaml")],
        env={**os.environ, "PYTHONPATH": str(ON_PATH)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def compiled(tmp_path: Path) -> Any:
    def compile_(source: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """The pipeline's spec, and what its platform spec says of each executor."""
        done = run(tmp_path, source + TAIL)
        assert done.returncode == 0, done.stderr
        spec, *platform = yaml.safe_load_all((tmp_path / "out.yaml").read_text())
        said = platform[0]["platforms"]["kubernetes"]["deploymentSpec"] if platform else {}
        return spec, said.get("executors", {})

    return compile_


def test_tasks_and_secrets_say_what_they_said(compiled: Any) -> None:
    """compat.tasks, compat.clouds and compat.conf."""
    spec, kubernetes = compiled("""
from kfp.aws import use_aws_secret
from kfp.onprem import use_k8s_secret, mount_pvc

@dsl.pipeline(name="said")
def pipeline():
    one = op("1").apply(use_aws_secret("mine", aws_region="us-west-2"))
    one.add_env_variable(V1EnvVar(name="PLAIN", value="v"))
    one.add_pod_label("team", "a").add_pod_annotation("note", "b")
    one.add_toleration(V1Toleration(key="gpu", operator="Exists", effect="NoSchedule"))
    one.add_node_selector_constraint("disk", "ssd")
    one.set_retry(3, policy="Always")
    one.execution_options.caching_strategy.max_cache_staleness = "P0D"
    one.container.set_memory_limit("1G")
    two = op("2").after(one).apply(use_k8s_secret("other", {"key": "NAME"})).apply(mount_pvc("c"))
    dsl.get_pipeline_conf().add_op_transformer(lambda task: task.set_display_name("seen"))
""")
    tasks = spec["root"]["dag"]["tasks"]
    assert tasks["step"]["retryPolicy"]["maxRetryCount"] == 3
    assert not tasks["step"]["cachingOptions"].get("enableCache")
    assert tasks["step-2"]["cachingOptions"]["enableCache"]
    assert tasks["step-2"]["dependentTasks"] == ["step"]
    assert {task["taskInfo"]["name"] for task in tasks.values()} == {"seen"}
    executors = spec["deploymentSpec"]["executors"]
    container = executors["exec-step"]["container"]
    env = {each["name"]: each["value"] for each in container["env"]}
    assert env == {"AWS_REGION": "us-west-2", "PLAIN": "v"}
    assert container["resources"]["memoryLimit"] == 1.0
    said = kubernetes["exec-step"]
    assert [each["envVar"] for each in said["secretAsEnv"][0]["keyToEnv"]] == [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    ]
    assert said["podMetadata"] == {"labels": {"team": "a"}, "annotations": {"note": "b"}}
    assert said["nodeSelector"]["labels"] == {"disk": "ssd"}
    assert said["tolerations"][0]["key"] == "gpu"
    assert kubernetes["exec-step-2"]["pvcMount"][0]["mountPath"] == "/mnt/pipeline"


def test_parameters_and_functions_are_of_strings(compiled: Any) -> None:
    """compat.pipelines, compat.functions and compat.loops."""
    spec, _ = compiled("""
from kfp.components import InputPath, OutputPath, create_component_from_func

def add(a, b: int = 3, note_path: OutputPath("Note") = None) -> int:
    return int(a) + b

add_op = create_component_from_func(add, base_image="python:3.11", packages_to_install=["six"])

@dsl.pipeline(name="Untyped Name", description="said")
def pipeline(a, b=4, c=["x", 1]):
    total = add_op(a, b)
    with dsl.ParallelFor([1, 2]) as item:
        op(item)
    op(total.outputs["output"]); op(c)
""")
    assert spec["pipelineInfo"] == {
        "name": "untyped-name",
        "displayName": "Untyped Name",
        "description": "said",
    }
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    assert {each["parameterType"] for each in parameters.values()} == {"STRING"}
    assert parameters["b"]["defaultValue"] == "4"
    assert parameters["c"]["defaultValue"] == '["x", 1]'
    tasks = spec["root"]["dag"]["tasks"]
    (loop,) = [task for task in tasks.values() if "parameterIterator" in task]
    assert loop["parameterIterator"]["items"]["raw"] == '["1", "2"]'
    (add,) = [
        each["container"]
        for name, each in spec["deploymentSpec"]["executors"].items()
        if name.startswith("exec-add")
    ]
    assert add["image"] == "python:3.11"
    assert "six" in " ".join(add["command"])


def test_a_container_op_is_a_component(compiled: Any) -> None:
    """compat.container_op."""
    spec, _ = compiled("""
@dsl.pipeline(name="op")
def pipeline(text="hello"):
    first = dsl.ContainerOp(
        name="first", image="python:3.11", command=["sh", "-c"],
        arguments=["echo %s > /tmp/out" % text], file_outputs={"said": "/tmp/out"},
    )
    with dsl.Condition(first.outputs["said"] == "hello"):
        op(first.output)
""")
    command = spec["deploymentSpec"]["executors"]["exec-first"]["container"]["command"]
    assert "take said /tmp/out" in command[2]
    conditions = [
        task["triggerPolicy"]["condition"]
        for task in spec["root"]["dag"]["tasks"].values()
        if "triggerPolicy" in task
    ]
    assert len(conditions) == 1
    assert "== 'hello'" in conditions[0]


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("dsl.VolumeOp(name='v')", "dsl.VolumeOp"),
        ("dsl.PipelineConf().set_image_pull_secrets([])", "PipelineConf.set_image_pull_secrets"),
        ("dsl.get_pipeline_conf()", "get_pipeline_conf() outside a pipeline"),
        ("from kfp.gcp import use_tpu; use_tpu(8, 'v3', '2.1')", "use_tpu"),
    ],
)
def test_what_has_no_equivalent_is_refused_by_its_name(
    tmp_path: Path, line: str, named: str
) -> None:
    done = run(tmp_path, line)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert "NotInKfp2Error" in last
    assert named in last
